"""optimize, to_fp16, quantize_dynamic, check and infer_shapes against what the model gave before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from harness import apply, constants_of, operators, outputs_of
from lepton_plugin_onnx.files import read_model
from networks import convnet, model_of, perceptron, samples, weights
from onnx import TensorProto, helper, numpy_helper

from lepton_rules.plugin import LeptonError

# optimize


def test_optimize_folds_and_fuses(tmp_path: Path) -> None:
    model, facts = apply("optimize", convnet(), tmp_path / "out")
    assert "BatchNormalization" not in operators(model)
    assert facts.notes["nodes_after"] == facts.notes["nodes_before"] - 1 == len(operators(model))
    x = samples(16)
    np.testing.assert_allclose(outputs_of(model, x), outputs_of(convnet(), x), atol=1e-5, rtol=1e-5)


def test_optimize_is_portable(tmp_path: Path) -> None:
    """Nothing but standard operators: no kernels, layouts or operator sets of the machine that ran it."""
    for name, make in (("convnet", convnet), ("perceptron", perceptron)):
        model, _ = apply("optimize", make(), tmp_path / name)
        proto = read_model(model.path)
        assert {node.domain for node in proto.graph.node} == {""}
        assert [entry.domain for entry in proto.opset_import] == [""]


def test_optimize_twice_is_once(tmp_path: Path) -> None:
    once, _ = apply("optimize", convnet(), tmp_path / "once")
    twice, _ = apply("optimize", once, tmp_path / "twice")
    assert (once.path / "model.onnx").read_bytes() == (twice.path / "model.onnx").read_bytes()


def test_optimize_keeps_quantization(tmp_path: Path) -> None:
    quantized, _ = apply("quantize", convnet(), tmp_path / "q", {}, {"x": samples()})
    model, facts = apply("optimize", quantized, tmp_path / "out")
    assert constants_of(model)["w2_quantized"].dtype == np.int8
    np.testing.assert_allclose(outputs_of(model, samples(4)), outputs_of(quantized, samples(4)), atol=2e-2)
    assert facts.notes["operators"]["QuantizeLinear"] > 0


def test_folding_is_bounded(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["big"], "big"),
        helper.make_node("Add", ["x", "big"], ["y"], "add"),
    ]
    model = model_of(nodes, {"shape": np.array([1, 1 << 16])}, {"x": ["n", 1 << 16]}, {"y": ["n", 1 << 16]})
    folded, _ = apply("optimize", model, tmp_path / "folded")
    kept, _ = apply("optimize", model, tmp_path / "kept", {"max_folded_bytes": 1 << 10})
    assert "ConstantOfShape" not in operators(folded)
    assert "ConstantOfShape" in operators(kept)


def test_optimize_after_fp16_is_refused(tmp_path: Path) -> None:
    half, _ = apply("to_fp16", convnet(), tmp_path / "half")
    with pytest.raises(LeptonError, match=r"Put onnx\.optimize before onnx\.to_fp16"):
        apply("optimize", half, tmp_path / "out")


# to_fp16


def test_fp16_rounds_and_nothing_more(tmp_path: Path) -> None:
    """Each weight moves by at most half a unit in its last place, 2^-11 of its magnitude."""
    model, facts = apply("to_fp16", convnet(), tmp_path / "out")
    before = {tensor.name: numpy_helper.to_array(tensor) for tensor in convnet().graph.initializer}
    after = constants_of(model)
    for name in ("w1", "w2", "b2", "w3", "b3"):
        assert after[name].dtype == np.float16
        error = np.abs(after[name].astype(np.float64) - before[name])
        assert (error <= np.abs(before[name]) * 2.0**-11 + 2.0**-25).all()
    x = samples(16)
    reference = outputs_of(convnet(), x)
    np.testing.assert_allclose(outputs_of(model, x), reference, atol=1e-2 * np.abs(reference).max())
    assert [spec.dtype for spec in (*facts.inputs, *facts.outputs)] == ["float32", "float32"]
    assert facts.macs == apply("check", convnet(), tmp_path / "check")[1].macs


def test_fp16_io_types(tmp_path: Path) -> None:
    model, facts = apply("to_fp16", convnet(), tmp_path / "out", {"keep_io_types": False})
    assert [spec.dtype for spec in (*facts.inputs, *facts.outputs)] == ["float16", "float16"]
    assert "Cast" not in operators(model)


def test_fp16_exclusions(tmp_path: Path) -> None:
    model, _ = apply("to_fp16", convnet(), tmp_path / "out", {"exclude": ["head"]})
    assert constants_of(model)["w3"].dtype == np.float32
    with pytest.raises(LeptonError, match=r"Did you mean 'head'\?"):
        apply("to_fp16", convnet(), tmp_path / "bad", {"exclude": ["heat"]})


def test_fp16_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    model = perceptron()
    w = weights(6, 16)
    w[2, 3] = 1e6
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(w, "w1"))
    with pytest.raises(LeptonError, match=r"'w1' holds 1e\+06, beyond the largest half.*Exclude what reads it: first"):
        apply("to_fp16", model, tmp_path / "out")
    apply("to_fp16", model, tmp_path / "excluded", {"exclude": ["first"]})


def test_fp16_of_a_half_model(tmp_path: Path) -> None:
    half, _ = apply("to_fp16", perceptron(), tmp_path / "half", {"keep_io_types": False})
    again, _ = apply("to_fp16", half, tmp_path / "again", {"keep_io_types": False})
    assert (half.path / "model.onnx").read_bytes() == (again.path / "model.onnx").read_bytes()


# quantize_dynamic


@pytest.mark.parametrize("per_channel", [True, False])
def test_dynamic_weights_and_outputs(tmp_path: Path, per_channel: bool) -> None:
    model, facts = apply("quantize_dynamic", perceptron(), tmp_path / "out", {"per_channel": per_channel})
    constants = constants_of(model)
    w = weights(6, 16)
    scale = np.abs(w).max(axis=0 if per_channel else None) / 127
    np.testing.assert_array_equal(constants["w1_quantized"], np.round(w / scale).astype(np.int8))
    assert operators(model).count("MatMulInteger") == 2
    assert facts.notes["quantized"] == ["first", "second"]
    x = samples(50, (6,))
    reference = outputs_of(perceptron(), x)
    assert np.abs(outputs_of(model, x) - reference).mean() < 0.03 * np.abs(reference).mean()
    assert facts.parameters == 6 * 16 + 3 * 16 + 3


def test_dynamic_gemm_factors(tmp_path: Path) -> None:
    """alpha, beta and the transposition of a Gemm go into its weights and bias."""
    make = perceptron(alpha=0.5, beta=2.0)
    model, _ = apply("quantize_dynamic", make, tmp_path / "out", {"exclude": ["first"]})
    x = samples(50, (6,))
    reference = outputs_of(make, x)
    assert np.abs(outputs_of(model, x) - reference).mean() < 0.02 * np.abs(reference).mean()
    assert constants_of(model)["w1"].dtype == np.float32


def test_dynamic_gemm_without_bias(tmp_path: Path) -> None:
    model, facts = apply("quantize_dynamic", perceptron(bias=False), tmp_path / "out", {"op_types": ["Gemm"]})
    assert facts.notes["quantized"] == ["second"]
    assert operators(model).count("MatMulInteger") == 1


def test_dynamic_tables(tmp_path: Path) -> None:
    """Embeddings are parameters also when they are quantized."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["e"], "look_up"),
        helper.make_node("MatMul", ["e", "w"], ["y"], "product"),
    ]
    constants = {"table": weights(30, 8), "w": weights(8, 3)}
    model = model_of(nodes, constants, {"ids": ["n", "m"]}, {"y": ["n", "m", 3]})
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    out, facts = apply("quantize_dynamic", model, tmp_path / "out", {"op_types": ["Gather", "MatMul"]})
    assert facts.parameters == 30 * 8 + 8 * 3 and facts.notes["quantized"] == ["look_up", "product"]
    ids = np.int64([[0, 29, 3]])
    expected = weights(30, 8)[ids] @ weights(8, 3)
    assert np.abs(outputs_of(out, ids) - expected).mean() < 0.03 * np.abs(expected).mean()


def test_dynamic_with_nothing_to_do(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="has no LSTM with constant weights"):
        apply("quantize_dynamic", perceptron(), tmp_path / "out", {"op_types": ["LSTM"]})
    with pytest.raises(LeptonError, match="op_types names 'Conv'"):
        apply("quantize_dynamic", perceptron(), tmp_path / "bad", {"op_types": ["Conv"]})


def test_dynamic_twice(tmp_path: Path) -> None:
    once, _ = apply("quantize_dynamic", perceptron(), tmp_path / "once")
    with pytest.raises(LeptonError, match="quantized already"):
        apply("quantize_dynamic", once, tmp_path / "twice")


# check, infer_shapes


def test_check_leaves_the_model_as_it_is(tmp_path: Path) -> None:
    model, _ = apply("optimize", convnet(), tmp_path / "in")
    checked, _ = apply("check", model, tmp_path / "out")
    assert (model.path / "model.onnx").read_bytes() == (checked.path / "model.onnx").read_bytes()


def test_check_refuses_what_does_not_load(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], "conv")]
    model = model_of(nodes, {"w": weights(2, 2)}, {"x": [1, 2, 4, 4]}, {"y": [1, 2, 4, 4]})
    with pytest.raises(LeptonError, match="the model"):
        apply("check", model, tmp_path / "out")


def test_shapes_are_written(tmp_path: Path) -> None:
    model, facts = apply("infer_shapes", convnet(), tmp_path / "out")
    values = {value.name: value.type.tensor_type for value in read_model(model.path).graph.value_info}
    assert sorted(values) == ["c1", "c2", "f", "n1", "p", "r1", "r2", "s"]
    assert [d.dim_param or d.dim_value for d in values["c1"].shape.dim] == ["batch", 8, 8, 8]
    assert values["f"].elem_type == TensorProto.FLOAT
    assert facts.notes["inferred"] == 8 and facts.notes["unknown"] == 0


def test_shapes_that_contradict(tmp_path: Path) -> None:
    model = convnet()
    model.graph.value_info.append(helper.make_tensor_value_info("c1", onnx.TensorProto.FLOAT, ["batch", 9, 8, 8]))
    with pytest.raises(LeptonError, match="its shapes do not fit"):
        apply("infer_shapes", model, tmp_path / "out")


def test_operators_whose_inputs_do_not_fit(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"], "m"), helper.make_node("Relu", ["m"], ["y"], "r")]
    model = model_of(nodes, {"w": weights(5, 2)}, {"x": ["n", 4]}, {"y": ["n", 2]})
    with pytest.raises(LeptonError, match="its shapes do not fit"):
        apply("infer_shapes", model, tmp_path / "out")
