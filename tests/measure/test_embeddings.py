"""Metrics of embeddings against SciPy and scikit-learn, and what they refuse."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from lepton_plugin_metrics.config import CosineConfig, SpearmanConfig, SpearmanLabelsConfig
from lepton_plugin_metrics.cosine import cosine
from lepton_plugin_metrics.spearman import spearman, spearman_labels
from lepton_plugin_metrics.vectors import rank_correlation
from scipy.spatial.distance import cosine as distance
from scipy.stats import spearmanr

from lepton_rules.plugin import LeptonError, MetricContext

RANDOM = np.random.default_rng(7)
PAIRS = 30
# Each pair's samples are not beside each other, and the numbers are not from 0 on.
PAIR = RANDOM.permutation(np.repeat(np.arange(PAIRS) * 3 + 5, 2))
BASELINE = RANDOM.standard_normal((2 * PAIRS, 12)).astype(np.float32)
MODEL = BASELINE + 0.3 * RANDOM.standard_normal(BASELINE.shape).astype(np.float32)
GRADE = np.round(RANDOM.uniform(0, 5, PAIRS))
LABELS = GRADE[(PAIR - 5) // 3]


def _context(config: Any, outputs: Any = MODEL, baseline: Any = None, **arrays: Any) -> MetricContext:
    given: Mapping[str, Any] = {"pair": PAIR, "labels": LABELS} | arrays
    return MetricContext(
        config=config,
        outputs=outputs if isinstance(outputs, dict) else {"embedding": outputs},
        arrays={name: array for name, array in given.items() if array is not None},
        baseline=None if baseline is None else {"embedding": baseline},
    )


def _similarities(vectors: Any) -> list[float]:
    rows = [np.flatnonzero(number == PAIR) for number in sorted(set(PAIR))]
    return [1 - distance(vectors[one], vectors[other]) for one, other in rows]


def test_cosine_is_scipys() -> None:
    expected = np.mean([1 - distance(one, other) for one, other in zip(MODEL, BASELINE, strict=True)])
    assert cosine(_context(CosineConfig(), baseline=BASELINE)) == pytest.approx(expected, abs=1e-6)
    assert 0.9 < expected < 1


def test_cosine_of_equals_and_opposites() -> None:
    assert cosine(_context(CosineConfig(), BASELINE * 7, BASELINE)) == pytest.approx(1)
    assert cosine(_context(CosineConfig(), -BASELINE, BASELINE)) == pytest.approx(-1)
    # Several axes are one vector a sample.
    folded = _context(CosineConfig(), MODEL.reshape(-1, 3, 4), BASELINE.reshape(-1, 3, 4))
    assert cosine(folded) == cosine(_context(CosineConfig(), baseline=BASELINE))


def test_spearman_is_scipys() -> None:
    expected = spearmanr(_similarities(MODEL), _similarities(BASELINE)).statistic
    assert spearman(_context(SpearmanConfig(), baseline=BASELINE)) == pytest.approx(expected, abs=1e-12)
    assert 0.5 < expected < 1
    assert spearman(_context(SpearmanConfig(), BASELINE, BASELINE)) == 1


def test_spearman_of_labels_is_scipys() -> None:
    expected = spearmanr(_similarities(MODEL), GRADE).statistic
    assert spearman_labels(_context(SpearmanLabelsConfig())) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("levels", [2, 3, 10, 1000])
def test_ties_share_their_mean_rank_as_scipys(levels: int) -> None:
    one, other = RANDOM.integers(0, levels, (2, 200))
    assert rank_correlation(one, other, "x") == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)
    assert rank_correlation(one, -one, "x") == pytest.approx(-1)


@pytest.mark.parametrize(
    ("outputs", "baseline", "message"),
    [
        (MODEL[:, 0], BASELINE, r"output 'embedding' is float32\[60\], and it takes a vector"),
        (np.where(MODEL[3, 3] == MODEL, np.nan, MODEL), BASELINE, "holds NaN or infinity"),
        (MODEL * (np.arange(60) != 9)[:, None], BASELINE, "is 0 for sample 9"),
        (MODEL, BASELINE[:, :6], "the model gives 12 values and the baseline 6"),
        (MODEL, BASELINE * np.float32(np.inf), "metric metrics.cosine on the baseline: output 'embedding' holds NaN"),
        ({"a": MODEL, "b": MODEL}, BASELINE, "the model has the outputs a, b. Name one with output"),
    ],
)
def test_what_is_no_vector_is_refused(outputs: Any, baseline: Any, message: str) -> None:
    with pytest.raises(LeptonError, match=message):
        cosine(_context(CosineConfig(), outputs, baseline))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pair": None}, "the dataset has no array 'pair'"),
        ({"pair": PAIR.astype(np.float32)}, r"array 'pair' is float32\[60\]"),
        ({"pair": np.stack([PAIR, PAIR])}, r"array 'pair' is int64\[2, 60\]"),
        ({"pair": np.where(PAIR == 8, 5, PAIR)}, "pair 5 of 'pair' has 4 samples. Keep the two samples"),
        ({"labels": None}, "the dataset has no array 'labels'"),
        ({"labels": np.zeros(60)}, "all values are equal"),
        ({"labels": LABELS * np.nan}, "or not all finite"),
    ],
)
def test_pairs_that_are_none_are_refused(arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(LeptonError, match=message):
        spearman_labels(_context(SpearmanLabelsConfig(), **arrays))


def test_one_pair_has_no_ranks() -> None:
    with pytest.raises(LeptonError, match="has 1 pairs, and ranks take two"):
        spearman(_context(SpearmanConfig(), MODEL[:2], BASELINE[:2], pair=np.array([4, 4])))
