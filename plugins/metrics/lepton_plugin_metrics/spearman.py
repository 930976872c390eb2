"""The metrics `spearman` and `spearman_labels`: how well a model of embeddings keeps the order of similarities.

Spearman's correlation of cosine similarities is the figure of the semantic textual similarity tasks: N. Reimers and
I. Gurevych, "Sentence-BERT", EMNLP 2019, https://arxiv.org/abs/1908.10084, section 4.
"""

import numpy as np

from lepton_plugin_metrics.answers import array_of
from lepton_plugin_metrics.vectors import pair_similarities, rank_correlation, unit_vectors
from lepton_rules.plugin import LeptonError, MetricContext

_BASELINE = "metric metrics.spearman"
_LABELS = "metric metrics.spearman_labels"


def spearman(context: MetricContext) -> float:
    """The rank correlation of the model's pair similarities with the baseline's, in [-1, 1].

    Raises:
      LeptonError: an output is no vector, or the dataset's pairs are none.
    """
    assert context.baseline is not None
    pairs = array_of(context.arrays, context.config.pairs, _BASELINE)
    one, other = (
        pair_similarities(unit_vectors(outputs, context.config.output, what), pairs, context.config.pairs, what)[0]
        for outputs, what in ((context.outputs, _BASELINE), (context.baseline, f"{_BASELINE} on the baseline"))
    )
    return rank_correlation(one, other, _BASELINE)


def spearman_labels(context: MetricContext) -> float:
    """The rank correlation of the model's pair similarities with the dataset's grades of them, in [-1, 1].

    Raises:
      LeptonError: the output is no vector, or the dataset's pairs or grades are none.
    """
    pairs = array_of(context.arrays, context.config.pairs, _LABELS)
    labels = array_of(context.arrays, context.config.labels, _LABELS)
    vectors = unit_vectors(context.outputs, context.config.output, _LABELS)
    similarities, samples = pair_similarities(vectors, pairs, context.config.pairs, _LABELS)
    if labels.ndim != 1 or labels.dtype.kind not in "fiu" or not np.isfinite(labels).all():
        raise LeptonError(
            _LABELS,
            f"labels {context.config.labels!r} are {labels.dtype}{list(labels.shape)}, or not all finite",
            "Give each sample the grade of its pair, a number",
        )
    return rank_correlation(similarities, labels[samples], _LABELS)
