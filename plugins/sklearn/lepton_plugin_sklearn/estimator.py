"""A fitted estimator as a function of one matrix: what it takes, what it gives, what it has learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from lepton_rules.plugin import LeptonError

Array = np.ndarray[Any, Any]
MODEL_FILE = "model.skops"
_SAMPLES = 3


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
    seen: set[int] = set()

    def count(item: Any) -> int:
        if id(item) in seen:
            return 0
        if isinstance(item, np.ndarray):
            seen.add(id(item))
            if item.dtype == object:
                return sum(count(part) for part in item.flat)
            return int(item.size) if item.dtype.kind == "f" else 0
        if isinstance(item, list | tuple):
            return sum(count(part) for part in item)
        if isinstance(item, dict):
            return sum(count(part) for part in item.values())
        if isinstance(item, BaseEstimator):
            seen.add(id(item))
            return sum(count(part) for name, part in vars(item).items() if name.endswith("_") or _is_step(part))
        if type(item).__module__ == "sklearn.tree._tree":
            seen.add(id(item))
            return int(item.threshold.size + item.value.size)
        return 0

    return count(value)


def _is_step(part: Any) -> bool:
    return isinstance(part, BaseEstimator | list)
