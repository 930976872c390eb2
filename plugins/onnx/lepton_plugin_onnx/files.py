"""A model on disk: `model.onnx`, and for large weights `model.onnx.data` beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lepton_plugin_onnx.canonical import tidy
from lepton_plugin_onnx.external import bring_in
from lepton_plugin_onnx.structure import tensors_of
from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.onnx_canonical import DATA_FILE, MODEL_FILE

if TYPE_CHECKING:
    import onnx

MAX_MODEL_BYTES = (1 << 31) - 1  # protobuf's limit
_WHAT = "the model"


def read_model(directory: Path) -> onnx.ModelProto:
    """The model in `directory`, tidy (see `canonical`), its weights in memory. LeptonError when there is none."""
    model = parse(directory / MODEL_FILE, _WHAT)
    data = directory / DATA_FILE
    bring_in(tensors_of(model, _WHAT), [data] if data.is_file() else [])
    tidy(model)
    return model


def parse(path: Path, what: str) -> onnx.ModelProto:
    """The ModelProto in a file. LeptonError when there is none."""
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except OSError as error:
        raise LeptonError(what, f"{path.name!r} cannot be read ({error.strerror})", "Build it again") from None
    except DecodeError as error:
        raise LeptonError(what, f"it is no ONNX model ({error})", "Give a whole .onnx file") from None
    return model


def runnable_path(directory: Path, scratch: Path) -> Path:
    """The path to give onnxruntime for the model in `directory`.

    onnxruntime refuses weights in another file when that file is a link, as the inputs of a sandboxed action are;
    then the model is copied into `scratch`.
    """
    if not (directory / DATA_FILE).exists():
        return directory / MODEL_FILE
    for name in (MODEL_FILE, DATA_FILE):
        shutil.copyfile(directory / name, scratch / name)
    return scratch / MODEL_FILE
