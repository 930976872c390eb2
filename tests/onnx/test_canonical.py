"""Equal models are equal bytes, and nothing of their maker stays."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from harness import apply, constants_of, import_file, opened, operators, outputs_of
from lepton_plugin_onnx.canonical import tidy
from lepton_plugin_onnx.files import read_model, runnable_path
from lepton_plugin_onnx.native import session
from networks import convnet, samples
from onnx import TensorProto, helper, numpy_helper

from lepton_rules.plugin import LeptonError, onnx_canonical


def imported(model: onnx.ModelProto, folder: Path) -> bytes:
    folder.mkdir()
    (folder / "source.onnx").write_bytes(model.SerializeToString())
    import_file(folder / "source.onnx", folder / "out")
    return (folder / "out" / "model.onnx").read_bytes()


def noisy() -> onnx.ModelProto:
    """The same model as another converter would write it."""
    model = convnet()
    model.producer_name, model.producer_version, model.doc_string = "converter", "9.9", "/home/someone/model.py"
    model.metadata_props.add(key="stack_trace", value="File /home/someone/model.py")
    model.graph.name = "another"
    model.graph.doc_string = "made on a Tuesday"
    for index, node in enumerate(model.graph.node):
        node.doc_string = f"line {index}"
        node.metadata_props.add(key="namespace", value="/home/someone")
        attributes = list(node.attribute)
        del node.attribute[:]
        node.attribute.extend(reversed(attributes))
    tensors = list(model.graph.initializer)
    random.Random(0).shuffle(tensors)
    del model.graph.initializer[:]
    model.graph.initializer.extend(tensors)
    weight = next(tensor for tensor in model.graph.initializer if tensor.name == "b3")
    values = numpy_helper.to_array(weight)
    weight.ClearField("raw_data")
    weight.float_data.extend(values.tolist())
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1000, np.float32), "unused"))
    model.graph.value_info.append(helper.make_tensor_value_info("unknown", TensorProto.FLOAT, [1]))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.opset_import[0].domain = "ai.onnx"
    return model


def test_equal_models_are_equal_bytes(tmp_path: Path) -> None:
    plain, other = imported(convnet(), tmp_path / "plain"), imported(noisy(), tmp_path / "noisy")
    assert plain == other
    for trace in (b"someone", b"converter", b"Tuesday"):
        assert trace not in other


def test_nodes_without_names_get_one() -> None:
    model = convnet()
    for node in model.graph.node:
        node.name = ""
    model.graph.node[3].name = "Conv_0"
    tidy(model)
    names = [node.name for node in model.graph.node]
    assert names[0] == "Conv_0_" and names[1] == "BatchNormalization_1" and len(set(names)) == len(names)


def test_nodes_are_sorted_and_a_sorted_graph_stays() -> None:
    model = convnet()
    expected = [node.name for node in model.graph.node]
    tidy(model)
    assert [node.name for node in model.graph.node] == expected
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(nodes))
    tidy(model)
    assert [node.name for node in model.graph.node] == expected


def test_a_cycle_is_found() -> None:
    model = convnet()
    model.graph.node[0].input[0] = "y"
    with pytest.raises(LeptonError, match="cycle"):
        tidy(model)


def test_constants_are_initializers(tmp_path: Path) -> None:
    """A model that holds its weights in Constant nodes, as some converters write it, is quantized all the same."""
    model = convnet()
    w3 = next(tensor for tensor in model.graph.initializer if tensor.name == "w3")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["w3"], "constant", value=w3))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["k"], "floats", value_floats=[1.0, 2.0]))
    model.graph.initializer.remove(w3)
    assert imported(model, tmp_path / "constant") == imported(convnet(), tmp_path / "plain")
    quantized, _ = apply("quantize", model, tmp_path / "quantized", {}, {"x": samples()})
    assert constants_of(quantized)["w3_quantized"].dtype == np.int8


def test_what_a_branch_reads_is_kept() -> None:
    branch = helper.make_graph(
        [helper.make_node("Add", ["x", "offset"], ["b"])], "b", [], [helper.make_tensor_value_info("b", 1, None)]
    )
    graph = helper.make_graph(
        [
            helper.make_node("If", ["flag"], ["y"], "if", then_branch=branch, else_branch=branch),
            helper.make_node("Identity", ["x0"], ["x"], "early"),
        ],
        "g",
        [helper.make_tensor_value_info("x0", 1, [2])],
        [helper.make_tensor_value_info("y", 1, [2])],
        [numpy_helper.from_array(np.ones(2, np.float32), "offset"), numpy_helper.from_array(np.array(True), "flag")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    tidy(model)
    assert [tensor.name for tensor in model.graph.initializer] == ["offset", "flag"]
    assert [node.name for node in model.graph.node] == ["early", "if"]


def test_inputs_with_defaults_become_constants(tmp_path: Path) -> None:
    """As IR version 3 writes every weight."""
    model = convnet()
    model.ir_version = 3
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    (tmp_path / "old.onnx").write_bytes(model.SerializeToString())
    facts = import_file(tmp_path / "old.onnx", tmp_path / "out")
    assert [spec.name for spec in facts.inputs] == ["x"]


def test_large_weights_get_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens from 1 GiB on, at 1 KiB: every pass reads and writes the two files, linked or not."""
    inline, _ = apply("optimize", convnet(), tmp_path / "inline")
    monkeypatch.setattr(onnx_canonical, "INLINE_LIMIT", 1 << 10)
    (tmp_path / "source.onnx").write_bytes(convnet().SerializeToString())
    import_file(tmp_path / "source.onnx", tmp_path / "large")
    assert sorted(path.name for path in (tmp_path / "large").iterdir()) == ["model.onnx", "model.onnx.data"]

    linked = tmp_path / "linked"  # as a sandbox lays inputs out
    linked.mkdir()
    for path in (tmp_path / "large").iterdir():
        (linked / path.name).symlink_to(path)
    for name in ("check", "optimize", "quantize", "to_fp16", "quantize_dynamic"):
        calibration = {"x": samples()} if name == "quantize" else None
        model, _ = apply(name, opened(linked), tmp_path / f"large_{name}", {}, calibration)
        assert operators(model)
        (tmp_path / f"scratch_{name}").mkdir()
        session(runnable_path(model.path, tmp_path / f"scratch_{name}"))
    large = read_model(tmp_path / "large_optimize")
    small = read_model(inline.path)
    assert large.SerializeToString(deterministic=True) == small.SerializeToString(deterministic=True)
    np.testing.assert_array_equal(outputs_of(large, samples(2)), outputs_of(inline, samples(2)))
