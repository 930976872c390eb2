"""What a model is fed: arrays of a dataset split that fit its signature, cut into batches.

numpy is imported inside the functions, so that tests which only compare numbers need none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import suggestion

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


def model_inputs(arrays: Mapping[str, Array], tensors: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """The arrays that a model takes, checked.

    Args:
      arrays: a dataset split by name; the first axis is the sample.
      tensors: `inputs` of the model's manifest. A first dimension that is a number is the model's fixed batch and
        says nothing about the number of samples; a dimension that is a name takes any length, the same wherever the
        name stands.

    Returns:
      one array for each input, all with the same number of samples, at least 1.

    Raises:
      LeptonError: an input has no array, or another dtype or shape; or the split is empty or ragged.
    """
    chosen: dict[str, Array] = {}
    lengths: dict[str, int] = {}
    for tensor in tensors:
        name = tensor["name"]
        if name not in arrays:
            raise LeptonError("dataset", f"it has no array for the model's input {name!r}", suggestion(name, arrays))
        array = arrays[name]
        shape = tuple(tensor["shape"])
        if array.dtype.name != tensor["dtype"]:
            raise LeptonError(
                "dataset",
                f"array {name!r} has dtype {array.dtype.name}, and the model's input takes {tensor['dtype']}",
                f"Write it as {tensor['dtype']}",
            )
        if not shape:
            raise LeptonError("model", f"its input {name!r} has no dimension, so no batch", "Give it a batch dimension")
        for length, wanted in zip(array.shape[1:], shape[1:], strict=False):
            if length != (lengths.setdefault(wanted, length) if isinstance(wanted, str) else wanted):
                break
        else:
            if array.ndim == len(shape):
                chosen[name] = array
                continue
        raise LeptonError(
            "dataset",
            f"array {name!r} has shape {list(array.shape)}, and the model's input takes {list(shape)}",
            "Give each sample the model's shape; the first axis is the sample",
        )
    counts = {name: array.shape[0] for name, array in chosen.items()}
    if len(set(counts.values())) > 1:
        raise LeptonError(
            "dataset", f"its arrays have unequal numbers of samples, {counts}", "Give each one row a sample"
        )
    if not any(counts.values()):
        raise LeptonError("dataset", "it has no samples", "Give it at least one")
    return chosen


def fixed_batch(tensors: Sequence[Mapping[str, Any]]) -> int | None:
    """The batch that a model's inputs fix, or None when it is dynamic.

    Raises:
      LeptonError: two inputs fix different ones, or one of 0.
    """
    fixed = {tensor["shape"][0] for tensor in tensors if isinstance(tensor["shape"][0], int)}
    if len(fixed) > 1 or 0 in fixed:
        raise LeptonError("model", f"its inputs fix the batch to {sorted(fixed)}", "Export it with one batch, or any")
    return next(iter(fixed), None)


def batch_of(inputs: Mapping[str, Array], start: int, size: int) -> dict[str, Array]:
    """`size` samples from `start` on, contiguous; past the end it goes on from the beginning."""
    import numpy

    samples = len(next(iter(inputs.values())))
    rows = numpy.arange(start, start + size) % samples
    return {name: numpy.ascontiguousarray(array[rows]) for name, array in inputs.items()}


def check_outputs(outputs: Any, tensors: Sequence[Mapping[str, Any]], batch: int) -> dict[str, Array]:
    """The arrays that a runtime gave for `batch` samples, checked against `outputs` of the model's manifest.

    Raises:
      LeptonError: a name is missing or unknown, or a dtype or shape is another than the manifest's.
    """
    import numpy

    names = [tensor["name"] for tensor in tensors]
    if not isinstance(outputs, Mapping) or sorted(outputs) != sorted(names):
        got = sorted(outputs) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise LeptonError(
            "runtime", f"it gave the outputs {got}, and the model has {sorted(names)}", "Mend the runtime"
        )
    for tensor in tensors:
        array, shape = outputs[tensor["name"]], (batch, *tensor["shape"][1:])
        what = f"output {tensor['name']!r}"
        if not isinstance(array, numpy.ndarray):
            raise LeptonError(what, f"the runtime gave {type(array).__name__}, not a numpy array", "Mend the runtime")
        if array.dtype.name != tensor["dtype"]:
            raise LeptonError(what, f"it has dtype {array.dtype.name}, not {tensor['dtype']}", "Mend the runtime")
        fits = array.ndim == len(shape) and all(
            isinstance(wanted, str) or length == wanted for length, wanted in zip(array.shape, shape, strict=True)
        )
        if not fits:
            raise LeptonError(
                what,
                f"it has shape {list(array.shape)} for {batch} samples, not {list(shape)}",
                "Give the model outputs whose first axis is the sample",
            )
    return dict(outputs)
