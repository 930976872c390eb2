"""A fitted estimator as a function of one matrix: what it takes, what it gives, what it has learned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from lepton_rules.plugin import LeptonError

Array = np.ndarray[Any, Any]
MODEL_FILE = "model.skops"
_SAMPLES = 3
_STEPS = (BaseEstimator, list)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """An estimator that can be used.

    Args:
        estimator: scikit-learn's.
        features: columns of its input.
        kind: `scores`, `prediction` or `features`.
        call: from float32 [samples, features] to float32 [samples, columns].
        columns: of its output.
    """

    estimator: Any
    features: int
    kind: str
    call: Callable[[Array], Array]
    columns: int


def fitted(value: Any, what: str) -> Fitted:
    """What an object read from a file is.

    Raises:
        LeptonError: about `what`: it is no fitted estimator, or it does not take numbers and give numbers.
    """
    fix = "Save a fitted classifier, regressor or transformer, or a pipeline of them"
    if not isinstance(value, BaseEstimator):
        raise LeptonError(what, f"it holds an object of type {type(value).__name__}", fix)
    _check_trees(value, what)
    try:
        features = int(value.n_features_in_)
        kind, call = _function(value)
        samples = np.random.default_rng(0).standard_normal((_SAMPLES, features)).astype(np.float32)
        output = call(samples)
    except Exception as error:  # scikit-learn raises whatever its parts raise
        first = (str(error).strip().splitlines() or [""])[0][:200]
        raise LeptonError(what, f"it cannot be used ({type(error).__name__}: {first})", fix) from None
    if output.ndim != 2 or output.shape[0] != _SAMPLES or output.dtype != np.float32:
        raise LeptonError(what, f"it gives {output.dtype}{list(output.shape)} for {_SAMPLES} samples", fix)
    return Fitted(estimator=value, features=features, kind=kind, call=call, columns=output.shape[1])


def _function(estimator: Any) -> tuple[str, Callable[[Array], Array]]:
    for name, kind in (
        ("predict_proba", "scores"),
        ("decision_function", "scores"),
        ("predict", "prediction"),
        ("transform", "features"),
    ):
        if hasattr(estimator, name):
            method = getattr(estimator, name)
            return kind, partial(_matrix, method, name == "decision_function")
    raise TypeError("it has neither predict nor transform")


def _matrix(method: Callable[[Array], Any], both: bool, samples: Array) -> Array:
    """What a method gives, as float32 [samples, columns]. A decision between two classes, one number, becomes a score
    for each."""
    result = method(samples)
    dense = result.toarray() if hasattr(result, "toarray") else np.asarray(result)
    array: Array = dense.astype(np.float32)
    if array.ndim > 1:
        return array
    return np.stack([-array, array], axis=1) if both else array[:, None]


def count_parameters(value: Any) -> int:
    """Numbers that were learned: those in the arrays of floating point that fitting left in estimators and trees."""
    total = 0
    for part in _parts(value):
        if isinstance(part, np.ndarray):
            total += int(part.size) if part.dtype.kind == "f" else 0
        else:
            total += int(part.threshold.size + part.value.size)
    return total


def _check_trees(value: Any, what: str) -> None:
    """Raises LeptonError about `what` where a tree's nodes lead out of it, or back: native code would follow them."""
    for tree in _parts(value):
        if isinstance(tree, np.ndarray):
            continue
        left, right, feature = tree.children_left, tree.children_right, tree.feature
        own = np.arange(tree.node_count)
        leaf = left == -1
        # A child stands behind its parent.
        inside = ((left > own) & (left < len(own)) & (right > own) & (right < len(own))) | (leaf & (right == -1))
        if not inside.all() or not ((feature >= 0) & (feature < tree.n_features) | leaf).all():
            raise LeptonError(what, "its tree has nodes that lead out of it, or back", "Save it again with skops")


def _parts(value: Any) -> Iterator[Any]:
    """Every numeric array and every tree that fitting left in estimators."""
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            if item.dtype == object:
                waiting += list(item.flat)
            else:
                yield item
        elif isinstance(item, list | tuple):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, BaseEstimator):
            fitted_parts = vars(item).items()
            waiting += [part for name, part in fitted_parts if name.endswith("_") or isinstance(part, _STEPS)]
        elif type(item).__module__ == "sklearn.tree._tree":
            yield item
