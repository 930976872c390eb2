"""What a model is fed in batches, and what a runtime must give for them.

numpy is imported inside the functions, so that tests which only compare numbers need none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin.arrays import require_fit
from lepton_rules.plugin.contexts import DatasetFile
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.facts import TensorSpec

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


def model_inputs(dataset: DatasetFile, manifest: Mapping[str, Any]) -> tuple[dict[str, Array], int]:
    """The arrays of a dataset split that a model takes, and their number of samples.

    Raises:
      LeptonError: the split cannot be read, does not fit the model's inputs, or is empty.
    """
    arrays = dataset.arrays()
    inputs = [TensorSpec.from_json(tensor) for tensor in manifest["inputs"]]
    samples = require_fit(arrays, inputs, f"dataset {dataset.path.name}")
    return {tensor.name: arrays[tensor.name] for tensor in inputs}, samples


def fixed_batch(manifest: Mapping[str, Any]) -> int | None:
    """The batch that a model's inputs fix, or None when it is dynamic.

    Raises:
      LeptonError: two inputs fix different ones, or one of 0, or an input has no dimension.
    """
    firsts = {tensor["shape"][0] if tensor["shape"] else 0 for tensor in manifest["inputs"]}
    fixed = {length for length in firsts if isinstance(length, int)}
    if len(fixed) > 1 or 0 in fixed:
        raise LeptonError("model", f"its inputs have the batches {sorted(fixed)}", "Export it with one batch, or any")
    return next(iter(fixed), None)


def batch_of(inputs: Mapping[str, Array], start: int, size: int) -> dict[str, Array]:
    """`size` samples from `start` on, contiguous; past the end it goes on from the beginning."""
    import numpy

    rows = numpy.arange(start, start + size)
    return {name: numpy.ascontiguousarray(array[rows % len(array)]) for name, array in inputs.items()}


def check_outputs(outputs: object, manifest: Mapping[str, Any], batch: int) -> dict[str, Array]:
    """The arrays that a runtime gave for `batch` samples, checked against the model's outputs.

    Raises:
      LeptonError: a name is missing or unknown, or a dtype or shape is another than the manifest's.
    """
    import numpy

    fix = "Mend the runtime, or the facts that the model's exporter gave"
    tensors = [TensorSpec.from_json(tensor) for tensor in manifest["outputs"]]
    names = sorted(tensor.name for tensor in tensors)
    if not isinstance(outputs, Mapping) or sorted(outputs) != names:
        got = sorted(outputs) if isinstance(outputs, Mapping) else type(outputs).__name__
        raise LeptonError("runtime", f"it gave the outputs {got}, and the manifest has {names}", fix)
    for tensor in tensors:
        array: object = outputs[tensor.name]
        what = f"output {tensor.name!r}"
        if not isinstance(array, numpy.ndarray):
            raise LeptonError(what, f"the runtime gave {type(array).__name__}, accepted is a numpy array", fix)
        shape = (batch, *tensor.shape[1:])
        fits = len(shape) == array.ndim and all(
            isinstance(want, str) or have == want for have, want in zip(array.shape, shape, strict=True)
        )
        if array.dtype.name != tensor.dtype or not fits or not tensor.shape:
            raise LeptonError(
                what,
                f"the runtime gave {array.dtype}{list(array.shape)} for {batch} samples, and the manifest has "
                f"{tensor.dtype}{list(tensor.shape)}, whose leading axis is the sample",
                fix,
            )
    return dict(outputs)
