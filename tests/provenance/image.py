"""An image's files, made up but consistent: `image.py MODEL_MANIFEST IMAGE_MANIFEST DIGEST METRICS DEB PYPI`."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

FILES = {"model.onnx": b"graph", "model.onnx.data": b"weights"}


def model_manifest() -> dict[str, Any]:
    """A valid manifest of FILES, with a chip and two steps."""
    files = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in sorted(FILES.items())
    }
    table = json.dumps(files, sort_keys=True, indent=2) + "\n"
    step = {"config_version": 1, "plugin": {"name": "onnx", "version": "1.0.0"}}
    quantize = {"libraries": {"onnx": "1.23.0", "numpy": "2.4.6"}, "config": {"per_channel": True}}
    return {
        "schema_version": 1,
        "format": "onnx",
        "inputs": [{"name": "image", "dtype": "float32", "shape": ["batch", 1, 16, 16]}],
        "outputs": [{"name": "logits", "dtype": "float32", "shape": ["batch", 10]}],
        "parameters": 11,
        "macs": 12,
        "bytes": sum(map(len, FILES.values())),
        "files": files,
        "digest": "sha256:" + hashlib.sha256(table.encode()).hexdigest(),
        "weights_digest": "sha256:" + files["model.onnx.data"]["sha256"],
        "parent": "sha256:" + "0" * 64,
        "steps": [
            {**step, "pass": "onnx.onnx", "config": {}, "libraries": {"onnx": "1.23.0"}},
            {**step, "pass": "onnx.quantize", **quantize},
        ],
        "hardware": {"target": "cpu_vnni", "capabilities": ["int8", "vnni"], "options": {}},
        "notes": {"onnx.quantize": {"nodes": 3}},
    }


def image_manifest() -> dict[str, Any]:
    """An image of two layers."""

    def descriptor(kind: str, digit: str) -> dict[str, Any]:
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": "sha256:" + digit * 64, "size": 1}

    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("config.v1+json", "c"),
        "layers": [descriptor("layer.v1.tar+zstd", "1"), descriptor("layer.v1.tar", "2")],
    }


def metrics() -> dict[str, Any]:
    """What was measured of the model."""
    return {
        "schema_version": 1,
        "metrics": {"accuracy": 0.98, "agreement": 0.995},
        "samples": 797,
        "model_digest": model_manifest()["digest"],
        "dataset_digest": "sha256:" + "d" * 64,
        "predictions_digest": "sha256:" + "e" * 64,
        "baseline_predictions_digest": None,
    }


def write(paths: list[Path]) -> None:
    """Writes all six."""
    image = json.dumps(image_manifest()).encode()
    contents = [
        json.dumps(model_manifest()).encode(),
        image,
        f"sha256:{hashlib.sha256(image).hexdigest()}\n".encode(),
        json.dumps(metrics()).encode(),
        json.dumps({"packages": {"libc6": "2.36-9+deb12u10", "libstdc++6": "12.2.0-14+deb12u1"}}).encode(),
        json.dumps({"packages": {"numpy": "2.4.6", "onnxruntime": "1.32.0", "Typing_Extensions": "4.16.0"}}).encode(),
    ]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)


if __name__ == "__main__":
    write([Path(argument) for argument in sys.argv[1:]])
