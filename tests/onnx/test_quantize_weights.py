"""Weight-only quantization against its formulas, onnx's own reference and onnxruntime's native quantizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encoders import encode, encoder, encoder_weights, sentences
from harness import apply, constants_of, operators, outputs_of
from lepton_plugin_onnx import blocks
from lepton_plugin_onnx.files import read_model
from networks import Array, convnet, model_of, samples, weights
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from lepton_rules.plugin import LeptonError

K, N = 70, 24  # the last block of 32 or 16 is short


def linear(transposed: bool = False) -> Any:
    """x [n, 70] by two linear layers to y [n, 3]."""
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["m"], "first"),
        helper.make_node("Gemm", ["m", "w2", "b2"], ["y"], "second", transB=int(transposed), alpha=0.5),
    ]
    w2 = weights(3, N) if transposed else weights(N, 3)
    return model_of(nodes, {"w1": weights(K, N), "w2": w2, "b2": weights(3)}, {"x": ["n", K]}, {"y": ["n", 3]})


def by_hand(block: Array, bits: int, symmetric: bool, c: float) -> tuple[Array, float, int]:
    """One block's rounded values, scale and zero point in float64; c steps from 0 to the largest magnitude."""
    block = block.astype(np.float64)
    low, high = min(block.min(), 0), max(block.max(), 0)
    s = np.abs(block).max() / c if symmetric else (high - low) / (2**bits - 1)
    z = 0 if symmetric else round(-low / s)
    least = -(2 ** (bits - 1)) if symmetric else 0
    return (np.clip(np.round(block / s) + z, least, least + 2**bits - 1) - z) * s, s, z


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("size", [16, 32, 128])
@pytest.mark.parametrize("bits", [4, 8])
def test_blocks_against_the_formula(bits: int, size: int, symmetric: bool) -> None:
    """Every block by itself: its rounding, and that no other scale of those tried would lose less."""
    w = weights(K, N)
    got = blocks.quantize_blocks(w, bits, size, symmetric)
    half = 2 ** (bits - 1)
    total = 0.0
    for column in range(N):
        for number, start in enumerate(range(0, K, size)):
            block = w[start : start + size, column]
            zero = 0 if got.zero_points is None else int(got.zero_points[number, column])
            scale = float(got.scales[number, column])
            mine = (got.values[start : start + size, column].astype(np.float64) - zero) * scale
            tried = [by_hand(block, bits, symmetric, c) for c in (half - 1, half - 0.5, half, half + 0.5, half + 1)]
            values, s, z = min(tried, key=lambda found: abs(found[1] - scale))
            assert scale == pytest.approx(s, rel=1e-6) and zero == z
            assert np.abs(mine - values).max() <= scale * 1.001 and (np.abs(mine - values) > scale / 2).mean() < 0.1
            least = min(((found[0] - block) ** 2).sum() for found in tried)
            assert ((mine - block) ** 2).sum() <= least * 1.0001 + 1e-9
            total += ((mine - block) ** 2).sum()
    assert got.error == pytest.approx(total, rel=1e-4) and got.power == pytest.approx((w**2).sum(), rel=1e-6)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = blocks.quantize_blocks(weights(K, N), 4, 32, False)
    monkeypatch.setattr(blocks, "_CHUNK_ELEMENTS", 7 * 96)
    parts = blocks.quantize_blocks(weights(K, N), 4, 32, False)
    for name in ("values", "scales", "zero_points"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_extremes() -> None:
    """Zeros, one sign, and what float32 can barely hold."""
    w = np.zeros((32, 4), np.float32)
    w[:, 1], w[:, 2], w[:, 3] = 3.0, -2.0, 1e-42
    for symmetric in (True, False):
        got = blocks.quantize_blocks(w, 4, 32, symmetric)
        zero = 0 if got.zero_points is None else got.zero_points.astype(np.float32)
        assert np.isfinite(got.scales).all() and (got.scales > 0).all()
        np.testing.assert_allclose((got.values - zero) * got.scales, w, atol=0.25)


def test_no_worse_than_onnxruntime() -> None:
    """Its native kernel, on the same weights: 4 bits, symmetric."""
    from onnxruntime.capi._pybind_state import quantize_matmul_4bits

    w = weights(256, 64)
    packed, scales = np.zeros((64, 8, 16), np.uint8), np.zeros((64, 8), np.float32)
    quantize_matmul_4bits(packed, w, scales, np.zeros((64, 4), np.uint8), 32, 64, 256, True)
    values = np.stack([packed & 0xF, packed >> 4], -1).reshape(64, 8, 32).astype(np.float32) - 8
    theirs = (((values * scales[..., None]).reshape(64, 256).T - w) ** 2).sum()
    assert blocks.quantize_blocks(w, 4, 32, True).error < 1.05 * theirs


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("form", ["qdq", "matmul_nbits"])
@pytest.mark.parametrize("bits", [4, 8])
def test_the_graph_against_numpy(tmp_path: Path, bits: int, form: str, symmetric: bool, transposed: bool) -> None:
    config = {"bits": bits, "form": form, "symmetric": symmetric, "block_size": 16}
    model, facts = apply("quantize_weights", linear(transposed), tmp_path / "out", config)
    assert facts.parameters == K * N + 3 * N + 3 and facts.macs == K * N + 3 * N
    assert set(facts.notes["quantized"]) == {"first", "second"} and facts.notes["left"] == {}

    def rounded(w: Array) -> Array:
        got = blocks.quantize_blocks(w, bits, 16, symmetric)
        zero = 0 if got.zero_points is None else np.repeat(got.zero_points.astype(np.float32), 16, 0)[: len(w)]
        result: Array = (got.values - zero) * np.repeat(got.scales, 16, 0)[: len(w)]
        return result

    x = samples(9, (K,))
    factor = 0.5 if form == "matmul_nbits" else 1.0  # Gemm's alpha goes into the weights of MatMulNBits
    w2 = weights(3, N).T if transposed else weights(N, 3)
    expected = (x @ rounded(weights(K, N))) @ rounded(w2 * np.float32(factor)) * (0.5 / factor) + weights(3)
    np.testing.assert_allclose(outputs_of(model, x), expected, rtol=1e-4, atol=1e-4)
    if form == "qdq":
        reference = ReferenceEvaluator(read_model(model.path)).run(None, {"x": x})[0]
        np.testing.assert_allclose(reference, expected, rtol=1e-4, atol=1e-4)


def test_bytes(tmp_path: Path) -> None:
    """4 bits and a scale of 32 for 32 weights: 5 bits a weight."""
    model = model_of(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "m")],
        {"w": weights(512, 64)},
        {"x": ["n", 512]},
        {"y": ["n", 64]},
    )
    for bits, form in ((4, "qdq"), (4, "matmul_nbits"), (8, "qdq"), (8, "matmul_nbits")):
        _, facts = apply("quantize_weights", model, tmp_path / f"{form}{bits}", {"bits": bits, "form": form})
        assert facts.notes["weights_bytes_before"] == 512 * 64 * 4
        assert facts.notes["weights_bytes_after"] == pytest.approx(512 * 64 * (bits + 1) / 8, abs=16)
        assert facts.parameters == 512 * 64


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("form", ["qdq", "matmul_nbits"])
@pytest.mark.parametrize("bits", [4, 8])
def test_tables_against_numpy(tmp_path: Path, bits: int, form: str, symmetric: bool) -> None:
    """Rows of 40 values, of which the last block of 16 has 8."""
    nodes = [helper.make_node("Gather", ["table", "ids"], ["y"], "look_up")]
    model = model_of(nodes, {"table": weights(30, 40)}, {"ids": ["n", "m"]}, {"y": ["n", "m", 40]})
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    config = {"bits": bits, "form": form, "symmetric": symmetric, "block_size": 16, "op_types": ["Gather"]}
    out, facts = apply("quantize_weights", model, tmp_path / "out", config)
    assert facts.parameters == 30 * 40 and facts.outputs[0].shape == ("n", "m", 40)
    got = blocks.quantize_blocks(weights(30, 40).T, bits, 16, symmetric)
    zero = 0 if got.zero_points is None else np.repeat(got.zero_points.astype(np.float32), 16, 0)[:40]
    table = ((got.values - zero) * np.repeat(got.scales, 16, 0)[:40]).T
    ids = np.int64([[0, 29, 3], [7, 7, 1]])
    np.testing.assert_allclose(outputs_of(out, ids), table[ids], rtol=1e-6)
    if form == "qdq" and bits == 8:  # the rows alone are dequantized
        assert operators(out).index("DequantizeLinear") > operators(out).index("Gather")


def test_an_encoder_with_its_embeddings(tmp_path: Path) -> None:
    data = sentences()
    expected = encode(encoder_weights(), data["input_ids"], data["attention_mask"])
    kept = data["attention_mask"].astype(bool)
    for form in ("qdq", "matmul_nbits"):
        config = {"op_types": ["Gather", "MatMul"], "block_size": 16, "form": form}
        model, facts = apply("quantize_weights", encoder(), tmp_path / form, config)
        own = {"qdq": "DequantizeLinear", "matmul_nbits": "MatMulNBits"}[form]
        assert operators(model).count(own) == 2 * 6 + (2 if form == "qdq" else 0)
        assert facts.notes["left"]["l0.scores"] == "its weights are no constant"
        assert facts.parameters == apply("check", encoder(), tmp_path / f"check_{form}")[1].parameters
        error = outputs_of(model, data)[kept] - expected[kept]
        assert np.linalg.norm(error) < 0.02 * np.linalg.norm(expected[kept])


def test_convolutions(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], "conv", pads=[1] * 4)]
    model = model_of(nodes, {"w": weights(8, 40, 3, 3)}, {"x": ["n", 40, 6, 6]}, {"y": ["n", 8, 6, 6]})
    out, facts = apply("quantize_weights", model, tmp_path / "out", {"op_types": ["Conv"]})
    assert constants_of(out)["w_scales"].shape == (8, 2, 3, 3)
    x = samples(2, (40, 6, 6))
    expected = outputs_of(model, x)
    assert np.linalg.norm(outputs_of(out, x) - expected) < 0.01 * np.linalg.norm(expected)
    assert facts.notes["quantized"]["conv"] > 40
    with pytest.raises(LeptonError, match="no Conv whose weights can be quantized"):
        apply("quantize_weights", convnet(), tmp_path / "narrow", {"op_types": ["Conv"]})


def test_weights_that_two_read(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], "first"),
        helper.make_node("MatMul", ["m", "w"], ["y"], "second"),
    ]
    model = model_of(nodes, {"w": weights(32, 32)}, {"x": ["n", 32]}, {"y": ["n", 32]})
    out, _ = apply("quantize_weights", model, tmp_path / "out")
    assert operators(out) == ["DequantizeLinear", "MatMul", "MatMul"]
    assert read_model(out.path).graph.initializer[0].data_type == TensorProto.INT8


def test_fast_sessions_agree(tmp_path: Path) -> None:
    """With all optimisations, which may make MatMulNBits of the pair."""
    from lepton_plugin_onnx.native import session

    for config in ({"bits": 4}, {"bits": 4, "form": "matmul_nbits", "accuracy_level": 4}, {"bits": 8}):
        model, _ = apply("quantize_weights", linear(), tmp_path / str(len(list(tmp_path.iterdir()))), config)
        x = samples(9, (K,))
        fast = session(model.path / "model.onnx", level="ORT_ENABLE_ALL").run(None, {"x": x})[0]
        expected = outputs_of(model, x)
        assert np.linalg.norm(fast - expected) < 0.02 * np.linalg.norm(expected)


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="Did you mean 'first'"):
        apply("quantize_weights", linear(), tmp_path / "name", {"exclude": ["frist"]})
    with pytest.raises(LeptonError, match=r"op_types names 'Conv'.*Set form = .qdq."):
        apply("quantize_weights", linear(), tmp_path / "form", {"form": "matmul_nbits", "op_types": ["Conv"]})
    once, facts = apply("quantize_weights", linear(), tmp_path / "once", {"exclude": ["first"]})
    assert facts.notes["left"] == {"first": "it is excluded"}
    with pytest.raises(LeptonError, match="quantized already"):
        apply("quantize_weights", once, tmp_path / "twice")
    packed, _ = apply("quantize_weights", linear(), tmp_path / "packed", {"form": "matmul_nbits"})
    with pytest.raises(LeptonError, match="quantized already"):
        apply("quantize_weights", packed, tmp_path / "packed_twice")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(tmp_path: Path, value: float) -> None:
    model = linear()
    w = weights(K, N)
    w[3, 4] = value
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(w, "w1"))
    _, facts = apply("quantize_weights", model, tmp_path / "out")
    assert facts.notes["left"] == {"first": "its weights are not all finite"}
