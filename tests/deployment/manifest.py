"""Writes the manifest of a model of one byte: `manifest.py OUTPUT`."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path


def manifest() -> dict[str, object]:
    """A valid manifest, with a chip and two steps."""
    files = {"model.onnx": {"sha256": hashlib.sha256(b"x").hexdigest(), "bytes": 1}}
    table = json.dumps(files, sort_keys=True, indent=2) + "\n"
    step = {"config": {}, "config_version": 1, "plugin": {"name": "onnx", "version": "1.0.0"}}
    return {
        "schema_version": 1,
        "format": "onnx",
        "inputs": [{"name": "image", "dtype": "float32", "shape": ["batch", 1, 16, 16]}],
        "outputs": [{"name": "logits", "dtype": "float32", "shape": ["batch", 10]}],
        "parameters": 1,
        "macs": None,
        "bytes": 1,
        "files": files,
        "digest": "sha256:" + hashlib.sha256(table.encode()).hexdigest(),
        "weights_digest": "sha256:" + hashlib.sha256(b"x").hexdigest(),
        "parent": "sha256:" + "0" * 64,
        "steps": [
            {**step, "pass": "onnx.onnx", "libraries": {"onnx": "1.23.0"}},
            {**step, "pass": "onnx.quantize", "libraries": {"onnx": "1.23.0", "onnxruntime": "1.32.0"}},
        ],
        "hardware": {"target": "cpu_vnni", "capabilities": ["int8"], "options": {}},
        "notes": {"onnx.quantize": {"nodes": 3}},
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(manifest()), "utf-8")
