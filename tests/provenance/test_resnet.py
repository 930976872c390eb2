"""The provenance of a real image: it fits the image, and knows all that is in it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

IMAGE = Path(__file__).parents[2] / "models/resnet/resnet_int8_cpu_image"


def beside(suffix: str) -> str:
    return IMAGE.with_name(IMAGE.name + suffix).read_text("utf-8")


@pytest.fixture
def digest() -> str:
    return (IMAGE / "digest").read_text("utf-8").strip()


@pytest.fixture
def bill() -> dict[str, Any]:
    text = beside(".cdx.json")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    content = json.loads(text)
    assert isinstance(content, dict)
    return content


def test_bill_of_materials(bill: dict[str, Any], digest: str) -> None:
    assert bill["metadata"]["component"]["version"] == digest
    required = {c["purl"].split("@")[0] for c in bill["components"] if c["scope"] == "required" and "purl" in c}
    assert {"pkg:deb/debian/libc6", "pkg:deb/debian/python3.11-minimal"} <= required
    assert {"pkg:pypi/onnxruntime", "pkg:pypi/numpy", "pkg:pypi/uvicorn"} <= required
    excluded = {c["purl"].split("@")[0] for c in bill["components"] if c["scope"] == "excluded"}
    assert {"pkg:pypi/torch", "pkg:pypi/onnx"} <= excluded
    (metric,) = bill["components"][0]["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert metric["type"] == "accuracy" and float(metric["value"]) > 0.97


def test_statement(digest: str) -> None:
    statement = json.loads(beside(".intoto.json"))
    assert [f"sha256:{subject['digest']['sha256']}" for subject in statement["subject"]] == [digest]
    steps = statement["predicate"]["buildDefinition"]["internalParameters"]["steps"]
    assert [step["pass"] for step in steps] == [
        "torch.pytorch", "torch.pytorch_to_onnx", "onnx.optimize", "onnx.quantize",
    ]  # fmt: skip


def test_checksums(digest: str) -> None:
    listed = {line.split()[0] for line in beside(".sha256").splitlines()}
    manifest = (IMAGE / "manifest.json").read_bytes()
    config = (IMAGE / "config.json").read_bytes()
    assert {hashlib.sha256(manifest).hexdigest(), hashlib.sha256(config).hexdigest()} <= listed
    assert digest.removeprefix("sha256:") in listed
    assert len(listed) == 2 + len(json.loads(manifest)["layers"])
