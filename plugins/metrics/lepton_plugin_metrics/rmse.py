"""The metric `rmse`."""

import numpy as np

from lepton_plugin_metrics.answers import array_of, named_output
from lepton_rules.plugin import LeptonError, MetricContext

_WHAT = "metric metrics.rmse"


def rmse(context: MetricContext) -> float:
    """The root of the mean squared error, in the unit of the numbers; 0 is the best.

    C. F. Gauss, "Theoria combinationis observationum erroribus minimis obnoxiae", 1823.

    Raises:
      LeptonError: output or labels hold no finite numbers, or are of different shapes.
    """
    name = named_output(context.outputs, context.config.output, _WHAT)
    output = context.outputs[name]
    labels = array_of(context.arrays, context.config.labels, _WHAT)
    for what, array in ((f"output {name!r}", output), (f"labels {context.config.labels!r}", labels)):
        if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
            raise LeptonError(_WHAT, f"{what} is {array.dtype}{list(array.shape)}, or not all finite", "Give numbers")
    if output.shape == (*labels.shape, 1):
        output = output[..., 0]
    if output.shape != labels.shape:
        raise LeptonError(
            _WHAT,
            f"output {name!r} has shape {list(output.shape)}, and labels {context.config.labels!r} "
            f"{list(labels.shape)}",
            "Give one number for each that the model predicts",
        )
    return float(np.sqrt(np.mean(np.square(output.astype(np.float64) - labels.astype(np.float64)))))
