"""manifest.json: the schema in the tree and the validator say the same, and what is read is what was written."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jsonschema  # type: ignore[import-untyped]  # its stubs are a distribution of their own
import pytest

from lepton_rules import manifest
from lepton_rules.manifest import schema
from lepton_rules.manifest.manifest import load_schema
from lepton_rules.plugin import HardwareFacts, LeptonError, ModelFacts, NoConfig, TensorSpec, option
from lepton_rules.plugin.facts import DTYPES


@dataclass(frozen=True, kw_only=True)
class Config:
    """A configuration."""

    VERSION: ClassVar[int] = 2
    exclude: tuple[str, ...] = option((), doc="Nodes.")


FACTS = ModelFacts(
    inputs=(TensorSpec("x", "float32", ("batch", 3)),),
    outputs=(TensorSpec("y", "float32", ("batch", 10)),),
    parameters=30,
    macs=30,
    notes={"nodes": ["/conv1/Conv", "ü"], "count": 2},
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    (directory / "program").mkdir(parents=True)
    (directory / "model.onnx").write_bytes(b"graph")
    (directory / "program" / "net.py").write_bytes(b"")
    return directory


def step(name: str, config: Any) -> dict[str, Any]:
    return manifest.step(
        component=name, config=config, plugin=name.split(".")[0], version="0.1.0", libraries={"onnx": "1.23.0"}
    )


@pytest.fixture
def good(model: Path) -> dict[str, Any]:
    parent = manifest.build(format="onnx", facts=FACTS, directory=model, step=step("onnx.onnx", NoConfig()))
    hardware = HardwareFacts(
        target="cpu_vnni", runtime="ort", capabilities=frozenset({"vnni", "int8"}), options={"a": "b"}, threads=2
    )
    return manifest.build(
        format="onnx",
        facts=FACTS,
        directory=model,
        step=step("onnx.quantize", Config(exclude=("/conv1/Conv",))),
        parent=parent,
        hardware=hardware,
    )


def test_build(good: dict[str, Any]) -> None:
    assert list(good["files"]) == ["model.onnx", "program/net.py"]
    assert good["bytes"] == 5
    assert good["weights_digest"] == "sha256:" + good["files"]["model.onnx"]["sha256"]
    assert [s["pass"] for s in good["steps"]] == ["onnx.onnx", "onnx.quantize"]
    assert good["steps"][1] == {
        "pass": "onnx.quantize",
        "config": {"exclude": ["/conv1/Conv"]},
        "config_version": 2,
        "plugin": {"name": "onnx", "version": "0.1.0"},
        "libraries": {"onnx": "1.23.0"},
    }
    assert good["parent"] == good["digest"]  # the files are the same in this test
    assert good["hardware"] == {"target": "cpu_vnni", "capabilities": ["int8", "vnni"], "options": {"a": "b"}}
    assert good["notes"] == {name: dict(FACTS.notes) for name in ("onnx.onnx", "onnx.quantize")}


def test_write_and_read(good: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    manifest.write(good, path)
    assert manifest.read(path) == good
    text = path.read_text("utf-8")
    assert text.endswith("}\n")
    assert text == manifest.canonical_json(json.loads(text))
    assert str(tmp_path) not in text
    reordered = dict(reversed(good.items()))
    manifest.write(reordered, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_nothing_invalid_is_written(good: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match=r"manifest manifest.json: \$.bytes: 6 is not 5"):
        manifest.write({**good, "bytes": 6}, tmp_path / "manifest.json")
    assert not (tmp_path / "manifest.json").exists()


def test_the_schema_is_a_schema_and_knows_our_dtypes() -> None:
    jsonschema.Draft202012Validator.check_schema(dict(load_schema()))
    assert set(load_schema()["$defs"]["tensor"]["properties"]["dtype"]["enum"]) == DTYPES


def test_the_schema_accepts_what_is_built(good: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(dict(load_schema())).validate(good)


SHA = "0" * 64
Change = Callable[[dict[str, Any]], object]
BAD: Mapping[str, Change] = {
    "unknown_key": lambda m: m.update(time=3),
    "missing_key": lambda m: m.pop("notes"),
    "other_version": lambda m: m.update(schema_version=2),
    "version_is_true": lambda m: m.update(schema_version=True),
    "format_with_space": lambda m: m.update(format="on nx"),
    "format_is_null": lambda m: m.update(format=None),
    "inputs_is_object": lambda m: m.update(inputs={}),
    "tensor_without_name": lambda m: m["inputs"][0].pop("name"),
    "tensor_of_empty_name": lambda m: m["inputs"][0].update(name=""),
    "tensor_of_unknown_dtype": lambda m: m["inputs"][0].update(dtype="float"),
    "tensor_with_more": lambda m: m["inputs"][0].update(layout="NCHW"),
    "negative_dimension": lambda m: m["inputs"][0].update(shape=[-1]),
    "empty_dimension": lambda m: m["inputs"][0].update(shape=[""]),
    "null_dimension": lambda m: m["inputs"][0].update(shape=[None]),
    "boolean_dimension": lambda m: m["inputs"][0].update(shape=[True]),
    "negative_parameters": lambda m: m.update(parameters=-1),
    "parameters_as_text": lambda m: m.update(parameters="30"),
    "parameters_as_true": lambda m: m.update(parameters=True),
    "macs_as_fraction": lambda m: m.update(macs=1.5),
    "no_files": lambda m: m.update(files={}),
    "absolute_path": lambda m: m["files"].update({"/model.onnx": {"sha256": SHA, "bytes": 1}}),
    "path_out": lambda m: m["files"].update({"../model.onnx": {"sha256": SHA, "bytes": 1}}),
    "path_out_within": lambda m: m["files"].update({"a/../../b": {"sha256": SHA, "bytes": 1}}),
    "path_here": lambda m: m["files"].update({"./a": {"sha256": SHA, "bytes": 1}}),
    "path_doubled": lambda m: m["files"].update({"a//b": {"sha256": SHA, "bytes": 1}}),
    "path_at_its_end": lambda m: m["files"].update({"a/": {"sha256": SHA, "bytes": 1}}),
    "path_with_newline": lambda m: m["files"].update({"a\nb": {"sha256": SHA, "bytes": 1}}),
    "path_empty": lambda m: m["files"].update({"": {"sha256": SHA, "bytes": 1}}),
    "file_without_digest": lambda m: m["files"].update({"a": {"bytes": 1}}),
    "file_with_short_digest": lambda m: m["files"].update({"a": {"sha256": SHA[1:], "bytes": 1}}),
    "file_with_capital_digest": lambda m: m["files"].update({"a": {"sha256": "A" * 64, "bytes": 1}}),
    "file_with_time": lambda m: m["files"].update({"a": {"sha256": SHA, "bytes": 1, "mtime": 0}}),
    "digest_without_algorithm": lambda m: m.update(digest=SHA),
    "parent_of_another_form": lambda m: m.update(parent="//models:resnet"),
    "no_steps": lambda m: m.update(steps=[]),
    "step_with_label": lambda m: m["steps"][0].update(label="//x"),
    "step_with_seconds": lambda m: m["steps"][0].update(seconds=1),
    "step_of_no_plugin": lambda m: m["steps"][0].update({"pass": "quantize"}),
    "step_of_version_0": lambda m: m["steps"][0].update(config_version=0),
    "plugin_version_as_path": lambda m: m["steps"][0]["plugin"].update(version="/opt/x"),
    "library_version_as_number": lambda m: m["steps"][0]["libraries"].update(onnx=1.23),
    "library_at_path": lambda m: m["steps"][0]["libraries"].update(onnx="file:///x"),
    "option_of_odd_name": lambda m: m["steps"][0]["config"].update({"Bad Name": 1}),
    "hardware_is_a_name": lambda m: m.update(hardware="cpu"),
    "hardware_with_host": lambda m: m["hardware"].update(host="me"),
    "hardware_without_options": lambda m: m["hardware"].pop("options"),
    "capability_twice": lambda m: m["hardware"].update(capabilities=["int8", "int8"]),
    "option_as_number": lambda m: m["hardware"].update(options={"a": 1}),
    "option_as_absolute_path": lambda m: m["hardware"].update(options={"cache": "/var/cache"}),
    "note_of_no_pass": lambda m: m["notes"].update({"when": {}}),
    "note_is_text": lambda m: m["notes"].update({"onnx.quantize": "fast"}),
}


@pytest.mark.parametrize("name", BAD)
def test_both_refuse(name: str, good: dict[str, Any]) -> None:
    bad = copy.deepcopy(good)
    BAD[name](bad)
    assert not jsonschema.Draft202012Validator(dict(load_schema())).is_valid(bad)
    with pytest.raises(LeptonError, match=r"^lepton: manifest: \$"):
        manifest.validate(bad)


@pytest.mark.parametrize("whole", [None, [], "x", 3, {}])
def test_both_refuse_what_is_no_manifest_at_all(whole: object) -> None:
    assert not jsonschema.Draft202012Validator(dict(load_schema())).is_valid(whole)
    with pytest.raises(LeptonError):
        manifest.validate(whole)


# What a schema cannot say, and what Python's reading of a pattern lets through.
SUMS: Mapping[str, tuple[Change, str]] = {
    "bytes": (lambda m: m.update(bytes=4), "$.bytes: 4 is not 5"),
    "digest": (lambda m: m.update(digest="sha256:" + SHA), "$.digest: "),
    "weights": (lambda m: m.update(weights_digest="sha256:" + SHA), "$.weights_digest: "),
    "file": (lambda m: m["files"]["model.onnx"].update(sha256=SHA), "$.digest: "),
    "twice": (lambda m: m["inputs"].append(m["inputs"][0]), "$.inputs: 'x' is there twice"),
    "order": (lambda m: m["hardware"]["capabilities"].reverse(), "they are not sorted"),
    "orphan": (lambda m: m.update(parent=None), "$.parent: None does not go with 2 steps"),
    "nan": (lambda m: m["notes"]["onnx.quantize"].update(x=float("nan")), "it is not plain JSON"),
    "tuple": (lambda m: m["notes"]["onnx.quantize"].update(x={1: 2}), "it is not plain JSON"),
    "object": (lambda m: m["notes"]["onnx.quantize"].update(x=object()), "it is not plain JSON"),
    "surrogate": (lambda m: m["notes"]["onnx.quantize"].update(x="\ud800"), "it is not plain JSON"),
    "newline": (lambda m: m.update(digest=m["digest"] + "\n"), "$.digest: "),
    "float": (lambda m: m.update(parameters=30.0), "$.parameters: 30.0 is no integer"),
}


@pytest.mark.parametrize("name", SUMS)
def test_sums_and_digests(name: str, good: dict[str, Any]) -> None:
    change, says = SUMS[name]
    change(good)
    with pytest.raises(LeptonError) as caught:
        manifest.validate(good)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "cannot be read"),
        (b"{", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"a": 1, "a": 2}', "the key 'a' is there twice"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b'{"a": 1e999}', "1e999 is out of range"),
        (b'{"a": ' + b"1" * 5000 + b"}", "out of range"),
        (b"[" * 100_000, "cannot be read"),
        (b"[]", "is no object"),
    ],
)
def test_what_cannot_be_read(text: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(text)
    with pytest.raises(LeptonError) as caught:
        manifest.read(tmp_path / "manifest.json")
    assert says in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(LeptonError, match="it cannot be read: "):
            manifest.read(path)


def test_digest_is_of_names_and_bytes_alone(model: Path) -> None:
    files, digest = manifest.digest_directory(model)
    os.utime(model / "model.onnx", (0, 0))
    (model / "model.onnx").chmod(0o400)
    (model / "empty").mkdir()
    assert manifest.digest_directory(model) == (files, digest)
    (model / "model.onnx").rename(model / "other.onnx")
    assert manifest.digest_directory(model)[1] != digest


def test_digest_of_a_known_directory(tmp_path: Path) -> None:
    """A change of this digest breaks every manifest that was ever written."""
    (tmp_path / "a").write_bytes(b"abc")
    files, digest = manifest.digest_directory(tmp_path)
    assert files == {"a": {"sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "bytes": 3}}
    assert digest == "sha256:2ca7df957a3e5297b03c3d39da5cc7e2cab94ffee7ce30a20e2ad9ac83787764"


def _link(d: Path) -> None:
    (d / "l").symlink_to("model.onnx")


def _directory_link(d: Path) -> None:
    (d / "l").symlink_to("program")


def _dangling(d: Path) -> None:
    (d / "l").symlink_to("/nowhere")


def _fifo(d: Path) -> None:
    os.mkfifo(d / "l")


def _odd(name: bytes) -> Callable[[Path], None]:
    def write(directory: Path) -> None:
        Path(os.fsdecode(os.fsencode(directory) + b"/" + name)).write_bytes(b"")

    return write


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_link, "it is a link"),
        (_directory_link, "it is a link"),
        (_dangling, "it is a link"),
        (_fifo, "it is neither a file nor a directory"),
        *((_odd(name), "its name is not plain") for name in (b"a b", b"a\nb", b"\xff", "é".encode(), b"a\\b", b"$(x)")),
    ],
)
def test_directories_refused(make: Callable[[Path], None], says: str, model: Path) -> None:
    make(model)
    with pytest.raises(LeptonError) as caught:
        manifest.digest_directory(model)
    assert says in str(caught.value)
    assert str(caught.value).isprintable()


def test_an_empty_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    with pytest.raises(LeptonError, match="it holds no file"):
        manifest.digest_directory(tmp_path)


def test_weights_digest() -> None:
    def files(*names: str) -> dict[str, Any]:
        return {name: {"sha256": f"{i}" * 64, "bytes": 1} for i, name in enumerate(names)}

    assert manifest.weights_digest("onnx", files("model.onnx")) == "sha256:" + "0" * 64
    assert manifest.weights_digest("onnx", files("model.onnx", "model.onnx.data")) == "sha256:" + "1" * 64
    assert manifest.weights_digest("pytorch", files("program/a.py", "weights.safetensors")) == "sha256:" + "1" * 64
    assert manifest.weights_digest("chip", files("a")).startswith("sha256:")
    with pytest.raises(LeptonError, match=r"it has no weights\.safetensors"):
        manifest.weights_digest("pytorch", files("model.onnx"))


@pytest.mark.parametrize("value", [{1: 2}, {"a": {None: 1}}, [{True: 1}]])
def test_canonical_json_refuses_keys_that_are_no_strings(value: Any) -> None:
    with pytest.raises(TypeError):
        manifest.canonical_json(value)


def test_an_unknown_keyword_in_a_schema_is_no_silence() -> None:
    for bad in ({"maximum": 3}, {"$ref": "other.json"}, {"pattern": "a"}):
        with pytest.raises(schema.SchemaError):
            list(schema.problems("b", bad))
