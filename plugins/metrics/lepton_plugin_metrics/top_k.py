"""The metric `top_k`."""

import numpy as np

from lepton_plugin_metrics.accuracy import checked_labels
from lepton_plugin_metrics.answers import scores
from lepton_rules.plugin import LeptonError, MetricContext

_WHAT = "metric metrics.top_k"


def top_k(context: MetricContext) -> float:
    """The share of labels that are among the k highest scores, in [0, 1].

    O. Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 115 (2015), section 4. Of equal
    scores, the class of the lower index comes first, as `accuracy` has it.

    Raises:
      LeptonError: as for accuracy, or k leaves no class out.
    """
    labels = checked_labels(context, _WHAT)
    found = scores(context.outputs, context.config.output, _WHAT)
    k, classes = context.config.k, found.shape[-1]
    if k >= classes:
        raise LeptonError(_WHAT, f"k is {k}, and the model has {classes} classes", "Give a k below that")
    own = np.take_along_axis(found, labels[..., None], axis=-1)
    before = np.arange(classes) < labels[..., None]
    rank = np.sum((found > own) | ((found == own) & before), axis=-1)
    return float(np.mean(rank < k))
