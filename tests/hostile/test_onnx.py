"""ONNX files that a stranger may have made: refused in one line with nothing left behind, or imported."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lepton_plugin_onnx import structure, wire
from lepton_plugin_onnx.configs import ImportConfig
from lepton_plugin_onnx.importer import import_onnx
from onnx import TensorProto, helper, numpy_helper

from lepton_rules.plugin import ImportContext, LeptonError, ModelFacts

Make = Callable[[], onnx.ModelProto]
FLOAT = TensorProto.FLOAT


def run(source: Path, output: Path, weights: tuple[Path, ...] = (), accept_non_finite: bool = False) -> ModelFacts:
    output.mkdir(exist_ok=True)
    return import_onnx(
        ImportContext(
            label="//test:model",
            config=ImportConfig(accept_non_finite=accept_non_finite),
            sources=(source,),
            weights=weights,
            allow_code=False,
            output=output,
        )
    )


def refused(content: bytes | onnx.ModelProto, folder: Path, weights: tuple[Path, ...] = ()) -> str:
    """The message that refuses a file, once it is known to be one line and to have left nothing."""
    data = content if isinstance(content, bytes) else content.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    with pytest.raises(LeptonError) as error:
        run(folder / "model.onnx", folder / "out", weights)
    assert list((folder / "out").iterdir()) == []
    text = str(error.value)
    assert text.startswith("lepton: ") and "\n" not in text and len(text) < 2000, text
    assert str(folder) not in text
    return text


def tensor(name: str, array: np.ndarray[Any, Any]) -> TensorProto:
    return numpy_helper.from_array(array, name)


def good() -> onnx.ModelProto:
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["m"], "first"),
            helper.make_node("Relu", ["m"], ["y"], "second"),
        ],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", FLOAT, ["batch", 3])],
        [tensor("w", np.arange(12, dtype=np.float32).reshape(4, 3))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def changed(change: Callable[[onnx.ModelProto], object]) -> Make:
    def make() -> onnx.ModelProto:
        model = good()
        change(model)
        return model

    return make


def test_the_good_model_is_imported(tmp_path: Path) -> None:
    onnx.save(good(), tmp_path / "model.onnx")
    facts = run(tmp_path / "model.onnx", tmp_path / "out")
    assert (facts.parameters, facts.macs) == (12, 12)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.onnx"]


# Not a model at all.


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        (b"  <html>", "a web page"),
        (b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93.", "a pickle"),
        (b"PK\x03\x04" + bytes(100), "a zip archive"),
        (bytes(4) + b"ORTM" + bytes(100), "an ONNX Runtime flatbuffer"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{}", "a safetensors file"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b'{"irVersion": 8}', "JSON"),
        (b"hello, world", "no ONNX model"),
        (bytes(1000), "no ONNX model"),
        (os.urandom(5000), "ONNX model"),
    ],
    ids=lambda value: value[:12].hex() if isinstance(value, bytes) else value.split()[-1],
)
def test_what_is_no_model(tmp_path: Path, content: bytes, text: str) -> None:
    assert text in refused(content, tmp_path)


def test_kinds_are_told_by_content(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(good().SerializeToString())
    assert run(tmp_path / "model.pt", tmp_path / "out").parameters == 12


def test_truncated_anywhere(tmp_path: Path) -> None:
    whole = good().SerializeToString()
    for length in range(len(whole)):
        # A prefix that ends between two fields is a message; it is then short of something that a model has.
        refused(whole[:length], tmp_path)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("fifo", "device", ".", "missing"):
        with pytest.raises(LeptonError, match=r"regular file|cannot be read"):
            run(tmp_path / name, tmp_path / "out")


def test_over_two_gigabytes(tmp_path: Path) -> None:
    with (tmp_path / "model.onnx").open("wb") as stream:
        stream.write(good().SerializeToString())
        stream.truncate(1 << 31)  # sparse: it takes no space
    with pytest.raises(LeptonError, match="2147483648 bytes"):
        run(tmp_path / "model.onnx", tmp_path / "out")


def test_one_source(tmp_path: Path) -> None:
    context = ImportContext(label="", config=ImportConfig(), sources=(), weights=(), allow_code=False, output=tmp_path)
    with pytest.raises(LeptonError, match="takes one source"):
        import_onnx(context)


# External data.


def external(**entries: str) -> onnx.ModelProto:
    model = good()
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        weight.external_data.add(key=key, value=value)
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with weights to declare, and a secret outside it that no location may reach."""
    (tmp_path / "secret").write_bytes(bytes(100))
    inside = tmp_path / "package"
    inside.mkdir()
    (inside / "w.bin").write_bytes(np.arange(12, dtype=np.float32).tobytes())
    yield inside


def test_external_data_is_brought_in(folder: Path) -> None:
    onnx.save(external(location="w.bin", offset="0", length="48"), folder / "model.onnx")
    facts = run(folder / "model.onnx", folder / "out", (folder / "w.bin",))
    onnx.save(good(), folder / "inline.onnx")
    assert facts == run(folder / "inline.onnx", folder / "inline")
    written = [(folder / name / "model.onnx").read_bytes() for name in ("out", "inline")]
    assert written[0] == written[1]


@pytest.mark.parametrize(
    "location",
    [
        "../secret",
        "w.bin/../../secret",
        "./w.bin",
        "sub//w.bin",
        "/etc/passwd",
        "/proc/self/environ",
        "~/secret",
        "C:\\secret",
        "..\\secret",
        "file:///etc/passwd",
        "w.bin\x00.txt",
        "w.bin\n",
        "",
        ".",
        "W.BIN",
        "other.bin",
        "link.bin",
        "hard.bin",
        "fifo.bin",
        "*/_ORT_MEM_ADDR_/*",
    ],
)
def test_external_data_elsewhere(folder: Path, location: str) -> None:
    (folder / "link.bin").symlink_to(folder.parent / "secret")
    (folder / "hard.bin").hardlink_to(folder.parent / "secret")
    os.mkfifo(folder / "fifo.bin")
    refused(external(location=location, offset="0", length="48"), folder, (folder / "w.bin",))


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "missing"])
def test_declared_weights_that_are_no_file(folder: Path, kind: str) -> None:
    path = folder / "odd.bin"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    text = refused(external(location="odd.bin", offset="0", length="48"), folder, (path,))
    assert "not a regular file" in text or "cannot be read" in text


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({"offset": "-1"}, "offset is '-1'"),
        ({"offset": "99999999999999999999"}, "offset is"),
        ({"offset": "4"}, "ends at byte 52"),
        ({"offset": str(2**62)}, "which has 48"),
        ({"offset": "0x0"}, "offset is '0x0'"),
        ({"offset": " 0"}, "offset is"),
        ({"offset": "\u0663"}, "offset is"),
        ({"length": "-48"}, "length is"),
        ({"length": "47"}, "length is 47"),
        ({"length": str(2**60)}, "length is"),
        ({"basepath": "/etc"}, "unknown key 'basepath'"),
        ({"checksum": "00"}, "SHA-1"),
    ],
    ids=str,
)
def test_external_data_that_does_not_hold(folder: Path, entries: dict[str, str], text: str) -> None:
    assert text in refused(external(**{"location": "w.bin", **entries}), folder, (folder / "w.bin",))


def test_external_data_with_a_key_twice(folder: Path) -> None:
    model = external(location="w.bin")
    model.graph.initializer[0].external_data.add(key="location", value="../secret")
    assert "'location' twice" in refused(model, folder, (folder / "w.bin",))


def test_external_data_without_a_location(folder: Path) -> None:
    assert "names no file" in refused(external(offset="0"), folder, (folder / "w.bin",))


def test_external_data_and_data(folder: Path) -> None:
    model = external(location="w.bin")
    model.graph.initializer[0].raw_data = bytes(48)
    assert "both here and in another file" in refused(model, folder, (folder / "w.bin",))
    model = external(location="w.bin")
    model.graph.initializer[0].ClearField("data_location")
    assert "both here and in another file" in refused(model, folder, (folder / "w.bin",))


def test_external_data_that_overlaps(folder: Path) -> None:
    model = external(location="w.bin")
    for name in ("w2", "w3"):
        copy = model.graph.initializer.add()
        copy.CopyFrom(model.graph.initializer[0])
        copy.name = name
    assert "are also those of" in refused(model, folder, (folder / "w.bin",))


def test_external_data_in_two_places(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "w.bin").write_bytes(bytes(48))
    text = refused(external(location="w.bin"), folder, (folder / "w.bin", folder / "a" / "w.bin"))
    assert "2 of the declared weights" in text


def test_weights_that_nothing_uses(folder: Path) -> None:
    assert "does not use the declared weights 'w.bin'" in refused(good(), folder, (folder / "w.bin",))


def test_external_data_in_an_attribute(folder: Path) -> None:
    model = good()
    value = external(location="../secret").graph.initializer[0]
    model.graph.node.insert(0, helper.make_node("Constant", [], ["k"], "constant", value=value))
    assert "outside the model's own folder" in refused(model, folder, (folder / "w.bin",))


# What a file declares and does not hold.


def huge(dims: list[int], data_type: int = FLOAT) -> Make:
    def change(model: onnx.ModelProto) -> None:
        weight = model.graph.initializer[0]
        del weight.dims[:]
        weight.dims.extend(dims)
        weight.data_type = data_type

    return changed(change)


def typed(model: onnx.ModelProto) -> None:
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.float_data.extend([1.0] * 11)


def segment(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].segment.begin = 0
    model.graph.initializer[0].segment.end = 1


def sparse(model: onnx.ModelProto) -> None:
    values = helper.make_tensor("s", FLOAT, [1], [1.0])
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [2**40]))


def in_constant(model: onnx.ModelProto) -> None:
    value = TensorProto(data_type=FLOAT, dims=[2**40], raw_data=bytes(4))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["k"], "constant", value=value))


def deep_type(model: onnx.ModelProto) -> None:
    value = model.graph.input[0].type
    value.Clear()
    for _ in range(200):
        value = value.sequence_type.elem_type
    value.tensor_type.elem_type = FLOAT


def nested_if(depth: int) -> onnx.ModelProto:
    """`depth` conditionals, each in a branch of the one before, written straight to the wire."""

    def field(number: int, data: bytes) -> bytes:
        length, header = len(data), bytearray([number << 3 | 2])
        while length >= 0x80:
            header.append(length & 0x7F | 0x80)
            length >>= 7
        return bytes(header) + bytes([length]) + data

    graph = b""
    for _ in range(depth):
        attribute = field(1, b"then_branch") + field(6, graph)
        node = field(2, b"y") + field(4, b"If") + field(5, attribute)
        graph = field(1, node)
    model = onnx.ModelProto()
    data = b"\x08\x08" + field(7, graph)
    raise _Raw(data) if depth > 20 else AssertionError(model)


class _Raw(Exception):
    """Bytes that no ModelProto can be parsed from."""


DECLARED: dict[str, tuple[Make, str]] = {
    "2^40 floats": (huge([2**40]), "4398046511104 bytes, and 48 are there"),
    "overflow": (huge([2**32, 2**32]), "are there"),
    "overflow to 48 bytes": (huge([2**62, 4, 3]), "are there"),
    "negative": (huge([-4, -3]), "not all from 0 on"),
    "rank 65": (huge([1] * 65), "65 dimensions"),
    "rank 10^6": (huge([1] * 10**6), "1000000 dimensions"),
    "undefined type": (huge([4, 3], 0), "element type is 0"),
    "unknown type": (huge([4, 3], 99), "element type is 99"),
    "strings": (huge([4, 3], TensorProto.STRING), "are there"),
    "fewer than declared": (changed(typed), "float_data"),
    "segment": (changed(segment), "segment"),
    "sparse": (changed(sparse), "sparse"),
    "constant": (changed(in_constant), "attribute 'value'"),
    "rank of an input": (
        changed(
            lambda m: m.graph.input[0].type.tensor_type.shape.dim.extend(
                [type(m.graph.input[0].type.tensor_type.shape).Dimension()] * 10**5
            )
        ),
        "dimensions",
    ),
    "nested types": (changed(deep_type), "nests"),
}


@pytest.mark.parametrize("case", DECLARED)
def test_declared_and_not_there(tmp_path: Path, case: str) -> None:
    make, text = DECLARED[case]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    assert text in refused(make(), tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000, "kilobytes"
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("depth", [25, 5000])
def test_thousands_of_nested_if(tmp_path: Path, depth: int) -> None:
    with pytest.raises(_Raw) as raw:
        nested_if(depth)
    text = refused(raw.value.args[0], tmp_path)
    assert ("nests" in text) == (depth > 30)


def test_thousands_of_if_beside_one_another(tmp_path: Path) -> None:
    branch = helper.make_graph(
        [helper.make_node("Identity", ["m"], ["b"])], "b", [], [helper.make_tensor_value_info("b", FLOAT, None)]
    )
    model = good()
    last = "m"
    del model.graph.node[1]
    model.graph.initializer.append(tensor("flag", np.array(True)))
    for index in range(1500):
        inner = onnx.GraphProto()
        inner.CopyFrom(branch)
        inner.node[0].input[0] = last
        inner.node[0].output[0] = inner.output[0].name = f"b{index}"
        other = onnx.GraphProto()
        other.CopyFrom(inner)
        other.node[0].output[0] = other.output[0].name = f"c{index}"
        last = "y" if index == 1499 else f"m{index}"
        model.graph.node.append(
            helper.make_node("If", ["flag"], [last], f"if{index}", then_branch=inner, else_branch=other)
        )
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    started = time.monotonic()
    facts = run(tmp_path / "model.onnx", tmp_path / "out")
    assert facts.notes["operators"]["If"] == 1500
    assert time.monotonic() - started < 20


def test_a_bomb_of_messages(tmp_path: Path) -> None:
    """2 bytes on disk are 100 in memory: three million empty nodes are refused before they are parsed."""
    nodes = b"\x0a\x00" * (wire.MAX_MESSAGES + 10)
    length = len(nodes)
    header = bytes(
        [7 << 3 | 2, length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14 & 0x7F | 0x80, length >> 21]
    )
    assert "messages" in refused(b"\x08\x08" + header + nodes, tmp_path)


# Graphs that break the rules.


def swap(model: onnx.ModelProto) -> None:
    first, second = (onnx.NodeProto.FromString(node.SerializeToString()) for node in model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([second, first])


def cycle(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "y"


def self_loop(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[0] = "y"


def bad_branch(name: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        output = [helper.make_tensor_value_info(name, FLOAT, None)]
        branch = helper.make_graph([helper.make_node("Identity", ["nowhere"], [name])], "b", [], output)
        model.graph.initializer.append(tensor("flag", np.array(True)))
        node = helper.make_node("If", ["flag"], ["i"], "if", then_branch=branch, else_branch=branch)
        model.graph.node.append(node)

    return change


def functions(*bodies: tuple[str, list[str]]) -> Callable[[onnx.ModelProto], None]:
    """Functions of the model's own, each a list of calls, the first one called by the graph."""

    def change(model: onnx.ModelProto) -> None:
        model.opset_import.append(helper.make_opsetid("own", 1))
        for name, calls in bodies:
            nodes = [
                helper.make_node(
                    call,
                    ["a" if i == 0 else f"t{i}"],
                    [f"t{i + 1}" if i + 1 < len(calls) else "b"],
                    domain="own" if call.startswith("f") else "",
                )
                for i, call in enumerate(calls)
            ]
            opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
            model.functions.append(helper.make_function("own", name, ["a"], ["b"], nodes, opsets))
        model.graph.node[1].op_type = bodies[0][0]
        model.graph.node[1].domain = "own"

    return change


def conv(shape: tuple[int, ...], rank: int, op: str = "Conv", opset: int = 17) -> Make:
    def make() -> onnx.ModelProto:
        graph = helper.make_graph(
            [helper.make_node(op, ["x", "w"], ["y"], "node")],
            "g",
            [helper.make_tensor_value_info("x", FLOAT, [1] * rank)],
            [helper.make_tensor_value_info("y", FLOAT, None)],
            [tensor("w", np.zeros(shape, np.float32))],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)

    return make


def domain(name: str, imported: bool = True) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[1].domain = name
        if imported:
            model.opset_import.append(helper.make_opsetid(name, 1))

    return change


def opset(version: int) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = version

    return change


RULES: dict[str, tuple[Make, str]] = {
    "unsorted": (changed(swap), "'second' comes before what makes its input 'm'"),
    "cycle": (changed(cycle), "a cycle"),
    "self loop": (changed(self_loop), "a cycle"),
    "dangling": (changed(lambda m: m.graph.node[0].input.__setitem__(1, "v")), "reads 'v', which nothing makes"),
    "dangling output": (changed(lambda m: setattr(m.graph.output[0], "name", "z")), "nothing makes its output 'z'"),
    "dangling in a branch": (changed(bad_branch("b")), "reads 'nowhere'"),
    "output twice": (changed(lambda m: m.graph.node[1].output.__setitem__(0, "m")), "two things make the value 'm'"),
    "input made again": (
        changed(lambda m: m.graph.node[1].output.__setitem__(0, "x")),
        "two things make the value 'x'",
    ),
    "initializer twice": (
        changed(lambda m: m.graph.initializer.add().CopyFrom(m.graph.initializer[0])),
        "two of its values are named 'w'",
    ),
    "node name twice": (changed(lambda m: setattr(m.graph.node[1], "name", "first")), "two of its nodes are named"),
    "attribute twice": (
        changed(lambda m: m.graph.node[1].attribute.extend([helper.make_attribute("a", 1)] * 2)),
        "two of its attributes",
    ),
    "shadowed in a branch": (changed(bad_branch("m")), "reads 'nowhere'"),
    "unknown domain": (changed(domain("com.evil")), "unknown domain 'com.evil'"),
    "cpu layout domain": (changed(domain("com.microsoft.nchwc")), "unknown domain 'com.microsoft.nchwc'"),
    "domain not imported": (changed(domain("com.microsoft", False)), "does not import"),
    "operator of onnxruntime that it has not": (changed(domain("com.microsoft")), "Relu"),
    "unknown operator": (changed(lambda m: setattr(m.graph.node[1], "op_type", "Relou")), "a 'Relou', which"),
    "operator of a later set": (changed(lambda m: setattr(m.graph.node[1], "op_type", "Gelu")), "a 'Gelu', which"),
    "opset 0": (changed(opset(0)), "is 0; 7 to"),
    "opset negative": (changed(opset(-1)), "is -1; 7 to"),
    "opset too new": (changed(opset(2**40)), "is 1099511627776; 7 to"),
    "no opset": (changed(lambda m: m.opset_import.pop()), "does not import"),
    "opset twice": (changed(lambda m: m.opset_import.append(helper.make_opsetid("ai.onnx", 17))), "twice"),
    "IR version 0": (changed(lambda m: m.ClearField("ir_version")), "IR version is 0"),
    "IR version too new": (changed(lambda m: setattr(m, "ir_version", 999)), "IR version is 999"),
    "no graph": (changed(lambda m: m.ClearField("graph")), "no graph with a node"),
    "recursive function": (changed(functions(("f0", ["f0"]))), "calls itself"),
    "functions in a circle": (changed(functions(("f0", ["f1"]), ("f1", ["f0"]))), "calls itself"),
    "function twice": (changed(functions(("f0", ["Relu"]), ("f0", ["Relu"]))), "function 'f0' twice"),
    "function bomb": (
        changed(functions(*[(f"f{i}", [f"f{i + 1}"] * 10) for i in range(30)], ("f30", ["Relu"]))),
        "grows to over",
    ),
    "function with an unknown operator": (changed(functions(("f0", ["Relou"]))), "Relou"),
    "sequence input": (
        changed(lambda m: m.graph.input.append(helper.make_tensor_sequence_value_info("q", FLOAT, None))),
        "no tensor but a sequence",
    ),
    "wrong-rank Conv": (conv((1, 1), 4), ""),
    "Conv with rank 1": (conv((3,), 1), ""),
    "Conv with a scalar": (conv((), 0), ""),
    "Conv with ranks apart": (conv((2, 1, 3, 3, 3), 4), ""),
    "wrong-rank Gemm": (conv((2, 2, 2), 3, "Gemm"), ""),
    "Gemm with a scalar": (conv((), 0, "Gemm"), ""),
    "MatMul with a scalar": (conv((), 2, "MatMul"), ""),
    "too few inputs": (changed(lambda m: m.graph.node[0].input.pop()), "first"),
    "attribute of another type": (
        changed(lambda m: m.graph.node[1].attribute.append(helper.make_attribute("alpha", "text"))),
        "",
    ),
    "output of another type": (
        changed(lambda m: setattr(m.graph.output[0].type.tensor_type, "elem_type", TensorProto.INT64)),
        "",
    ),
}


@pytest.mark.parametrize("case", RULES)
def test_graphs_that_break_the_rules(tmp_path: Path, case: str) -> None:
    make, text = RULES[case]
    assert text in refused(make(), tmp_path)


def test_functions_are_inlined(tmp_path: Path) -> None:
    model = changed(functions(("f0", ["f1", "Relu"]), ("f1", ["Neg"])))()
    onnx.save(model, tmp_path / "model.onnx")
    facts = run(tmp_path / "model.onnx", tmp_path / "out")
    assert facts.notes["operators"] == {"MatMul": 1, "Neg": 1, "Relu": 1}


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    data = good().SerializeToString().replace(b"second", b"\xff\xfe\xff\xfe\xff\xfe")
    assert "not UTF-8" in refused(data, tmp_path)


# Weights.


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(tmp_path: Path, value: float, dtype: type) -> None:
    model = good()
    array: np.ndarray[Any, Any] = np.arange(12).reshape(4, 3).astype(dtype)
    array[2, 1] = value
    model.graph.initializer[0].CopyFrom(tensor("w", array))
    text = refused(model, tmp_path)
    assert "NaN" in text if np.isnan(value) else "infinite" in text
    if dtype is np.float32:
        assert run(tmp_path / "model.onnx", tmp_path / "out", accept_non_finite=True).parameters == 12


def test_bounds_and_masks_may_be_infinite(tmp_path: Path) -> None:
    model = good()
    mask = np.where(np.tri(3, 3, dtype=bool), 0, -np.inf).astype(np.float32)[:1]
    model.graph.initializer.extend(
        [tensor("low", np.array(0, np.float32)), tensor("high", np.array(np.inf, np.float32))]
    )
    model.graph.initializer.append(tensor("mask", mask))
    model.graph.node[1].output[0] = "r"
    model.graph.node.append(helper.make_node("Clip", ["r", "low", "high"], ["c"], "clip"))
    model.graph.node.append(helper.make_node("Add", ["c", "mask"], ["y"], "masked"))
    onnx.save(model, tmp_path / "model.onnx")
    run(tmp_path / "model.onnx", tmp_path / "out")


# And everything that is not listed.


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_flipped_bytes_never_escape(data: st.DataObject) -> None:
    """Whatever a few bytes become, the structural checks end in a LeptonError or a model, and raise nothing else."""
    content = bytearray(good().SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        wire.check_wire(memoryview(bytes(content)), "fuzz")
        model = onnx.ModelProto.FromString(bytes(content))
        structure.check_structure(model, "fuzz")
    except (LeptonError, UnicodeDecodeError):
        return
    except Exception as error:
        assert type(error).__name__ == "DecodeError", repr(error)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_flipped_bytes_are_refused_or_imported(data: st.DataObject) -> None:
    content = bytearray(good().SerializeToString())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    folder = Path(os.environ.get("TEST_TMPDIR", "/tmp")) / f"lepton_fuzz_{os.getpid()}"
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    try:
        run(folder / "model.onnx", folder / "out")
    except LeptonError as error:
        assert "\n" not in str(error)
        assert list((folder / "out").iterdir()) == []


def test_memory_is_bounded_by_what_is_there(tmp_path: Path) -> None:
    """A process that may have 1 GB of data imports, or refuses in one line, models that declare far more."""
    program = (
        "import sys, resource\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))\n"
        "from pathlib import Path\n"
        "from lepton_plugin_onnx.importer import import_onnx\n"
        "from lepton_plugin_onnx.configs import ImportConfig\n"
        "from lepton_rules.plugin import ImportContext, LeptonError\n"
        "out = Path(sys.argv[2]); out.mkdir()\n"
        "try:\n"
        "    import_onnx(ImportContext(label='', config=ImportConfig(), sources=(Path(sys.argv[1]),), weights=(),\n"
        "                              allow_code=False, output=out))\n"
        "except LeptonError as error:\n"
        "    print(error)\n"
    )
    model = good()
    shape = np.array([2**17, 2**17], np.int64)
    model.graph.initializer.append(tensor("shape", shape))
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["shape"], ["big"], "big"))
    model.graph.node.append(helper.make_node("ReduceMax", ["big"], ["top"], "top", keepdims=0))
    model.graph.output.append(helper.make_tensor_value_info("top", FLOAT, []))
    onnx.save(model, tmp_path / "model.onnx")
    arguments = [sys.executable, "-c", program, str(tmp_path / "model.onnx"), str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" or done.stdout.startswith("lepton: ")
