"""A Keras model whose target allows its code: what is recorded of that, and that the artifact has none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import onnx
import pytest


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found = [Path(folder) / file for folder, _, files in os.walk(".", followlinks=True) for file in files]
    (path,) = (path for path in found if path.name == "manifest.json" and "rings_keras_cpu" in path.parts)
    value: dict[str, Any] = json.loads(path.read_text())
    assert (path.parent / "model").is_dir()
    return value | {"model": path.parent / "model"}


def test_that_code_ran_is_recorded(manifest: dict[str, Any]) -> None:
    assert manifest["notes"]["keras.keras"] == {"allow_code": True, "kind": "Keras archive"}


def test_the_command_that_repeats_the_import_says_so_too(manifest: dict[str, Any]) -> None:
    assert "--allow_code" in manifest["steps"][0]["command"]


def test_the_artifact_has_no_code(manifest: dict[str, Any]) -> None:
    assert [path.name for path in manifest["model"].iterdir()] == ["model.onnx"]
    graph = onnx.load(manifest["model"] / "model.onnx").graph
    assert {node.domain for node in graph.node} == {""}
    # A difference, a square, and a product.
    assert {"Sub", "MatMul"} <= {node.op_type for node in graph.node}
