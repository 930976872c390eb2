"""Sensitivity of layers against numpy, and what the two passes that use it decide."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import apply, constants_of, operators, outputs_of
from lepton_plugin_onnx import sensitivity
from lepton_plugin_onnx.quantize_to_accuracy import search
from networks import Array, convnet, model_of, samples, weights
from onnx import helper

from lepton_rules.plugin import LeptonError, ModelFacts


def lopsided() -> Any:
    """x [n, 6] through three linear layers to y [n, 3]. The first input is a thousand times the others and weighs a
    thousandth: in 8 bits the others are lost, so that `first` suffers and nothing else does."""
    w1 = weights(6, 16, scale=0.5)
    w1[0] /= 1000
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h1"], "first"),
        helper.make_node("Relu", ["h1"], ["r1"], "relu1"),
        helper.make_node("Gemm", ["r1", "w2", "b2"], ["h2"], "second"),
        helper.make_node("Relu", ["h2"], ["r2"], "relu2"),
        helper.make_node("Gemm", ["r2", "w3", "b3"], ["y"], "third"),
    ]
    constants = {
        "w1": w1,
        "w2": weights(16, 16, scale=0.3),
        "w3": weights(16, 3),
        "b1": weights(16),
        "b2": weights(16),
        "b3": weights(3),
    }
    return model_of(nodes, constants, {"x": ["n", 6]}, {"y": ["n", 3]})


def data(count: int = 200, seed: int = 0) -> dict[str, Array]:
    """Inputs, and as labels what the float model answers."""
    x = np.random.default_rng(seed).standard_normal((count, 6)).astype(np.float32)
    x[:, 0] *= 1000
    return {"x": x, "labels": outputs_of(lopsided(), x).argmax(-1)}


def accuracy(model: Any, arrays: dict[str, Array]) -> float:
    return float((outputs_of(model, arrays["x"]).argmax(-1) == arrays["labels"]).mean())


def fake_quantized(values: Array, low: float, high: float, symmetric: bool) -> Array:
    """Rounded to 8 bits and back, by the formulas."""
    if symmetric:
        scale = max(abs(low), abs(high)) / 127
        return np.clip(np.round(values / scale), -127, 127) * scale
    low, high = min(low, 0), max(high, 0)
    scale = (high - low) / 255
    zero = round(-low / scale)
    return (np.clip(np.round(values / scale) + zero, 0, 255) - zero) * scale


def test_scores_against_numpy(tmp_path: Path) -> None:
    """The SQNR of each layer alone: its input, weights, bias and output rounded, all else in float64."""
    arrays = data(32)
    c = {t.name: np.float64(_array(t)) for t in lopsided().graph.initializer}

    def run(alone: str) -> Array:
        value = arrays["x"].astype(np.float64)
        for number, name in enumerate(("first", "second", "third"), 1):
            w = c[f"w{number}"]
            if name == alone:
                value = fake_quantized(value, value.min(), value.max(), False)
                w = np.stack([fake_quantized(column, column.min(), column.max(), True) for column in w.T], 1)
            value = value @ w + c[f"b{number}"]
            if name == alone and name == "third":
                value = fake_quantized(value, value.min(), value.max(), False)
            if name != "third":
                value = (
                    np.maximum(value, 0)
                    if name != alone
                    else np.maximum(fake_quantized(value, value.min(), value.max(), False), 0)
                )
        return value

    _, facts = apply("quantize_by_sensitivity", lopsided(), tmp_path / "out", {"per_channel": True}, arrays)
    layers = facts.notes["layers"]
    assert next(iter(layers)) == "first"
    before = run("")
    for name in ("first", "second", "third"):
        after = run(name)
        sqnr = 10 * math.log10((before**2).sum() / ((before - after) ** 2).sum())
        assert layers[name]["score"] == pytest.approx(sqnr, abs=0.6), name


def _array(tensor: Any) -> Array:
    from onnx import numpy_helper

    values: Array = numpy_helper.to_array(tensor)
    return values


def test_divergence_against_its_definition() -> None:
    a, b = weights(7, 5), weights(7, 5, seed=1)

    def softmax(v: Array) -> Array:
        e = np.exp(v.astype(np.float64))
        result: Array = e / e.sum(-1, keepdims=True)
        return result

    p, q = softmax(a), softmax(b)
    expected = (p * np.log(p / q)).sum(-1).mean()
    assert sensitivity.score({"y": a}, {"y": b}, "kl") == pytest.approx(expected, rel=1e-5)
    assert sensitivity.score({"y": a}, {"y": a}, "kl") == 0 and sensitivity.score({"y": a}, {"y": a}, "sqnr") == 200
    noisy = a * np.float32(1.1)
    assert sensitivity.score({"y": a, "n": np.arange(3)}, {"y": noisy, "n": np.arange(3)}, "sqnr") == pytest.approx(
        20, abs=0.01
    )


@pytest.mark.parametrize("metric", ["sqnr", "kl"])
def test_the_worst_stays_in_float(tmp_path: Path, metric: str) -> None:
    arrays = data()
    plain, _ = apply("quantize", lopsided(), tmp_path / "plain", {}, arrays)
    model, facts = apply(
        "quantize_by_sensitivity", lopsided(), tmp_path / "out", {"metric": metric, "max_float_share": 0.3}, arrays
    )
    layers = facts.notes["layers"]
    assert [name for name, layer in layers.items() if layer["precision"] == "float"] == ["first"]
    assert "among the worst" in layers["first"]["why"] and "at most 0.3 is allowed" in layers["second"]["why"]
    assert constants_of(model)["w1"].dtype == np.float32
    assert facts.notes["quantized"] and "first" in facts.notes["excluded"]
    assert accuracy(model, arrays) > 0.95 > 0.8 > accuracy(plain, arrays)


def test_thresholds(tmp_path: Path) -> None:
    arrays = data()
    config = {"threshold": 20.0, "max_float_share": 1.0}
    _, facts = apply("quantize_by_sensitivity", lopsided(), tmp_path / "out", config, arrays)
    layers = facts.notes["layers"]
    assert {name: layer["precision"] for name, layer in layers.items()} == {
        "first": "float",
        "second": "int8",
        "third": "int8",
    }
    assert "misses the threshold of 20 dB" in layers["first"]["why"]
    assert "keeps the threshold of 20 dB" in layers["second"]["why"]
    _, facts = apply(
        "quantize_by_sensitivity", lopsided(), tmp_path / "low", {"threshold": -50.0, "max_float_share": 1.0}, arrays
    )
    assert all(layer["precision"] == "int8" for layer in facts.notes["layers"].values())
    same, _ = apply("quantize", lopsided(), tmp_path / "plain", {}, arrays)
    assert (tmp_path / "low" / "model.onnx").read_bytes() == (same.path / "model.onnx").read_bytes()
    _, facts = apply(
        "quantize_by_sensitivity", lopsided(), tmp_path / "none", {"threshold": 20.0, "max_float_share": 0.0}, arrays
    )
    assert "at most 0 is allowed" in facts.notes["layers"]["first"]["why"]


def controlled(tmp_path: Path, name: str, **config: Any) -> tuple[Any, ModelFacts]:
    slots = {"calibration": data(seed=1), "validation": data(seed=2)}
    return apply("quantize_to_accuracy", lopsided(), tmp_path / name, config, slots=slots)


def test_accuracy_holds(tmp_path: Path) -> None:
    model, facts = controlled(tmp_path, "out", max_accuracy_drop=0.03)
    notes = facts.notes
    assert notes["accuracy_before"] == 1.0 and notes["kept_in_float"] == ["first"]
    assert [tried["float"] for tried in notes["tries"]] == [[], ["first"]]
    held = data(seed=2)
    assert notes["tries"][1]["accuracy"] == pytest.approx(accuracy(model, held))
    assert notes["tries"][0]["drop"] > 0.03 >= notes["tries"][1]["drop"]
    assert operators(model).count("Gemm") == 3 and "QuantizeLinear" in operators(model)


def test_all_is_quantized_where_that_holds(tmp_path: Path) -> None:
    model, facts = controlled(tmp_path, "out", max_accuracy_drop=0.9)
    assert facts.notes["kept_in_float"] == [] and len(facts.notes["tries"]) == 1
    plain, _ = apply("quantize", lopsided(), tmp_path / "plain", {}, data(seed=1))
    assert (model.path / "model.onnx").read_bytes() == (plain.path / "model.onnx").read_bytes()


def test_the_bound_on_tries(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match=r"after 1 tries the accuracy falls by 0\.\d+ at least, 0.03 is allowed"):
        controlled(tmp_path, "out", max_accuracy_drop=0.03, max_tries=1)


@pytest.mark.parametrize(
    ("needed", "layers", "tries", "found"),
    [
        (0, 5, 8, 0),
        (1, 5, 8, 1),
        (3, 5, 8, 3),
        (5, 5, 8, 5),
        (6, 5, 8, None),
        (5, 40, 99, 5),
        (5, 40, 5, 8),
        (9, 40, 4, None),
    ],
)
def test_the_search(needed: int, layers: int, tries: int, found: int | None) -> None:
    """The least count, or a greater one where tries run out; never more tries than allowed."""
    asked: list[int] = []

    def holds(count: int) -> bool:
        asked.append(count)
        return count >= needed

    known: Callable[[], int] = lambda: layers  # noqa: E731  # a stub
    assert search(holds, known, tries) == found
    assert len(asked) <= tries and len(set(asked)) == len(asked) and max(asked) <= layers


def test_validation_that_does_not_fit(tmp_path: Path) -> None:
    for arrays, text in (
        ({"x": data()["x"]}, "it has no labels"),
        ({"x": data()["x"], "labels": data()["x"]}, "it has no labels"),
        ({"x": samples(4), "labels": np.zeros(4, np.int64)}, "slot validation"),
    ):
        slots = {"calibration": data(), "validation": arrays}
        with pytest.raises(LeptonError, match=text):
            apply("quantize_to_accuracy", lopsided(), tmp_path / str(len(list(tmp_path.iterdir()))), {}, slots=slots)
    slots = {"calibration": data(), "validation": data()}
    with pytest.raises(LeptonError, match="output names 'z'"):
        apply("quantize_to_accuracy", lopsided(), tmp_path / "output", {"output": "z"}, slots=slots)


def test_a_convolutional_network(tmp_path: Path) -> None:
    x = samples(24)
    _, facts = apply("quantize_by_sensitivity", convnet(), tmp_path / "out", {"exclude": ["conv1"]}, {"x": x})
    assert set(facts.notes["layers"]) == {"conv2", "head"}
    assert facts.notes["excluded"] == sorted(
        {"conv1", *(n for n, v in facts.notes["layers"].items() if v["precision"] == "float")}
    )
