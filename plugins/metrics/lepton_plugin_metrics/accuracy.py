"""The metric `accuracy`."""

from typing import Any

import numpy as np

from lepton_plugin_metrics.answers import answers, scores
from lepton_rules.plugin import LeptonError, MetricContext
from lepton_rules.plugin.names import suggestion

_WHAT = "metric metrics.accuracy"


def accuracy(context: MetricContext) -> float:
    """The share of labels that the highest score names, in [0, 1].

    Labels are integers of the scores' shape without its last axis, each in [0, classes).

    Raises:
      LeptonError: the labels are missing, of another shape, no integers or out of range; or the output has no scores.
    """
    labels = checked_labels(context, _WHAT)
    return float(np.mean(answers(context.outputs, context.config.output, _WHAT) == labels))


def checked_labels(context: MetricContext, what: str, wanted: int = 0) -> np.ndarray[Any, Any]:
    """The labels that a metric's configuration names, once they fit the scores, which must have the class `wanted`.

    Raises:
      LeptonError: about `what`, as for `accuracy`; or there is no such class.
    """
    name = context.config.labels
    if name not in context.arrays:
        raise LeptonError(what, f"the dataset has no array {name!r}", suggestion(name, context.arrays))
    labels = context.arrays[name]
    found = scores(context.outputs, context.config.output, what)
    if labels.dtype.kind not in "iu":
        raise LeptonError(what, f"labels {name!r} have dtype {labels.dtype}", "Write the classes' indices as int64")
    if labels.shape != found.shape[:-1]:
        raise LeptonError(
            what,
            f"labels {name!r} have shape {list(labels.shape)}, and the scores {list(found.shape)}",
            "Give one label for each set of scores",
        )
    low, high, classes = labels.min(), labels.max(), found.shape[-1]
    if low < 0 or high >= classes:
        raise LeptonError(
            what,
            f"labels {name!r} reach from {low} to {high}, and the model has the classes 0 to {classes - 1}",
            "Mend the labels, or use the model's own dataset",
        )
    if not 0 <= wanted < classes:
        raise LeptonError(what, f"the model has the classes 0 to {classes - 1}, and {wanted} is none", "Name another")
    return labels
