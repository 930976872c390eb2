"""What metrics read: a named output, a named array of the dataset, and the answers in scores."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.names import suggestion


def named_output(outputs: Mapping[str, np.ndarray[Any, Any]], output: str, what: str) -> str:
    """The name of the output that a metric is about: `output`, or where that is empty the only one.

    Raises:
      LeptonError: there is no such output, or the model has several and none is named.
    """
    if not output and len(outputs) > 1:
        raise LeptonError(what, f"the model has the outputs {', '.join(sorted(outputs))}", "Name one with output")
    name = output or next(iter(outputs))
    if name not in outputs:
        raise LeptonError(what, f"the model has no output {name!r}", suggestion(name, outputs))
    return name


def array_of(arrays: Mapping[str, np.ndarray[Any, Any]], name: str, what: str) -> np.ndarray[Any, Any]:
    """The dataset's array of that name.

    Raises:
      LeptonError: there is none.
    """
    if name not in arrays:
        raise LeptonError(what, f"the dataset has no array {name!r}", suggestion(name, arrays))
    return arrays[name]


def scores(outputs: Mapping[str, np.ndarray[Any, Any]], output: str, what: str) -> np.ndarray[Any, Any]:
    """The scores [samples, …, classes] of one output.

    Args:
      outputs: arrays by name, the first axis the sample.
      output: the name, or "" for the only one.
      what: how errors call the metric.

    Raises:
      LeptonError: there is no such output, or the model has several and none is named; it has no axis of at least two
        classes, is no array of numbers, or holds NaN, which has no highest score.
    """
    name = named_output(outputs, output, what)
    array = outputs[name]
    if array.ndim < 2 or array.shape[-1] < 2 or array.dtype.kind not in "fiu":
        raise LeptonError(
            what,
            f"output {name!r} is {array.dtype}{list(array.shape)}, and takes a score for each of at least two classes "
            "on its last axis",
            "Name another output, or use another metric",
        )
    if np.isnan(array).any():
        raise LeptonError(what, f"output {name!r} holds NaN", "Mend the model")
    return array


def answers(outputs: Mapping[str, np.ndarray[Any, Any]], output: str, what: str) -> np.ndarray[Any, Any]:
    """The class of the highest score, int64 [samples, …]; the first of equal ones. Errors as for `scores`."""
    found: np.ndarray[Any, Any] = scores(outputs, output, what).argmax(axis=-1)
    return found
