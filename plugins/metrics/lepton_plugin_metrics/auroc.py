"""The metric `auroc`."""

import numpy as np

from lepton_plugin_metrics.answers import array_of, named_output
from lepton_plugin_metrics.vectors import ranks
from lepton_rules.plugin import LeptonError, MetricContext

_WHAT = "metric metrics.auroc"


def auroc(context: MetricContext) -> float:
    """The probability that a sample of the class scores higher than one of another, ties half, in [0, 1].

    It is Mann and Whitney's statistic of the ranks: J. A. Hanley and B. J. McNeil, "The Meaning and Use of the Area
    under a Receiver Operating Characteristic (ROC) Curve", Radiology 143 (1982). Where the output has a score for each
    class, the sample's score is that of the class less the highest of the others: the order of any softmax of two.

    Raises:
      LeptonError: the output holds no numbers or NaN; labels are missing, no integers or of another shape; there is no
        such class; or all samples are of it, or none.
    """
    name = named_output(context.outputs, context.config.output, _WHAT)
    output = context.outputs[name]
    labels = array_of(context.arrays, context.config.labels, _WHAT)
    if output.dtype.kind not in "fiu" or not output.ndim or np.isnan(output).any():
        raise LeptonError(
            _WHAT, f"output {name!r} is {output.dtype}{list(output.shape)} or holds NaN", "Mend the model"
        )
    if labels.dtype.kind not in "iub":
        raise LeptonError(
            _WHAT, f"labels {context.config.labels!r} have dtype {labels.dtype}", "Write the classes' indices as int64"
        )
    found = output.astype(np.float64)
    if found.shape[-1:] == (1,) and labels.ndim == found.ndim - 1:
        found = found[..., 0]
    positive = context.config.positive
    if found.ndim == labels.ndim + 1:
        classes = found.shape[-1]
        if positive >= classes:
            raise LeptonError(
                _WHAT, f"the model has the classes 0 to {classes - 1}, and {positive} is none", "Name another"
            )
        found = found[..., positive] - np.delete(found, positive, axis=-1).max(axis=-1)
    if found.shape != labels.shape:
        raise LeptonError(
            _WHAT,
            f"labels {context.config.labels!r} have shape {list(labels.shape)}, and the output {list(output.shape)}",
            "Give one label for each score, or set of scores",
        )
    of_class = labels.ravel() == positive
    count, others = int(of_class.sum()), int((~of_class).sum())
    if not count or not others:
        raise LeptonError(
            _WHAT, f"{count} samples are of class {positive} and {others} are not", "Evaluate on samples of both"
        )
    total = float(ranks(found.ravel())[of_class].sum())
    return (total - count * (count + 1) / 2) / (count * others)
