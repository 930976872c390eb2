"""SmoothQuant: the function stays, the factors are those of the paper, and quantization loses less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encoders import encode, encoder, encoder_weights, sentences
from harness import apply, constants_of, operators, outputs_of
from lepton_plugin_onnx.files import read_model
from networks import Array, convnet, model_of, perceptron, samples, weights
from onnx import helper

from lepton_rules.plugin import LeptonError, ModelDirectory

OUTLIER = encoder_weights(outlier=40.0)


def distance(a: Array, b: Array) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize("layers", ["after_norm", "all"])
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_function_stays(tmp_path: Path, alpha: float, fused: bool, layers: str) -> None:
    """In floating point nothing changes, against numpy in float64."""
    data = sentences()
    model: Any = encoder(constants=OUTLIER)
    if fused:
        model, _ = apply("fuse_transformer", model, tmp_path / "fused")
    smooth, facts = apply("smooth_quant", model, tmp_path / "out", {"alpha": alpha, "layers": layers}, data)
    expected = encode(OUTLIER, data["input_ids"], data["attention_mask"])
    kept = data["attention_mask"].astype(bool)
    assert distance(outputs_of(smooth, data)[kept], expected[kept]) < 5e-6  # float32 itself is 2e-6 away
    names = [name for group in facts.notes["smoothed"].values() for name in group["layers"]]
    # Of each of the two blocks: q, k and v, or their fused attention, and up; with o and down where all are meant.
    assert len(names) == 2 * ((2 if fused else 4) + (2 if layers == "all" else 0)) and len(set(names)) == len(names)


def test_powers_of_two_change_no_bit(tmp_path: Path) -> None:
    data = sentences()
    smooth, _ = apply("smooth_quant", encoder(constants=OUTLIER), tmp_path / "out", {"powers_of_two": True}, data)
    before, _ = apply("check", encoder(constants=OUTLIER), tmp_path / "before")
    np.testing.assert_array_equal(outputs_of(smooth, data), outputs_of(before, data))


def linear_after_norm(reader: bool = False) -> Any:
    """x [n, 6] through a layer normalisation into two linear layers; `reader`: a residual sum reads it as well."""
    nodes = [
        helper.make_node("LayerNormalization", ["x", "gamma", "beta"], ["h"], "norm"),
        helper.make_node("MatMul", ["h", "w1"], ["a"], "first"),
        helper.make_node("Gemm", ["h", "w2", "b2"], ["b"], "second", transB=1, alpha=0.5),
        helper.make_node("Add", ["a", "b"], ["c"], "sum"),
        helper.make_node("Add", ["c", "h" if reader else "x"], ["y"], "residual"),
    ]
    gamma = 1 + weights(6, scale=0.1)
    gamma[2] = 50.0
    constants = {"gamma": gamma, "beta": weights(6), "w1": weights(6, 6), "w2": weights(6, 6, seed=3), "b2": weights(6)}
    return model_of(nodes, constants, {"x": ["n", 6]}, {"y": ["n", 6]})


def factors_by_hand(alpha: float, x: Array) -> Array:
    c = {t.name: np.float64(v) for t, v in [(t, _array(t)) for t in linear_after_norm().graph.initializer]}
    scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    largest = np.abs(scaled * c["gamma"] + c["beta"]).max(0)
    both = np.maximum(np.abs(c["w1"]).max(1), np.abs(c["w2"]).max(0))
    result: Array = largest**alpha / both ** (1 - alpha)
    return result


def _array(tensor: Any) -> Array:
    from onnx import numpy_helper

    values: Array = numpy_helper.to_array(tensor)
    return values


@pytest.mark.parametrize("alpha", [0.3, 0.5])
def test_factors_against_the_paper(tmp_path: Path, alpha: float) -> None:
    x = samples(64, (6,))
    model, facts = apply("smooth_quant", linear_after_norm(), tmp_path / "out", {"alpha": alpha}, {"x": x})
    s = factors_by_hand(alpha, x.astype(np.float64))
    before = {t.name: _array(t) for t in linear_after_norm().graph.initializer}
    after = constants_of(model)
    for name, by in (("gamma", 1 / s), ("beta", 1 / s), ("w1", s[:, None]), ("w2", s)):
        np.testing.assert_allclose(after[name], before[name] * by, rtol=1e-5)
    assert facts.notes["smoothed"]["h"]["absorbed_by"] == "norm"
    assert operators(model) == [node.op_type for node in linear_after_norm().graph.node]
    assert (
        facts.notes["smoothed"]["h"]["largest_to_mean_after"] < facts.notes["smoothed"]["h"]["largest_to_mean_before"]
    )
    assert distance(outputs_of(model, x), outputs_of(linear_after_norm(), x)) < 1e-6


def test_another_reader_gets_the_old_values(tmp_path: Path) -> None:
    x = samples(64, (6,))
    model, facts = apply("smooth_quant", linear_after_norm(reader=True), tmp_path / "out", {}, {"x": x})
    assert operators(model).count("Mul") == 1 and facts.notes["smoothed"]["h"]["absorbed_by"] == "h_smooth"
    assert distance(outputs_of(model, x), outputs_of(linear_after_norm(reader=True), x)) < 1e-6
    with pytest.raises(LeptonError, match="nothing could be smoothed"):
        apply(
            "smooth_quant",
            linear_after_norm(reader=True),
            tmp_path / "none",
            {"insert_multiplications": False},
            {"x": x},
        )


def test_through_relu_into_the_layer_before(tmp_path: Path) -> None:
    x = samples(64, (6,))
    model, facts = apply(
        "smooth_quant", perceptron(), tmp_path / "out", {"layers": "all", "insert_multiplications": False}, {"x": x}
    )
    assert facts.notes["smoothed"]["r1"]["absorbed_by"] == "first" and list(facts.notes["left"]) == ["x"]
    assert "Mul" not in operators(model)
    assert distance(outputs_of(model, x), outputs_of(perceptron(), x)) < 1e-6


def test_a_shared_constant_is_copied(tmp_path: Path) -> None:
    before = linear_after_norm()
    before.graph.node[2].CopyFrom(helper.make_node("Gemm", ["h", "w1", "b2"], ["b"], "second"))
    before.graph.node[4].CopyFrom(helper.make_node("MatMul", ["c", "w1"], ["y"], "third"))
    x = samples(64, (6,))
    model, _ = apply("smooth_quant", before, tmp_path / "out", {"exclude": ["third"], "layers": "all"}, {"x": x})
    np.testing.assert_array_equal(constants_of(model)["w1"], weights(6, 6))
    assert distance(outputs_of(model, x), outputs_of(before, x)) < 1e-6


def test_quantization_loses_less(tmp_path: Path) -> None:
    data = sentences(24)
    kept = data["attention_mask"].astype(bool)
    expected = encode(OUTLIER, data["input_ids"], data["attention_mask"])[kept]
    source, _ = apply("check", encoder(constants=OUTLIER), tmp_path / "source")
    smooth, _ = apply("smooth_quant", source, tmp_path / "smooth", {}, data)

    def lost(model: ModelDirectory, name: str, calibration: Any) -> float:
        quantized, _ = apply(name, model, tmp_path / f"{model.path.name}_{name}", {}, calibration)
        return distance(outputs_of(quantized, data)[kept], expected)

    plain, better = lost(source, "quantize_dynamic", None), lost(smooth, "quantize_dynamic", None)
    assert better < 0.7 * plain, (plain, better)


def test_a_channel_that_is_never_used(tmp_path: Path) -> None:
    x = samples(16, (6,))
    x[:, 1] = 0
    model, _ = apply("smooth_quant", perceptron(), tmp_path / "out", {"layers": "all"}, {"x": x})
    assert all(np.isfinite(value).all() for value in constants_of(model).values())
    assert distance(outputs_of(model, samples(9, (6,))), outputs_of(perceptron(), samples(9, (6,)))) < 1e-6


def test_what_is_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"], "r")]
    model = model_of(nodes, {}, {"x": ["n", 4]}, {"y": ["n", 4]})
    with pytest.raises(
        LeptonError, match="no linear layer with constant weights after a layer normalisation to smooth"
    ):
        apply("smooth_quant", perceptron(), tmp_path / "norm", {}, {"x": samples(4, (6,))})
    with pytest.raises(LeptonError, match="no linear layer with constant weights after a layer"):
        apply("smooth_quant", model, tmp_path / "none", {}, {"x": samples(4, (4,))})
    quantized, _ = apply("quantize", convnet(), tmp_path / "int8", {}, {"x": samples()})
    with pytest.raises(LeptonError, match="quantized already"):
        apply("smooth_quant", quantized, tmp_path / "twice", {}, {"x": samples()})
    with pytest.raises(LeptonError, match="NaN or infinite"):
        apply("smooth_quant", linear_after_norm(), tmp_path / "nan", {}, {"x": np.full((2, 6), np.nan, np.float32)})
    assert read_model(quantized.path).graph.node
