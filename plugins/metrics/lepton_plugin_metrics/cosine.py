"""The metric `cosine`."""

import numpy as np

from lepton_plugin_metrics.vectors import unit_vectors
from lepton_rules.plugin import LeptonError, MetricContext

_WHAT = "metric metrics.cosine"


def cosine(context: MetricContext) -> float:
    """The mean over the samples of the cosine between the model's and the baseline's output, in [-1, 1].

    It is the similarity of the vector space model: G. Salton, A. Wong and C. S. Yang, "A Vector Space Model for
    Automatic Indexing", Communications of the ACM 18 (1975). An output with several axes is one vector for each sample.

    Raises:
      LeptonError: an output is no vector, or the two are of different lengths.
    """
    assert context.baseline is not None
    mine = unit_vectors(context.outputs, context.config.output, _WHAT)
    other = unit_vectors(context.baseline, context.config.output, f"{_WHAT} on the baseline")
    if mine.shape != other.shape:
        raise LeptonError(
            _WHAT,
            f"the model gives {mine.shape[1]} values and the baseline {other.shape[1]}",
            "Compare with a baseline of the same signature and dataset",
        )
    return float(np.clip(np.einsum("ij,ij->i", mine, other).mean(), -1.0, 1.0))
