"""Passes over the graph alone, against numpy and against the model that was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from encoders import encode, encoder, encoder_weights, sentences
from harness import apply, constants_of, operators, outputs_of
from lepton_plugin_onnx.files import read_model
from networks import convnet, model_of, samples, weights
from onnx import TensorProto, helper

from lepton_rules.plugin import LeptonError

# fuse_transformer


def test_fusion_against_numpy(tmp_path: Path) -> None:
    data = sentences()
    expected = encode(encoder_weights(), data["input_ids"], data["attention_mask"])
    np.testing.assert_allclose(outputs_of(encoder(), data), expected, atol=1e-5)
    model, facts = apply("fuse_transformer", encoder(), tmp_path / "out")
    assert facts.notes["fused"] == {
        "com.microsoft.Attention": 2,
        "com.microsoft.BiasGelu": 2,
        "com.microsoft.SkipLayerNormalization": 4,
    }
    assert facts.notes["nodes_after"] < facts.notes["nodes_before"] / 2
    kept = data["attention_mask"].astype(bool)
    np.testing.assert_allclose(outputs_of(model, data)[kept], expected[kept], atol=1e-5)


def test_masks_with_holes(tmp_path: Path) -> None:
    """`any` keeps masks as they are; `right_padded` counts their ones."""
    data = sentences()
    data["attention_mask"] = np.random.default_rng(2).integers(0, 2, data["attention_mask"].shape)
    data["attention_mask"][:, 0] = 1
    expected = encode(encoder_weights(), data["input_ids"], data["attention_mask"])
    model, _ = apply("fuse_transformer", encoder(), tmp_path / "out")
    np.testing.assert_allclose(outputs_of(model, data), expected, atol=1e-5)


def test_fusion_by_parts(tmp_path: Path) -> None:
    model, facts = apply("fuse_transformer", encoder(), tmp_path / "gelu", {"attention": False, "layer_norm": False})
    assert facts.notes["fused"] == {"com.microsoft.BiasGelu": 2}
    data = sentences()
    np.testing.assert_allclose(outputs_of(model, data), outputs_of(encoder(), data), atol=1e-5)
    _, facts = apply("fuse_transformer", encoder(), tmp_path / "heads", {"num_heads": 4, "hidden_size": 16})
    assert facts.notes["fused"]["com.microsoft.Attention"] == 2


def test_fusion_then_dynamic_quantization(tmp_path: Path) -> None:
    fused, before = apply("fuse_transformer", encoder(), tmp_path / "fused")
    model, facts = apply("quantize_dynamic", fused, tmp_path / "int8")
    assert {"QAttention", "MatMulInteger"} <= set(operators(model))
    assert facts.parameters == before.parameters
    data = sentences()
    kept = data["attention_mask"].astype(bool)
    a, b = outputs_of(model, data)[kept], outputs_of(fused, data)[kept]
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    assert cosine.min() > 0.99


def test_nothing_to_fuse(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="nothing of the model looks like a BERT encoder"):
        apply("fuse_transformer", convnet(), tmp_path / "out")


@pytest.mark.parametrize("config", [{"num_heads": 4}, {"num_heads": 3, "hidden_size": 16}])
def test_heads_that_do_not_fit(tmp_path: Path, config: dict[str, int]) -> None:
    with pytest.raises(LeptonError, match="num_heads"):
        apply("fuse_transformer", encoder(), tmp_path / "out", config)


# residuals_as_sum


def _in_a_session(model: onnx.ModelProto, folder: Path) -> list[str]:
    """The operators that onnxruntime makes of a model before it runs it."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "session.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(folder / "session.onnx").graph.node]


def test_sums_stay_apart_in_a_session(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Add", ["a", "b"], ["sum"], "add"),
        helper.make_node("LayerNormalization", ["sum", "gamma", "beta"], ["y"], "norm"),
    ]
    shapes: dict[str, list[int | str]] = {name: ["batch", "sequence", 16] for name in ("a", "b", "y")}
    before = model_of(
        nodes, {"gamma": weights(16), "beta": weights(16)}, {n: shapes[n] for n in "ab"}, {"y": shapes["y"]}
    )
    model, facts = apply("residuals_as_sum", before, tmp_path / "out")
    assert facts.notes["sums"] == ["add"]
    assert _in_a_session(before, tmp_path) == ["SkipLayerNormalization"]
    assert _in_a_session(read_model(model.path), tmp_path) == ["Sum", "LayerNormalization"]


def test_sums_compute_the_same(tmp_path: Path) -> None:
    model, facts = apply("residuals_as_sum", encoder(), tmp_path / "out")
    assert len(facts.notes["sums"]) == operators(model).count("Sum") == 5  # two a layer, and the embeddings'
    assert np.array_equal(outputs_of(model, sentences()), outputs_of(encoder(), sentences()))


def test_no_sums_to_keep(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="no LayerNormalization of a sum"):
        apply("residuals_as_sum", convnet(), tmp_path / "out")


# fix_shapes


def test_fixed_shapes(tmp_path: Path) -> None:
    model, facts = apply("fix_shapes", encoder(), tmp_path / "out", {"dimensions": {"batch": "3", "sequence": "7"}})
    assert [spec.shape for spec in facts.inputs] == [(3, 7), (3, 7)]
    assert [spec.shape for spec in facts.outputs] == [(3, 7, 16)]
    assert facts.macs is not None and facts.notes == {**facts.notes, "symbolic": []}
    data = sentences(3, 7)
    np.testing.assert_allclose(outputs_of(model, data), outputs_of(encoder(), data), atol=1e-6)
    fused, after = apply("fuse_transformer", model, tmp_path / "fused")
    assert after.macs == facts.macs
    assert apply("quantize_dynamic", fused, tmp_path / "int8")[1].macs == facts.macs
    folded, _ = apply("optimize", model, tmp_path / "folded")
    assert "Shape" not in operators(folded)


def test_some_stay_symbolic(tmp_path: Path) -> None:
    _, facts = apply("fix_shapes", encoder(), tmp_path / "out", {"dimensions": {"sequence": "8"}})
    assert facts.inputs[0].shape == ("batch", 8) and facts.outputs[0].shape == ("batch", 8, 16)
    assert facts.notes["symbolic"] == ["batch"]


def test_a_dimension_without_a_name(tmp_path: Path) -> None:
    model = convnet()
    model.graph.input[0].type.tensor_type.shape.dim[0].Clear()
    model.graph.output[0].type.tensor_type.shape.dim[0].Clear()
    _, facts = apply("fix_shapes", model, tmp_path / "out", {"dimensions": {"x_0": "4"}})
    assert facts.inputs[0].shape == (4, 3, 8, 8) and facts.outputs[0].shape == (4, 5)


@pytest.mark.parametrize(
    ("dimensions", "text"),
    [
        ({"bach": "1"}, "no input has a symbolic dimension 'bach'.*Did you mean 'batch'"),
        ({"batch": "0"}, "the length '0'"),
        ({"batch": "many"}, "the length 'many'"),
        ({}, "dimensions is empty"),
    ],
)
def test_dimensions_that_are_wrong(tmp_path: Path, dimensions: dict[str, str], text: str) -> None:
    with pytest.raises(LeptonError, match=text):
        apply("fix_shapes", convnet(), tmp_path / "out", {"dimensions": dimensions})


def test_a_length_that_contradicts(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gemm", ["x", "w"], ["y"], "g")]
    model = model_of(nodes, {"w": weights(4, 2)}, {"x": ["n", "m"]}, {"y": ["n", 2]})
    with pytest.raises(LeptonError, match="its shapes do not fit"):
        apply("fix_shapes", model, tmp_path / "out", {"dimensions": {"m": "5"}})


# fold_batch_norm


def normed(op: str, transposed: bool = False, groups: int = 1, bias: bool = True) -> onnx.ModelProto:
    """One linear operator and the normalisation of its 6 channels."""
    channels = {f"bn{i}": weights(6, seed=20 + i, scale=0.5) for i in range(3)} | {
        "bn3": np.linspace(0.3, 2, 6, dtype=np.float32)
    }
    rank2 = op in ("Gemm", "MatMul")
    shape: tuple[int, ...] = (4, 6)
    attributes: dict[str, Any] = {}
    if op == "Gemm":
        attributes = {"transB": int(transposed), "beta": 0.5, "alpha": 2.0}
        shape = (6, 4) if transposed else (4, 6)
    elif op == "Conv":
        attributes, shape = {"group": groups, "pads": [1] * 4}, (6, 4 // groups, 3, 3)
    elif op == "ConvTranspose":
        attributes, shape = {"group": groups}, (4, 6 // groups, 3, 3)
    inputs = ["x", "w", *(["b"] if bias and op != "MatMul" else [])]
    nodes = [
        helper.make_node(op, inputs, ["l"], "linear", **attributes),
        helper.make_node("BatchNormalization", ["l", "bn0", "bn1", "bn2", "bn3"], ["y"], "norm", epsilon=1e-3),
    ]
    constants = {"w": weights(*shape), **({"b": weights(6)} if len(inputs) > 2 else {}), **channels}
    x = ["n", 4] if rank2 else ["n", 4, 5, 5]
    return model_of(nodes, constants, {"x": x}, {"y": ["n", 6] if rank2 else ["n", 6, "h", "w"]})


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("op", "transposed", "groups"),
    [
        ("Conv", False, 1),
        ("Conv", False, 2),
        ("ConvTranspose", False, 1),
        ("ConvTranspose", False, 2),
        ("Gemm", False, 1),
        ("Gemm", True, 1),
        ("MatMul", False, 1),
    ],
)
def test_folding(tmp_path: Path, op: str, transposed: bool, groups: int, bias: bool) -> None:
    before = normed(op, transposed, groups, bias)
    model, facts = apply("fold_batch_norm", before, tmp_path / "out")
    assert "BatchNormalization" not in operators(model)
    assert facts.notes["folded"] == ["norm"] and facts.notes["left"] == {}
    x = samples(6, (4,) if op in ("Gemm", "MatMul") else (4, 5, 5))
    expected = outputs_of(before, x)
    np.testing.assert_allclose(outputs_of(model, x), expected, atol=2e-6 * np.abs(expected).max(), rtol=1e-5)


def test_folded_weights_against_the_formula(tmp_path: Path) -> None:
    model, _ = apply("fold_batch_norm", normed("Conv"), tmp_path / "out")
    c = {t.name: onnx.numpy_helper.to_array(t).astype(np.float64) for t in normed("Conv").graph.initializer}
    a = c["bn0"] / np.sqrt(c["bn3"] + 1e-3)
    constants = constants_of(model)
    np.testing.assert_allclose(constants["w"], c["w"] * a[:, None, None, None], rtol=1e-6)
    np.testing.assert_allclose(constants["linear_bias"], a * (c["b"] - c["bn2"]) + c["bn1"], rtol=1e-5)
    assert set(constants) == {"w", "linear_bias"}


def test_what_cannot_be_folded(tmp_path: Path) -> None:
    model = convnet()
    model.graph.output.append(helper.make_tensor_value_info("c1", TensorProto.FLOAT, ["batch", 8, 8, 8]))
    _, facts = apply("fold_batch_norm", model, tmp_path / "read")
    assert facts.notes["left"] == {"norm1": "'conv1' has other readers"} and facts.notes["folded"] == []
    _, facts = apply("fold_batch_norm", convnet(), tmp_path / "excluded", {"exclude": ["norm1"]})
    assert facts.notes["left"] == {"norm1": "it is excluded"}
    model = convnet()
    model.graph.node[0].CopyFrom(helper.make_node("Concat", ["x", "x", "x"], ["c1"], "join", axis=1))
    for name in ("bn_scale", "bn_bias", "bn_mean", "bn_var"):
        tensor = next(t for t in model.graph.initializer if t.name == name)
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.ones(9, np.float32), name))
    del model.graph.node[3:8]
    model.graph.node[3].CopyFrom(helper.make_node("GlobalAveragePool", ["r1"], ["y"], "pool"))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 9, 1, 1]))
    _, facts = apply("fold_batch_norm", model, tmp_path / "concat")
    assert facts.notes["left"] == {"norm1": "before it stands Concat, which is not linear"}


def test_nothing_to_fold(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="has no batch normalisation"):
        apply("fold_batch_norm", encoder(), tmp_path / "out")


# remove_dead_branches


def branching() -> onnx.ModelProto:
    """Two conditions that are constant, one of them in a branch of the other; dropout; a node that nothing reads."""

    def graph(nodes: list[onnx.NodeProto], result: str) -> onnx.GraphProto:
        return helper.make_graph(nodes, "g", [], [helper.make_tensor_value_info(result, TensorProto.FLOAT, ["n", 4])])

    deep = helper.make_node(
        "If",
        ["no"],
        ["deep_result"],
        "deep",
        then_branch=graph([helper.make_node("Neg", ["x"], ["t"], "neg")], "t"),
        else_branch=graph([helper.make_node("Mul", ["x", "w"], ["t"], "mul")], "t"),
    )
    outer = helper.make_node(
        "If",
        ["yes"],
        ["r"],
        "outer",
        then_branch=graph([deep, helper.make_node("Abs", ["deep_result"], ["t"], "abs")], "t"),
        else_branch=graph([helper.make_node("Exp", ["x"], ["t"], "exp")], "t"),
    )
    nodes = [
        outer,
        helper.make_node("Dropout", ["r", "ratio"], ["d", "mask"], "drop"),
        helper.make_node("Sin", ["x"], ["unread"], "sin"),
        helper.make_node("Cos", ["x"], ["auxiliary"], "cos"),
        helper.make_node("Add", ["d", "b"], ["y0"], "add"),
        helper.make_node("Identity", ["y0"], ["y"], "same"),
    ]
    constants = {
        "yes": np.bool_(True),
        "no": np.bool_([False]),
        "w": weights(4),
        "b": weights(4, seed=1),
        "ratio": np.float32(0.5),
    }
    return model_of(nodes, constants, {"x": ["n", 4]}, {"y": ["n", 4], "auxiliary": ["n", 4]})


def test_dead_branches(tmp_path: Path) -> None:
    model, facts = apply("remove_dead_branches", branching(), tmp_path / "out")
    assert operators(model) == ["Mul", "Abs", "Cos", "Add"]
    assert facts.notes["branches"] == ["outer", "outer_deep"]
    assert facts.notes["unread"] == ["sin"] and {"drop", "same"} <= set(facts.notes["idle"])
    assert set(constants_of(model)) == {"w", "b"}
    x = samples(5, (4,))
    np.testing.assert_array_equal(outputs_of(model, x), outputs_of(branching(), x))
    np.testing.assert_allclose(outputs_of(model, x), np.abs(x * weights(4)) + weights(4, seed=1), rtol=1e-6)


def test_outputs_that_are_not_wanted(tmp_path: Path) -> None:
    model, facts = apply("remove_dead_branches", branching(), tmp_path / "out", {"outputs": ["y"]})
    assert [spec.name for spec in facts.outputs] == ["y"]
    assert facts.notes["outputs_removed"] == ["auxiliary"] and "Cos" not in operators(model)
    with pytest.raises(LeptonError, match=r"outputs names 'auxilary'.*Did you mean 'auxiliary'\?"):
        apply("remove_dead_branches", branching(), tmp_path / "bad", {"outputs": ["auxilary"]})


def test_a_branch_that_gives_its_input(tmp_path: Path) -> None:
    """The taken branch has no node of its own: its result is a value from outside, and an output keeps its name."""
    result = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 4])]
    make = [helper.make_node("Identity", ["x"], ["z"], "i")]
    other = [helper.make_node("Neg", ["x"], ["z"], "i")]
    node = helper.make_node(
        "If",
        ["yes"],
        ["y"],
        "choice",
        then_branch=helper.make_graph(make, "g", [], result),
        else_branch=helper.make_graph(other, "g", [], result),
    )
    before = model_of([node], {"yes": np.bool_(True)}, {"x": ["n", 4]}, {"y": ["n", 4]})
    model, _ = apply("remove_dead_branches", before, tmp_path / "out")
    assert operators(model) == ["Identity"]
    x = samples(5, (4,))
    np.testing.assert_array_equal(outputs_of(model, x), x)


def test_a_live_model_stays(tmp_path: Path) -> None:
    model, _ = apply("check", convnet(), tmp_path / "in")
    after, facts = apply("remove_dead_branches", model, tmp_path / "out")
    assert (model.path / "model.onnx").read_bytes() == (after.path / "model.onnx").read_bytes()
    assert facts.notes["nodes_before"] == facts.notes["nodes_after"]


# set_input_layout


def test_channels_last(tmp_path: Path) -> None:
    model, facts = apply("set_input_layout", convnet(), tmp_path / "out", {"layout": "NHWC"})
    assert facts.inputs[0].shape == ("batch", 8, 8, 3)
    assert facts.notes["inputs"] == {"x": {"before": ["batch", 3, 8, 8], "after": ["batch", 8, 8, 3]}}
    x = samples(6)
    np.testing.assert_array_equal(
        outputs_of(model, np.ascontiguousarray(x.transpose(0, 2, 3, 1))), outputs_of(convnet(), x)
    )
    back, facts = apply("set_input_layout", model, tmp_path / "back", {"layout": "NCHW"})
    assert facts.inputs[0].shape == ("batch", 3, 8, 8)
    assert "Transpose" not in operators(back)
    np.testing.assert_array_equal(outputs_of(back, x), outputs_of(convnet(), x))


def test_a_layout_that_nothing_tells(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"], "r")]
    for shape in ([1, 8, 8, 8], [1, "c", 8, 8]):
        model = model_of(nodes, {}, {"x": shape}, {"y": shape})
        with pytest.raises(LeptonError, match="of which nothing tells the layout"):
            apply("set_input_layout", model, tmp_path / str(shape[1]), {"layout": "NHWC"})


def test_inputs_that_are_no_images(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="has no input of rank 4"):
        apply("set_input_layout", encoder(), tmp_path / "out", {"layout": "NHWC"})
    with pytest.raises(LeptonError, match="inputs names 'image'"):
        apply("set_input_layout", convnet(), tmp_path / "bad", {"layout": "NHWC", "inputs": ["image"]})


def test_data_in_the_old_layout_is_refused(tmp_path: Path) -> None:
    from lepton_rules.measure.inputs import model_inputs
    from lepton_rules.plugin import DatasetFile

    model, _ = apply("set_input_layout", convnet(), tmp_path / "out", {"layout": "NHWC"})
    np.savez(tmp_path / "data.npz", x=samples(4))
    with pytest.raises(
        LeptonError, match=r"'x' is float32\[4, 3, 8, 8\], the model's input has shape \['batch', 8, 8, 3\]"
    ):
        model_inputs(DatasetFile(tmp_path / "data.npz"), model.manifest)


def test_opsets_are_declared(tmp_path: Path) -> None:
    model, _ = apply("fuse_transformer", encoder(), tmp_path / "out")
    assert [entry.domain for entry in read_model(model.path).opset_import] == ["", "com.microsoft"]
