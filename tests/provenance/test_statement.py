"""The statement is one for the library of in-toto, and says what SLSA's provenance must."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import image
import pytest
from google.protobuf import json_format
from in_toto_attestation.v1 import statement, statement_pb2

HERE = Path(__file__).parent


@pytest.fixture
def content() -> dict[str, Any]:
    found = json.loads((HERE / "fake.intoto.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_in_toto(content: dict[str, Any]) -> None:
    parsed = json_format.ParseDict(content, statement_pb2.Statement())
    statement.Statement.copy_from_pb(parsed).validate()
    assert parsed.predicate_type == "https://slsa.dev/provenance/v1"
    assert [subject.name for subject in parsed.subject] == ["resnet"]


def test_dependencies(content: dict[str, Any]) -> None:
    """Each has a URI or a digest, as a ResourceDescriptor must, and the model's files are among them."""
    definition = content["predicate"]["buildDefinition"]
    dependencies = definition["resolvedDependencies"]
    assert all(entry.get("uri") or entry.get("digest") for entry in dependencies)
    digests = {entry["name"]: entry["digest"]["sha256"] for entry in dependencies if "name" in entry}
    files = image.model_manifest()["files"]
    assert {f"model/{name}": entry["sha256"] for name, entry in files.items()}.items() <= digests.items()
    used = {entry["uri"]: entry["annotations"]["use"] for entry in dependencies if "uri" in entry}
    assert used["pkg:pypi/onnxruntime@1.32.0"] == "installed"
    assert used["pkg:pypi/onnx@1.23.0"] == "build"


def test_parameters_and_builder(content: dict[str, Any]) -> None:
    definition = content["predicate"]["buildDefinition"]
    assert definition["externalParameters"] == {
        "target": "//models:resnet_image",
        "artifact": "//models:resnet",
        "compression": "zstd",
        "platform": "linux/arm64/v8",
    }
    assert [step["pass"] for step in definition["internalParameters"]["steps"]] == ["onnx.onnx", "onnx.quantize"]
    assert content["predicate"]["runDetails"]["builder"]["id"] == "urn:lepton-rules:builder:bazel"


def test_nothing_of_one_build(content: dict[str, Any]) -> None:
    assert "metadata" not in content["predicate"]["runDetails"]
