"""From outputs to vectors, and from pairs of vectors to similarities and their ranks."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lepton_plugin_metrics.answers import named_output
from lepton_rules.plugin import LeptonError

Array = np.ndarray[Any, Any]


def unit_vectors(outputs: Mapping[str, Array], output: str, what: str) -> Array:
    """Each sample's output as one vector of length 1: float64 [samples, values].

    Args:
      outputs: arrays by name, the first axis the sample.
      output: the name, or "" for the only one.
      what: how errors call the metric.

    Raises:
      LeptonError: there is no such output, or the model has several and none is named; it holds no numbers, or what is
        not finite; or a vector is 0, which has no direction.
    """
    name = named_output(outputs, output, what)
    array = outputs[name]
    if array.ndim < 2 or array.dtype.kind not in "fiu":
        raise LeptonError(
            what,
            f"output {name!r} is {array.dtype}{list(array.shape)}, and it takes a vector of numbers for each sample",
            "Name another output, or use another metric",
        )
    flat = array.reshape(len(array), -1).astype(np.float64)
    if not np.isfinite(flat).all():
        raise LeptonError(what, f"output {name!r} holds NaN or infinity", "Mend the model")
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    if not lengths.all():
        raise LeptonError(
            what, f"output {name!r} is 0 for sample {int(lengths.argmin())}", "Mend the model: 0 has no direction"
        )
    unit: Array = flat / lengths
    return unit


def pair_similarities(vectors: Array, pairs: Array, name: str, what: str) -> tuple[Array, Array]:
    """The cosine of the angle between the two vectors of each pair, by rising pair number.

    Args:
      vectors: float64 [samples, values], of length 1.
      pairs: integers [samples]: the pair that each sample belongs to.
      name: how the dataset calls `pairs`, for errors.
      what: how errors call the metric.

    Returns:
      float64 [pairs], and int64 [pairs]: a sample of each.

    Raises:
      LeptonError: `pairs` are no integers, or not each there twice; or there are fewer than two pairs, or all are
        alike, which has no ranks.
    """
    if pairs.dtype.kind not in "iu" or pairs.ndim != 1:
        raise LeptonError(
            what, f"array {name!r} is {pairs.dtype}{list(pairs.shape)}", "Give each sample the number of its pair"
        )
    numbers, counts = np.unique(pairs, return_counts=True)
    if (counts != 2).any():
        wrong = int(np.flatnonzero(counts != 2)[0])
        raise LeptonError(
            what,
            f"pair {numbers[wrong]} of {name!r} has {counts[wrong]} samples",
            "Keep the two samples of a pair in one split",
        )
    if len(numbers) < 2:
        raise LeptonError(what, f"array {name!r} has {len(numbers)} pairs, and ranks take two", "Give more pairs")
    order = np.argsort(pairs, kind="stable")
    first, second = order[::2], order[1::2]
    return np.einsum("ij,ij->i", vectors[first], vectors[second]), first


def rank_correlation(one: Array, other: Array, what: str) -> float:
    """Spearman's rank correlation in [-1, 1]: Pearson's correlation of the ranks, equal values sharing their mean rank.

    C. Spearman, "The Proof and Measurement of Association between Two Things", American Journal of Psychology 15
    (1904); ties as in M. G. Kendall, "The Treatment of Ties in Ranking Problems", Biometrika 33 (1945).

    Args:
      one: numbers [n].
      other: numbers [n].
      what: how errors call the metric.

    Raises:
      LeptonError: all values of one side are equal, which has no order.
    """
    centred = [rank - rank.mean() for rank in map(ranks, (one, other))]
    lengths = [float(np.linalg.norm(rank)) for rank in centred]
    if not all(lengths):
        raise LeptonError(what, "all values are equal, which has no order", "Give samples that differ")
    return float(np.clip(np.dot(*centred) / (lengths[0] * lengths[1]), -1.0, 1.0))


def ranks(values: Array) -> Array:
    """The rank of each value from 1, float64; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: Array = (last - (counts - 1) / 2)[inverse]
    return mean
