"""The image that is tested, what is in it, and what its model answers by itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

import lepton_rules
from lepton_rules.plugin import DatasetFile

ROOT = Path(lepton_rules.__file__).parents[1]
COUNT = 200
MODEL = ROOT / "models/resnet/resnet_int8_cpu/3_onnx.quantize/model/model.onnx"
_DIGITS = ROOT / "models/resnet/digits/evaluation.npz"

Array = np.ndarray[Any, np.dtype[np.float32]]


def digits() -> Array:
    """200 digits, [200, 1, 16, 16] float32."""
    images: Array = DatasetFile(_DIGITS).arrays()["image"][:COUNT]
    assert len(images) == COUNT
    return images


def own_answers(images: Array) -> Array:
    """What the artifact answers by itself, one image at a time: kernels may sum in another order for a larger batch."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"image": images[i : i + 1]})[0] for i in range(len(images))])


class Layout:
    """An OCI layout with one image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (self.root,) = json.loads((folder / "index.json").read_text(encoding="utf-8"))["manifests"]
        self.manifest = json.loads(self.read(self.root["digest"]))
        self.config = json.loads(self.read(self.manifest["config"]["digest"]))

    @property
    def digest(self) -> str:
        """The image's, `sha256:…`."""
        digest: str = self.root["digest"]
        return digest

    def read(self, digest: str) -> bytes:
        """A blob, which is what its digest says."""
        body = (self.folder / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()
        assert hashlib.sha256(body).hexdigest() == digest.removeprefix("sha256:")
        return body
