"""ONNX models in memory, for who works in Python: how one becomes the files of the importer, and the reverse."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin import ModelDirectory, SavedModel

if TYPE_CHECKING:
    import onnx

_LARGEST = 1 << 30  # bytes of a model in one file


def save(model: onnx.ModelProto, directory: Path, config: Mapping[str, Any]) -> SavedModel:
    """Writes the model into `directory`, its weights inside where protobuf's 2 GB let them be, else beside it."""
    import onnx

    file, weights = directory / "model.onnx", directory / "model.onnx.data"
    if model.ByteSize() < _LARGEST:
        onnx.save_model(model, file)
        return SavedModel(sources=(file,), config=config)
    # Its initializers are pointed at the file of the weights; the caller's model stays as it is.
    copy = type(model)()
    copy.CopyFrom(model)
    onnx.save_model(copy, file, save_as_external_data=True, all_tensors_to_one_file=True, location=weights.name)
    return SavedModel(sources=(file,), weights=(weights,), config=config)


def load(model: ModelDirectory) -> onnx.ModelProto:
    """Reads a model of the format `onnx`, external weights included."""
    import onnx

    return onnx.load_model(model.path / "model.onnx")
