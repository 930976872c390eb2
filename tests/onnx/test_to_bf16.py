"""bfloat16 against numpy, each operator's result rounded."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from encoders import encode, encoder, encoder_weights, sentences
from harness import apply, constants_of, opened, operators, outputs_of
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnxruntime.config import RuntimeConfig
from lepton_plugin_onnxruntime.runtime import OnnxRuntime
from networks import Array, convnet, perceptron, samples, weights
from onnx import TensorProto, helper, numpy_helper

from lepton_rules.plugin import LeptonError, ModelDirectory, RuntimeContext


def rounded(values: Array) -> Array:
    """To nearest, ties to even, on the bits of float32."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return bits.astype(np.uint32).view(np.float32)


def reference(model: ModelDirectory, inputs: dict[str, Array]) -> Array:
    context = RuntimeContext(label="//t:m", config=RuntimeConfig(), model=model, hardware=None, reference=True)
    running = OnnxRuntime(context)
    try:
        return next(iter(running.run(inputs).values()))
    finally:
        running.close()


def test_weights_are_rounded(tmp_path: Path) -> None:
    model, facts = apply("to_bf16", convnet(), tmp_path / "out")
    before = {t.name: numpy_helper.to_array(t) for t in convnet().graph.initializer}
    after = constants_of(model)
    assert facts.parameters == apply("check", convnet(), tmp_path / "check")[1].parameters
    for name, value in before.items():
        stored = after[f"{name}_bf16"]
        assert stored.dtype == ml_dtypes.bfloat16
        np.testing.assert_array_equal(stored.astype(np.float32), rounded(value))
    onnx.checker.check_model(str(model.path / "model.onnx"), full_check=True)
    assert facts.notes["left"] == {} and facts.notes["casts"] == 2


def test_the_reference_against_numpy(tmp_path: Path) -> None:
    model, _ = apply("to_bf16", perceptron(), tmp_path / "out")
    x = samples(40, (6,))
    w1, w2, b2 = rounded(weights(6, 16)), rounded(weights(3, 16)), rounded(weights(3))
    hidden = np.maximum(rounded(rounded(x) @ w1), 0)
    expected = rounded(hidden @ w2.T + b2)
    got = reference(model, {"x": x})
    difference = np.abs(got - expected)
    # A sum in another order may round to the neighbour, in few places: a step is 2^-8 of the value.
    assert (difference <= np.abs(expected) * 2.0**-7).all() and (difference > 0).mean() < 0.05


def test_outputs_stay_near(tmp_path: Path) -> None:
    x = samples(16)
    model, facts = apply("to_bf16", convnet(), tmp_path / "conv")
    expected = outputs_of(convnet(), x)
    error = np.linalg.norm(reference(model, {"x": x}) - expected) / np.linalg.norm(expected)
    assert 1e-5 < error < 0.02
    assert [spec.dtype for spec in (*facts.inputs, *facts.outputs)] == ["float32", "float32"]
    data = sentences()
    model, _ = apply("to_bf16", encoder(), tmp_path / "encoder")
    truth = encode(encoder_weights(), data["input_ids"], data["attention_mask"])
    kept = data["attention_mask"].astype(bool)
    a, b = reference(model, data)[kept], truth[kept]
    assert np.linalg.norm(a - b) < 0.03 * np.linalg.norm(b)


def test_a_model_in_float32_is_run_as_it_is(tmp_path: Path) -> None:
    model, _ = apply("check", convnet(), tmp_path / "out")
    x = samples(4)
    np.testing.assert_array_equal(reference(opened(model.path), {"x": x}), outputs_of(model, x))


def test_exclusions(tmp_path: Path) -> None:
    model, facts = apply("to_bf16", convnet(), tmp_path / "out", {"exclude": ["head"]})
    assert constants_of(model)["w3"].dtype == np.float32
    assert facts.notes["left"] == {"head": "it is excluded"} and facts.notes["casts"] == 2
    assert operators(model)[-2:] == ["Cast", "Gemm"]
    with pytest.raises(LeptonError, match="Did you mean 'head'"):
        apply("to_bf16", convnet(), tmp_path / "bad", {"exclude": ["heat"]})


def test_operators_that_take_none(tmp_path: Path) -> None:
    """onnxruntime's own have no schema that says so: they stay in float32, between casts."""
    fused, _ = apply("fuse_transformer", encoder(), tmp_path / "fused")
    model, facts = apply("to_bf16", fused, tmp_path / "out")
    assert facts.notes["left"]["Attention_0"] == "Attention takes no bfloat16"
    data = sentences()
    expected = outputs_of(fused, data)
    assert np.linalg.norm(reference(model, data) - expected) < 0.03 * np.linalg.norm(expected)


def test_an_old_operator_set_is_raised_where_that_helps(tmp_path: Path) -> None:
    model, _ = apply("to_bf16", convnet(opset=17), tmp_path / "conv")
    assert read_model(model.path).opset_import[0].version == 22
    model, _ = apply("to_bf16", perceptron(), tmp_path / "linear")
    assert read_model(model.path).opset_import[0].version == 20


def test_what_is_refused(tmp_path: Path) -> None:
    model = perceptron()
    w = weights(6, 16)
    w[1, 1] = 3.4e38
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(w, "w1"))
    with pytest.raises(LeptonError, match=r"'w1' holds 3\.4e\+38, beyond the largest bfloat16"):
        apply("to_bf16", model, tmp_path / "large")
    with pytest.raises(LeptonError, match="quantized already"):
        apply("to_bf16", apply("quantize", convnet(), tmp_path / "q", {}, {"x": samples()})[0], tmp_path / "out")
    branch = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["z"], "n")],
        "g",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
    )
    choice = perceptron()
    choice.graph.node.append(
        helper.make_node("If", ["c"], ["unread"], "choice", then_branch=branch, else_branch=branch)
    )
    choice.graph.initializer.append(numpy_helper.from_array(np.bool_(True), "c"))
    with pytest.raises(LeptonError, match=r"'choice' \(If\) holds a graph of its own"):
        apply("to_bf16", choice, tmp_path / "if")
