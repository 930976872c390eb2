"""top_k, auroc and rmse, against scikit-learn where it has them."""

from types import SimpleNamespace
from typing import Any

import numpy
import pytest
from lepton_plugin_metrics.auroc import auroc
from lepton_plugin_metrics.rmse import rmse
from lepton_plugin_metrics.top_k import top_k
from sklearn import metrics as sklearn_metrics  # type: ignore[import-untyped]

from lepton_rules.plugin import LeptonError, MetricContext

RANDOM = numpy.random.default_rng(7)


def _context(output: Any, labels: Any, **config: Any) -> MetricContext:
    return MetricContext(
        config=SimpleNamespace(**{"output": "", "labels": "labels", **config}),
        outputs={"y": numpy.asarray(output)},
        arrays={"labels": numpy.asarray(labels)},
    )


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_is_that_of_scikit_learn(k: int) -> None:
    scores, labels = RANDOM.normal(size=(200, 7)), RANDOM.integers(0, 7, 200)
    expected = sklearn_metrics.top_k_accuracy_score(labels, scores, k=k, labels=range(7))
    assert top_k(_context(scores, labels, k=k)) == pytest.approx(expected)


def test_equal_scores_give_the_first_class() -> None:
    assert top_k(_context([[1.0, 1.0, 1.0]], [1], k=1)) == 0
    assert top_k(_context([[1.0, 1.0, 1.0]], [1], k=2)) == 1


def test_auroc_is_that_of_scikit_learn_with_ties() -> None:
    labels = RANDOM.integers(0, 2, 300)
    scores = numpy.round(RANDOM.normal(size=300) + labels, 1)
    expected = sklearn_metrics.roc_auc_score(labels, scores)
    assert auroc(_context(scores, labels, positive=1)) == pytest.approx(expected)
    assert auroc(_context(scores[:, None], labels, positive=1)) == pytest.approx(expected)
    # Two scores order the samples as their softmax does.
    pair = numpy.stack([numpy.zeros(300), scores], axis=1)
    assert auroc(_context(pair, labels, positive=1)) == pytest.approx(expected)
    assert auroc(_context(pair, labels, positive=0)) == pytest.approx(expected)


def test_rmse_is_that_of_scikit_learn() -> None:
    truth, given = RANDOM.normal(size=50), RANDOM.normal(size=(50, 1))
    expected = sklearn_metrics.mean_squared_error(truth, given[:, 0]) ** 0.5
    assert rmse(_context(given, truth)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "output", "labels", "config", "says"),
    [
        (top_k, numpy.zeros((2, 3)), [0, 1], {"k": 3}, "k is 3, and the model has 3 classes"),
        (auroc, numpy.zeros((2, 3)), [0, 1], {"positive": 3}, "the classes 0 to 2, and 3 is none"),
        (auroc, numpy.zeros(2), [1, 1], {"positive": 1}, "2 samples are of class 1 and 0 are not"),
        (auroc, numpy.zeros((2, 3)), [[0], [1]], {"positive": 1}, "labels 'labels' have shape"),
        (auroc, [numpy.nan, 0.0], [0, 1], {"positive": 1}, "holds NaN"),
        (rmse, numpy.zeros((2, 3)), [0.0, 1.0], {}, "has shape \\[2, 3\\], and labels 'labels' \\[2\\]"),
        (rmse, [numpy.inf, 0.0], [0.0, 1.0], {}, "not all finite"),
    ],
)
def test_what_has_no_value_is_refused(metric: Any, output: Any, labels: Any, config: Any, says: str) -> None:
    with pytest.raises(LeptonError, match=says):
        metric(_context(output, labels, **config))
