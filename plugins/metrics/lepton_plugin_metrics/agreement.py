"""The metric `agreement`."""

import numpy as np

from lepton_plugin_metrics.answers import answers
from lepton_rules.plugin import LeptonError, MetricContext

_WHAT = "metric metrics.agreement"


def agreement(context: MetricContext) -> float:
    """The share of samples on which model and baseline answer the same class, in [0, 1].

    A model may lose no accuracy and yet answer differently everywhere it is unsure: this shows it.

    Raises:
      LeptonError: an output has no scores, or the two are of different shapes.
    """
    assert context.baseline is not None
    mine = answers(context.outputs, context.config.output, _WHAT)
    other = answers(context.baseline, context.config.output, f"{_WHAT} on the baseline")
    if mine.shape != other.shape:
        raise LeptonError(
            _WHAT,
            f"the model answers {list(mine.shape)} and the baseline {list(other.shape)}",
            "Compare with a baseline of the same signature and dataset",
        )
    return float(np.mean(mine == other))
