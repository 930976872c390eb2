"""Static quantization against its formulas, written out in numpy, and against onnxruntime's own calibrators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from harness import apply, constants_of, operators, outputs_of
from lepton_plugin_onnx import calibration, ranges
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnxruntime.targets import CPU, CPU_VNNI, CUDA, TENSORRT
from networks import Array, convnet, model_of, perceptron, samples, weights
from onnx import helper

from lepton_rules.plugin import LeptonError, ModelDirectory

CALIBRATION = {"x": samples(), "labels": np.arange(32)}


def nodes(model: ModelDirectory) -> dict[str, onnx.NodeProto]:
    return {node.name: node for node in read_model(model.path).graph.node}


def scale_of(model: ModelDirectory, tensor: str) -> tuple[Array, Array]:
    """Scale and zero point that a tensor is quantized with."""
    constants = constants_of(model)
    node = next(n for n in read_model(model.path).graph.node if n.op_type == "QuantizeLinear" and n.input[0] == tensor)
    return constants[node.input[1]], constants[node.input[2]]


def dequantized_weights(model: ModelDirectory, name: str) -> tuple[Array, Array, Array]:
    """int8 weights, scale and zero point of what was the initializer `name`."""
    constants = constants_of(model)
    for node in read_model(model.path).graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] == f"{name}_quantized":
            return constants[node.input[0]], constants[node.input[1]], constants[node.input[2]]
    raise AssertionError(f"{name} is not quantized")


@pytest.mark.parametrize(("reduce_range", "limit"), [(False, 127), (True, 64)])
@pytest.mark.parametrize("per_channel", [True, False])
def test_weights(tmp_path: Path, per_channel: bool, reduce_range: bool, limit: int) -> None:
    """q = round(w / s), s = max |w| / limit, for each output channel or for the whole tensor; no zero point."""
    config = {"per_channel": per_channel, "reduce_range": reduce_range}
    model, _ = apply("quantize", convnet(), tmp_path / "out", config, CALIBRATION)
    w = constants_of_model(convnet())["w2"]
    q, scale, zero = dequantized_weights(model, "w2")
    assert q.dtype == np.int8 and not zero.any()
    expected = np.abs(w).max(axis=(1, 2, 3)) / limit if per_channel else np.abs(w).max() / limit
    np.testing.assert_allclose(scale, expected, rtol=1e-6)
    broadcast = scale.reshape(-1, 1, 1, 1)
    np.testing.assert_array_equal(q, np.clip(np.round(w / broadcast), -limit, limit))
    assert (np.abs(q * broadcast - w) <= broadcast / 2 * 1.001).all()


def constants_of_model(model: onnx.ModelProto) -> dict[str, Array]:
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def test_asymmetric_uint8_activations(tmp_path: Path) -> None:
    """s = (max - min) / 255 and z = round(-min / s), the range widened to hold 0."""
    model, facts = apply("quantize", convnet(), tmp_path / "out", {}, CALIBRATION)
    scale, zero = scale_of(model, "x")
    low, high = CALIBRATION["x"].min(), CALIBRATION["x"].max()
    np.testing.assert_allclose(scale, (high - low) / 255, rtol=1e-6)
    assert zero.dtype == np.uint8 and zero == round(float(-low / scale))
    scale, zero = scale_of(model, "r2")  # after a Relu: no negatives, so the zero point is 0
    assert zero == 0
    assert facts.notes["calibrator"] == "MinMax" and facts.notes["samples"] == 32


def test_symmetric_int8_activations(tmp_path: Path) -> None:
    """s = max |x| / 127 and z = 0: what TensorRT takes, with biases left in floating point."""
    config = dict(TENSORRT.pass_defaults["onnx.quantize"])
    model, _ = apply("quantize", convnet(), tmp_path / "out", config, CALIBRATION)
    scale, zero = scale_of(model, "x")
    np.testing.assert_allclose(scale, np.abs(CALIBRATION["x"]).max() / 127, rtol=1e-6)
    assert zero.dtype == np.int8 and zero == 0
    constants = constants_of(model)
    for node in read_model(model.path).graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            assert not constants[node.input[2]].any()
            assert constants[node.input[2]].dtype == np.int8
    assert not any(value.dtype == np.int32 for value in constants.values())
    np.testing.assert_array_equal(constants["b2"], constants_of_model(convnet())["b2"])


def test_biases(tmp_path: Path) -> None:
    """q = round(b / (s_x s_w)) in int32, so that the accumulator takes it as it is."""
    model, _ = apply("quantize", convnet(), tmp_path / "out", {"quantize_bias": True}, CALIBRATION)
    b = constants_of_model(convnet())["b2"]
    q, scale, _ = dequantized_weights(model, "b2")
    _, weight_scale, _ = dequantized_weights(model, "w2")
    conv = nodes(model)["conv2"]
    dequantize = next(n for n in read_model(model.path).graph.node if conv.input[0] in n.output)
    activation_scale = constants_of(model)[dequantize.input[1]]
    assert q.dtype == np.int32
    np.testing.assert_allclose(scale, activation_scale * weight_scale, rtol=1e-6)
    np.testing.assert_array_equal(q, np.round(b.astype(np.float64) / scale))


def test_the_whole_graph_against_numpy(tmp_path: Path) -> None:
    """Every value of a quantized network, computed by the QDQ formulas alone."""
    x = samples(40, (6,))
    model, _ = apply("quantize", perceptron(), tmp_path / "out", {}, {"x": x})
    constants = constants_of(model)
    values: dict[str, Array] = {"x": x, **constants}
    for node in read_model(model.path).graph.node:
        inputs = [values[name] for name in node.input]
        if node.op_type == "QuantizeLinear":
            limits = np.iinfo(inputs[2].dtype)
            rounded = np.round(inputs[0] / inputs[1]) + inputs[2].astype(np.int32)
            result = np.clip(rounded, limits.min, limits.max).astype(inputs[2].dtype)
        elif node.op_type == "DequantizeLinear":
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            shape = [1] * inputs[0].ndim
            if inputs[1].ndim:
                shape[axis] = -1
            scale, zero = inputs[1].reshape(shape), inputs[2].astype(np.int32).reshape(shape)
            result = ((inputs[0].astype(np.int32) - zero) * scale).astype(np.float32)
        elif node.op_type == "MatMul":
            result = inputs[0] @ inputs[1]
        elif node.op_type == "Gemm":
            result = inputs[0] @ inputs[1].T + inputs[2]
        else:
            assert node.op_type == "Relu"
            result = np.maximum(inputs[0], 0)
        values[node.output[0]] = result
    step = float(next(constants[n.input[1]] for n in read_model(model.path).graph.node if "y" in n.output))
    # A sum in another order may round to the neighbouring step, in few places.
    difference = np.abs(outputs_of(model, x) - values["y"])
    assert (difference <= step * 1.001).all() and (difference > step / 2).mean() < 0.05


@pytest.mark.parametrize("calibrator", ["MinMax", "Entropy", "Percentile"])
def test_outputs_stay_near(tmp_path: Path, calibrator: str) -> None:
    model, facts = apply("quantize", convnet(), tmp_path / "out", {"calibrator": calibrator}, CALIBRATION)
    before, after = outputs_of(convnet(), CALIBRATION["x"]), outputs_of(model, CALIBRATION["x"])
    assert np.abs(after - before).mean() < 0.06 * np.abs(before).mean()
    assert facts.parameters == 3 * 9 * 8 + 8 * 8 * 9 + 8 + 4 * 8 + 5 * 8 + 5


def test_minmax_is_onnxruntimes(tmp_path: Path) -> None:
    """The same ranges as onnxruntime's calibrator, to the last bit."""
    from onnxruntime.quantization.calibrate import MinMaxCalibrater

    onnx.save(onnx.shape_inference.infer_shapes(convnet()), tmp_path / "m.onnx")
    theirs = MinMaxCalibrater(tmp_path / "m.onnx", augmented_model_path=str(tmp_path / "augmented.onnx"))
    theirs.augment_graph()
    theirs.create_inference_session()
    feeds = iter([{"x": CALIBRATION["x"][i : i + 4]} for i in range(0, 32, 4)])

    class Reader:
        def get_next(self) -> dict[str, Array] | None:
            return next(feeds, None)

    theirs.collect_data(Reader())
    expected = theirs.compute_data().data
    tensors = [name for name in expected if name != "x"]
    ours = calibration.Calibration(convnet(), ["x", *tensors], CALIBRATION, 32, 1).ranges("MinMax", 0, False, True)
    assert set(ours) == set(expected)
    for name, (low, high) in ours.items():
        assert (low, high) == (expected[name].lowest, expected[name].highest), name


@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.9, 100.0])
@pytest.mark.parametrize("symmetric", [True, False])
def test_percentile_against_numpy(percentile: float, symmetric: bool) -> None:
    values = np.random.default_rng(1).gamma(2.0, 1.0, 200_000) - 1.0
    low, high = float(values.min()), float(values.max())
    if symmetric:
        bound = max(-low, high)
        histogram, _ = np.histogram(np.abs(values), ranges.HISTOGRAM_BINS, (0, bound))
        expected = np.quantile(np.abs(values), percentile / 100, method="inverted_cdf")
        wanted = (-expected, expected)
        width = bound / ranges.HISTOGRAM_BINS
    else:
        histogram, _ = np.histogram(values, ranges.HISTOGRAM_BINS, (low, high))
        cut = (100 - percentile) / 200
        first, last = np.quantile(values, (cut, 1 - cut), method="inverted_cdf")
        wanted = (first, last)
        width = (high - low) / ranges.HISTOGRAM_BINS
    got = ranges.percentile_range(histogram, low, high, percentile, symmetric)
    np.testing.assert_allclose(got, wanted, atol=1.01 * width)
    inside = ((values >= got[0]) & (values <= got[1])).mean()
    assert inside >= percentile / 100 - 1e-9


def test_entropy_against_the_slides() -> None:
    """The threshold of the loop as it is published, bin by bin in plain Python."""
    values = np.abs(np.random.default_rng(2).laplace(0, 1, 50_000))
    top = float(values.max())
    histogram, _ = np.histogram(values, ranges.HISTOGRAM_BINS, (0, top))
    counts = [float(c) for c in histogram]
    counts[0] = counts[1]
    levels, best, threshold = 128, float("inf"), 0
    for size in range(levels, len(counts) + 1, ranges.ENTROPY_STRIDE * 16):
        p = counts[:size]
        outside = sum(counts[size:])
        q = [0.0] * size
        for level in range(levels):
            members = [i for i in range(size) if i * levels // size == level]
            filled = [i for i in members if p[i] > 0]
            for i in filled:
                q[i] = sum(p[j] for j in members) / len(filled)
        if outside and not p[-1]:
            q[-1] = 1e-4
        p[-1] += outside
        total_p, total_q = sum(p), sum(q)
        divergence = sum(
            a / total_p * np.log((a / total_p) / (b / total_q)) for a, b in zip(p, q, strict=True) if a > 0
        )
        mine = ranges._divergence(np.array(counts[:size]), outside, levels)
        assert mine == pytest.approx(divergence, rel=1e-9)
        if divergence < best:
            best, threshold = divergence, size
    _, high = ranges.entropy_range(histogram, -top, top, levels)
    size = round(high / top * len(counts))
    assert ranges._divergence(np.array(counts[:size]), sum(counts[size:]), levels) <= best
    assert 0.1 * top < high < top and threshold


def test_entropy_cuts_outliers_off_and_not_values() -> None:
    generator = np.random.default_rng(3)
    values = np.concatenate([generator.standard_normal(100_000), [40.0]])
    histogram, _ = np.histogram(np.abs(values), ranges.HISTOGRAM_BINS, (0, 40.0))
    low, high = ranges.entropy_range(histogram, float(values.min()), 40.0, 128)
    assert 2.5 < high < 12
    assert low == pytest.approx(max(float(values.min()), -high))
    few, _ = np.histogram(np.abs(values[:1000]), ranges.HISTOGRAM_BINS, (0, 40.0))
    assert ranges.entropy_range(few, -4.0, 40.0, 128) == (-4.0, 40.0)


@pytest.mark.parametrize("calibrator", ["MinMax", "Entropy", "Percentile"])
def test_batches_change_nothing(tmp_path: Path, calibrator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for size in (1, 1 << 14, 1 << 30):
        monkeypatch.setattr(calibration, "_BATCH_BYTES", size)
        found = calibration.Calibration(perceptron(), ["x", "m1", "r1", "y"], {"x": samples(50, (6,))}, 50, 1)
        results.append({k: (float(a), float(b)) for k, (a, b) in found.ranges(calibrator, 99.0, False, True).items()})
    for other in results[1:]:
        for name, pair in results[0].items():
            # A product of another batch size may be summed in another order: the last bit, never more.
            np.testing.assert_allclose(other[name], pair, rtol=2e-6)


def test_zeros_and_constants(tmp_path: Path) -> None:
    """An activation that never changes has a range too, whatever the calibrator."""
    for calibrator in ("MinMax", "Entropy", "Percentile"):
        x = np.zeros((4, 6), np.float32)
        model, _ = apply("quantize", perceptron(), tmp_path / calibrator, {"calibrator": calibrator}, {"x": x})
        assert np.isfinite(outputs_of(model, x)).all()


def test_exclusions(tmp_path: Path) -> None:
    model, facts = apply("quantize", convnet(), tmp_path / "out", {"exclude": ["conv1", "head"]}, CALIBRATION)
    kept = constants_of(model)
    assert kept["w1"].dtype == kept["w3"].dtype == np.float32 and "w2" not in kept
    assert facts.notes["excluded"] == ["conv1", "head"]
    assert not {"conv1", "head"} & set(facts.notes["quantized"])
    assert "conv2" in facts.notes["quantized"]


def test_exclusion_of_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match=r"exclude names 'conv_2'.*Did you mean 'conv2'\?"):
        apply("quantize", convnet(), tmp_path / "out", {"exclude": ["conv_2"]}, CALIBRATION)


def test_op_types(tmp_path: Path) -> None:
    model, facts = apply("quantize", convnet(), tmp_path / "out", {"op_types": ["Gemm"]}, CALIBRATION)
    assert facts.notes["quantized"] == ["head"]
    assert constants_of(model)["w2"].dtype == np.float32
    with pytest.raises(LeptonError, match=r"op_types names 'Convolution'"):
        apply("quantize", convnet(), tmp_path / "bad", {"op_types": ["Convolution"]}, CALIBRATION)


def test_max_samples(tmp_path: Path) -> None:
    _, facts = apply("quantize", convnet(), tmp_path / "few", {"max_samples": 5}, CALIBRATION)
    assert facts.notes["samples"] == 5
    first, _ = apply("quantize", convnet(), tmp_path / "five", {}, {"x": CALIBRATION["x"][:5]})
    assert (first.path / "model.onnx").read_bytes() == (tmp_path / "few" / "model.onnx").read_bytes()


def test_a_fixed_batch(tmp_path: Path) -> None:
    _, facts = apply("quantize", convnet(batch=5), tmp_path / "out", {}, CALIBRATION)
    assert facts.notes["samples"] == 30  # whole batches
    with pytest.raises(LeptonError, match="takes 5 samples at a time and calibration has 3"):
        apply("quantize", convnet(batch=5), tmp_path / "few", {}, {"x": CALIBRATION["x"][:3]})


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"image": samples(4)}, "no array is named as the model's input 'x'"),
        ({"x": samples(4).astype(np.float64)}, "float64"),
        ({"x": samples(4, (3, 8, 9))}, "input has shape"),
        ({"x": samples(0)}, "no samples"),
        ({"x": np.full((2, 3, 8, 8), np.nan, np.float32)}, "NaN or infinite"),
        ({"x": np.full((2, 3, 8, 8), 1e38, np.float32)}, "NaN or infinite"),
    ],
)
def test_calibration_that_does_not_fit(tmp_path: Path, arrays: dict[str, Any], text: str) -> None:
    with pytest.raises(LeptonError, match=text):
        apply("quantize", convnet(), tmp_path / "out", {}, arrays)


def test_a_second_time(tmp_path: Path) -> None:
    once, _ = apply("quantize", convnet(), tmp_path / "once", {}, CALIBRATION)
    with pytest.raises(LeptonError, match="quantized already"):
        apply("quantize", once, tmp_path / "twice", {}, CALIBRATION)


def test_nothing_to_quantize(tmp_path: Path) -> None:
    model = model_of([helper.make_node("Sin", ["x"], ["y"], "sin")], {}, {"x": ["n", 4]}, {"y": ["n", 4]})
    with pytest.raises(LeptonError, match="no node of the model can be quantized"):
        apply("quantize", model, tmp_path / "out", {}, {"x": samples(4, (4,))})


def test_an_old_operator_set_is_raised(tmp_path: Path) -> None:
    model, _ = apply("quantize", convnet(opset=11), tmp_path / "out", {}, CALIBRATION)
    assert read_model(model.path).opset_import[0].version >= 13
    assert "QuantizeLinear" in operators(model)


def test_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    apply("quantize", convnet(), tmp_path / "out", {"calibrator": "Entropy"}, CALIBRATION)
    assert capfd.readouterr() == ("", "") and not caplog.records


def test_chips_get_different_graphs(tmp_path: Path) -> None:
    """One recipe, four chips: what `quantize` does follows from what the chip's target says."""
    graphs = {}
    for target in (CPU, CPU_VNNI, CUDA, TENSORRT):
        config = dict(target.pass_defaults.get("onnx.quantize", {}))
        model, _ = apply("quantize", convnet(), tmp_path / target.name, config, CALIBRATION)
        graphs[target.name] = model
    zero = {name: scale_of(model, "x")[1] for name, model in graphs.items()}
    assert {name: value.dtype.name for name, value in zero.items()} == {
        "cpu": "uint8",
        "cpu_vnni": "uint8",
        "cuda": "int8",
        "tensorrt": "int8",
    }
    assert np.abs(dequantized_weights(graphs["cpu"], "w2")[0]).max() == 64
    assert np.abs(dequantized_weights(graphs["cpu_vnni"], "w2")[0]).max() == 127


def test_the_model_that_is_given_stays(tmp_path: Path) -> None:
    model = convnet()
    before = model.SerializeToString(deterministic=True)
    calibration.Calibration(model, ["x", "c1", "y"], CALIBRATION, 4, 1)
    assert model.SerializeToString(deterministic=True) == before
    assert weights(2, 2).dtype == np.float32
