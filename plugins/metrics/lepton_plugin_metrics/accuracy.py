"""The metric `accuracy`."""

import numpy as np

from lepton_plugin_metrics.answers import answers, array_of, scores
from lepton_rules.plugin import LeptonError, MetricContext

_WHAT = "metric metrics.accuracy"


def accuracy(context: MetricContext) -> float:
    """The share of labels that the highest score names, in [0, 1].

    Labels are integers of the scores' shape without its last axis, each in [0, classes).

    Raises:
      LeptonError: the labels are missing, of another shape, no integers or out of range; or the output has no scores.
    """
    name = context.config.labels
    labels = array_of(context.arrays, name, _WHAT)
    found = scores(context.outputs, context.config.output, _WHAT)
    if labels.dtype.kind not in "iu":
        raise LeptonError(_WHAT, f"labels {name!r} have dtype {labels.dtype}", "Write the classes' indices as int64")
    if labels.shape != found.shape[:-1]:
        raise LeptonError(
            _WHAT,
            f"labels {name!r} have shape {list(labels.shape)}, and the scores {list(found.shape)}",
            "Give one label for each set of scores",
        )
    low, high, classes = labels.min(), labels.max(), found.shape[-1]
    if low < 0 or high >= classes:
        raise LeptonError(
            _WHAT,
            f"labels {name!r} reach from {low} to {high}, and the model has the classes 0 to {classes - 1}",
            "Mend the labels, or use the model's own dataset",
        )
    return float(np.mean(answers(context.outputs, context.config.output, _WHAT) == labels))
