"""The metric `f1`."""

import numpy as np

from lepton_plugin_metrics.accuracy import checked_labels
from lepton_plugin_metrics.answers import answers
from lepton_rules.plugin import MetricContext

_WHAT = "metric metrics.f1"


def f1(context: MetricContext) -> float:
    """The harmonic mean of precision and recall of one class, in [0, 1].

    C. J. van Rijsbergen, "Information Retrieval", 2nd edition, 1979, chapter 7.

    It counts what accuracy hides where the class is rare: with no answer right it is 0, however many samples there are
    of the others. A class that neither the labels nor the answers have gives 1.

    Raises:
      LeptonError: as for accuracy, or there is no such class.
    """
    labels = checked_labels(context, _WHAT, context.config.positive)
    given = answers(context.outputs, context.config.output, _WHAT) == context.config.positive
    wanted = labels == context.config.positive
    hits = int(np.sum(given & wanted))
    wrong = int(np.sum(given != wanted))
    return 2 * hits / (2 * hits + wrong) if hits or wrong else 1.0
