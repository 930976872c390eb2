"""Each rule of advice where it has something to say, and where it has not."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lepton_rules.profile.advice as advice_package
from lepton_rules.profile.advice import Advice, Place, advise, call, without
from lepton_rules.profile.advice.rules import RULES
from lepton_rules.profile.evidence import LayerFacts, Node, Profile
from lepton_rules.profile.memory import Memory
from lepton_rules.profile.protocol import Event, Peaks
from lepton_rules.profile.roofline import roof
from lepton_rules.profile.table_of_nodes import groups, nodes, roof_share
from lepton_rules.profile.text import text

HERE = Path(__file__).parent
CPU = "CPUExecutionProvider"
PEAKS = {"operations": {"float32": 100e9, "int8": 400e9}, "bandwidth": [[1 << 20, 50e9], [1 << 27, 10e9]]}


def node(name: str, operator: str = "Conv", share: float = 0.1, **changes: Any) -> Node:
    """A node; one that computes is at half of its roof."""
    computes = operator in ("Conv", "MatMul", "QLinearConv", "Gemm")
    integer = operator.startswith("Q")
    made = Node(
        name=name,
        layer=name if computes else "",
        operator=operator,
        place=CPU,
        precision=("int8" if integer else "float32") if computes else "",
        seconds=share / 1000,
        share=share,
        operations=round(share / 1000 * (400e9 if integer else 100e9) / 2) if computes else None,
        moved_bytes=1000,
        constant_bytes=0,
        roof_seconds=share / 2000,
        roof_share=0.5,
        bound="compute" if computes else "memory",
    )
    return dataclasses.replace(made, **changes)


def layer(name: str, sqnr_db: float | None, precision: str = "float32", share: float = 0.1) -> LayerFacts:
    return LayerFacts(
        name=name, operator="Conv", weights=10, precision=precision, seconds=0.0, share=share, sqnr_db=sqnr_db
    )


def profile(*rows: Node, passes: tuple[tuple[str, dict[str, Any]], ...] = (), **changes: Any) -> Profile:
    made = Profile(
        label="//m:x",
        digest="sha256:" + 64 * "0",
        target="cpu_vnni",
        capabilities=("int8", "int8_activations", "int4_weights", "onnxruntime_operators"),
        threads=1,
        cores=2,
        batch=1,
        passes=[{"pass": name, "config": config} for name, config in passes],
        latencies_ns=[1000, 2000, 3000],
        nodes=rows,
        groups=groups(rows),
        peaks=PEAKS,
    )
    return dataclasses.replace(made, **changes)


QUANTIZED = ("onnx.quantize", {"exclude": ["a", "b", "c"], "op_types": []})
TORCH = ("torch.pytorch", {})
FLOATS = (node("a", share=0.2), node("b", share=0.2), node("c", share=0.21), node("d", "QLinearConv", 0.3))
SCORES = [layer("a", 45.0), layer("b", 50.0), layer("c", 12.0), layer("d", 40.0, "int8")]
PIECES = tuple(node(f"p{i}", operator, 0.02) for i, operator in enumerate(["Softmax", "Erf", *["Mul"] * 12]))
ATTENTION = (node("q", "MatMul", 0.4), *PIECES)
WAITING = node("w", "MatMul", 0.5, bound="memory", moved_bytes=4000, constant_bytes=3900)
SCALING = {"1": 0.004, "2": 0.0022}
OTHER = node("n", "Conv", 0.7, place="TensorrtExecutionProvider")

# Rule to a profile in which it fires, what its title has, the gain, the recipe line, and profiles in which it does not.
CASES: dict[str, tuple[Profile, str, float, str, list[Profile]]] = {
    "batch_norm": (
        profile(node("bn", "BatchNormalization", 0.08)),
        "8 % of the time is in 1 BatchNormalization",
        1 / 0.92,
        "onnx.fold_batch_norm(),",
        [profile(node("bn", "BatchNormalization", 0.005)), profile()],
    ),
    "dynamic_ranges": (
        profile(node("r", "DynamicQuantizeLinear", 0.2), node("s", "DynamicQuantizeLinear", 0.05)),
        "25 % of the time is in 2 searches",
        1 / 0.75,
        "onnx.quantize(),",
        [
            profile(node("r", "DynamicQuantizeLinear", 0.04)),
            profile(node("r", "DynamicQuantizeLinear", 0.2), capabilities=()),
        ],
    ),
    "float_layers": (
        profile(*FLOATS, passes=(QUANTIZED,), layers=SCORES),
        "61 % of the time is in 3 Conv left in float because they were excluded; quantizing 2 of them should give "
        "1.4x; sensitivity says that 2 of 3 are safe: each alone in 8 bits leaves 45 dB or more of the outputs, where "
        "30 dB count as safe",
        without(0.4, 0.25),  # four times the peak, at the half of it that the integer layer reaches too
        'onnx.quantize(exclude = ["c"]),',
        [
            profile(*FLOATS, passes=(QUANTIZED,), layers=SCORES, capabilities=()),
            profile(*FLOATS, passes=(QUANTIZED,), layers=[layer(name, 10.0) for name in "abcd"]),
            profile(*FLOATS, passes=(QUANTIZED,), layers=[]),
            profile(node("d", "QLinearConv", 0.9), layers=[layer("d", 60.0, "int8")]),
            profile(node("a", share=0.01), layers=[layer("a", 60.0)]),
            profile(*FLOATS, layers=SCORES, peaks=None),
        ],
    ),
    "fuse_transformer": (
        profile(*ATTENTION),
        "28 % of the time is in 14 small operators",
        without(0.28, 1 / 3),
        "onnx.fuse_transformer(),",
        [
            profile(*ATTENTION, passes=(("onnx.fuse_transformer", {}),)),
            profile(*PIECES),
            profile(node("q", "MatMul", 0.4), *PIECES[:6]),
            profile(*ATTENTION, capabilities=("int8",)),
        ],
    ),
    "more_threads": (
        profile(threads_seconds=SCALING),
        "one inference takes 4 ms with 1 of 2 cores, and 2.2 ms with 2: 1.82x",
        4 / 2.2,
        "threads = 2,",
        [
            profile(threads_seconds={"1": 0.004, "2": 0.0037}),
            profile(threads_seconds={"1": 0.004}),
            profile(threads_seconds=SCALING, threads=2),
        ],
    ),
    "placement": (
        profile(OTHER, node("x", "NonZero", 0.3), dimensions={"batch": 1}),
        "30 % of the time is in 1 operators that cpu_vnni leaves to the CPU (NonZero)",
        1 / 0.7,
        'onnx.fix_shapes(dimensions = {"batch": "1"}),\nonnx.optimize(),',
        [
            profile(OTHER, node("x", "NonZero", 0.01)),
            profile(node("x", "NonZero", 0.3)),
            profile(OTHER, node("x", "NonZero", 0.3), passes=(("onnx.optimize", {}),)),
        ],
    ),
    "prune_channels": (
        profile(node("d", "QLinearConv", 0.9), passes=(TORCH,)),
        "90 % of the time is in 1 layers that reach 50 % of what this machine can do",
        without(0.9, 0.6),
        "torch.prune_channels(macs_ratio = 0.5, epochs = 10),",
        [
            profile(node("d", "QLinearConv", 0.9), passes=(TORCH, ("torch.prune_channels", {}))),
            profile(node("d", "QLinearConv", 0.9)),
            profile(node("d", "QLinearConv", 0.9, roof_seconds=0.0001), passes=(TORCH,)),
            profile(node("d", share=0.9), passes=(TORCH,)),
            profile(node("d", "QLinearConv", 0.2), passes=(TORCH,)),
        ],
    ),
    "round_trips": (
        profile(
            node("q", "QuantizeLinear", 0.1),
            node("d", "DequantizeLinear", 0.1),
            node("s", "Add", 0.2),
            passes=(("onnx.quantize", {"op_types": ["Conv"]}),),
        ),
        "20 % of the time is in 2 conversions between integers and floats around what the recipe leaves in float (Add)",
        1.25,
        "onnx.quantize(exclude = [], op_types = []),",
        [
            profile(node("q", "QuantizeLinear", 0.2), passes=(("onnx.quantize", {"op_types": []}),)),
            profile(node("q", "QuantizeLinear", 0.02), passes=(("onnx.quantize", {"op_types": ["Conv"]}),)),
            profile(node("q", "QuantizeLinear", 0.2)),
        ],
    ),
    "sensitive_layers": (
        profile(
            passes=(("onnx.quantize", {"exclude": ["z"]}),),
            layers=[layer("a", 11.0, "int8", 0.02), layer("b", 42.0, "int8"), layer("c", 60.0, "int8")],
        ),
        "1 of 3 integer layers change the outputs most (the worst alone leaves 11 dB), and take 2 % of the time",
        31.0,
        'onnx.quantize(exclude = ["z", "a"]),',
        [
            profile(passes=(QUANTIZED,), layers=[layer("a", 25.0, "int8"), layer("b", 42.0, "int8")]),
            profile(passes=(QUANTIZED,), layers=[layer("a", 11.0, "int8", 0.5), layer("b", 42.0, "int8")]),
            profile(passes=(QUANTIZED,), layers=[layer("a", 11.0), layer("b", 42.0, "int8")]),
            profile(layers=[layer("a", 11.0, "int8", 0.02), layer("b", 42.0, "int8")]),
        ],
    ),
    "weight_traffic": (
        profile(WAITING),
        "50 % of the time is in 1 layers that wait for 0.004 MB, mostly weights",
        without(0.5, (4000 - 3900 * (1 - 4.5 / 32)) / 4000),
        "onnx.quantize_weights(bits = 4),",
        [
            profile(WAITING, capabilities=("int8",)),
            profile(dataclasses.replace(WAITING, bound="compute")),
            profile(dataclasses.replace(WAITING, constant_bytes=1000)),
            profile(dataclasses.replace(WAITING, share=0.1)),
        ],
    ),
}


# What rules say to recipes that have more in them, or less: the profile, where the line goes, and the line.
MORE: list[tuple[str, Profile, str, str]] = [
    ("float_layers", profile(*FLOATS, layers=SCORES), "at the end of the recipe", 'onnx.quantize(exclude = ["c"]),'),
    (
        "float_layers",
        profile(*FLOATS[:2], layers=SCORES),
        "at the end of the recipe",
        "onnx.quantize(),",
    ),
    (
        "float_layers",
        profile(*FLOATS, layers=SCORES, passes=(("onnx.quantize", {"exclude": ["z", "a"], "op_types": ["MatMul"]}),)),
        "in the artifact's overrides",
        'onnx.quantize(exclude = ["c", "z"], op_types = ["Conv", "MatMul"]),',
    ),
    (
        "float_layers",
        profile(*FLOATS, layers=SCORES, passes=(("onnx.quantize_by_sensitivity", {"exclude": []}),)),
        "in the recipe, in place of onnx.quantize_by_sensitivity",
        'onnx.quantize(exclude = ["c"]),',
    ),
    (
        "float_layers",
        profile(*FLOATS, layers=SCORES, passes=(("onnx.quantize_dynamic", {"exclude": [], "op_types": ["Gemm"]}),)),
        "in the artifact's overrides",
        'onnx.quantize_dynamic(exclude = ["c"], op_types = ["Conv", "Gemm"]),',
    ),
    (
        "batch_norm",
        profile(node("bn", "BatchNormalization", 0.08), passes=(("onnx.optimize", {}), QUANTIZED)),
        "in the recipe, before onnx.quantize",
        "onnx.fold_batch_norm(),",
    ),
    (
        "dynamic_ranges",
        profile(node("r", "DynamicQuantizeLinear", 0.2), passes=(("onnx.quantize_dynamic", {}),)),
        "in the recipe, in place of onnx.quantize_dynamic",
        "onnx.quantize(),",
    ),
    (
        "placement",
        profile(OTHER, node("x", "NonZero", 0.3)),
        "at the end of the recipe",
        "onnx.optimize(),",
    ),
    (
        "weight_traffic",
        profile(WAITING, passes=(("onnx.quantize_weights", {"bits": 8}),)),
        "in the artifact's overrides",
        "onnx.quantize_weights(bits = 4),",
    ),
]


def rule(name: str) -> Callable[[Profile], list[Advice]]:
    return next(rule for rule in RULES if rule.__module__.rpartition(".")[2] == name)


def test_each_rule_is_registered_and_tested_here() -> None:
    folder = Path(advice_package.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "rules"}
    assert files == {rule.__module__.rpartition(".")[2] for rule in RULES} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_it_fires(name: str) -> None:
    found, title, gain, recipe, _ = CASES[name]
    (said,) = rule(name)(found)
    assert said.rule == name
    assert title in said.title
    assert said.gain == pytest.approx(gain)
    assert said.recipe == recipe
    assert said in advise(found)
    shown = text(found, [said])
    assert said.title in shown and str(said.place) in shown
    assert all(line in shown for line in said.recipe.splitlines())


@pytest.mark.parametrize(("name", "place"), [(name, i) for name, case in CASES.items() for i in range(len(case[4]))])
def test_it_does_not(name: str, place: int) -> None:
    assert rule(name)(CASES[name][4][place]) == []


@pytest.mark.parametrize(("name", "found", "place", "line"), MORE)
def test_it_says_where_the_line_goes(name: str, found: Profile, place: str, line: str) -> None:
    (said,) = rule(name)(found)
    assert (str(said.place), said.recipe) == (place, line)
    assert said.to_json()["place"] == place


def test_each_line_is_pasted_in_pasted_bzl() -> None:
    """Bazel reads pasted.bzl and takes each of its lines where it says: see pasted_tests there."""
    pasted = [
        (head, [line.strip() for line in lines])
        for head, *lines in map(str.splitlines, (HERE / "pasted.bzl").read_text("utf-8").split("# From ")[1:])
    ]
    for name, found in [*((name, case[0]) for name, case in CASES.items()), *(one[:2] for one in MORE)]:
        (said,) = rule(name)(found)
        lines = said.recipe.splitlines()
        assert [1 for head, after in pasted if head == f"{name}, {said.place}:" and after[: len(lines)] == lines], (
            f"tests/profile/pasted.bzl has no line `# From {name}, {said.place}:` with {said.recipe} after it"
        )


def test_all_that_are_safe_are_told_as_all() -> None:
    (said,) = rule("float_layers")(profile(*FLOATS[:2], layers=SCORES))
    assert "quantizing all of them should give" in said.title and "that 2 of 2 are safe" in said.title
    (said,) = rule("float_layers")(profile(FLOATS[0], layers=SCORES))
    assert "quantizing it should give" in said.title
    assert "that 1 of 1 is safe: each alone in 8 bits leaves 45 dB or more" in said.title


def test_a_place_is_told_in_words() -> None:
    assert str(Place(before="onnx.")) == "in the recipe, before the passes of onnx"


def test_no_advice_without_a_number() -> None:
    fields: dict[str, Any] = {"rule": "r", "title": "t", "recipe": "l", "basis": "b"}
    Advice(**fields, gain=1.1, evidence={"share": 0.5})
    for gain, evidence in [(1.1, {}), (1.0, {"share": 0.5}), (math.inf, {"share": 0.5}), (1.1, {"share": math.nan})]:
        with pytest.raises(ValueError, match="rule r"):
            Advice(**fields, gain=gain, evidence=evidence)


def test_most_gain_first_and_decibels_last() -> None:
    found = profile(
        node("bn", "BatchNormalization", 0.08),
        threads_seconds=SCALING,
        passes=(("onnx.quantize", {}),),
        layers=[layer("a", 11.0, "int8", 0.02), layer("b", 42.0, "int8")],
    )
    assert [one.rule for one in advise(found)] == ["more_threads", "batch_norm", "sensitive_layers"]


def test_a_recipe_line_is_starlark() -> None:
    assert call("onnx.quantize", lists={"exclude": ['a"b\\c', "d"]}, bits=4) == (
        'onnx.quantize(bits = 4, exclude = ["a\\"b\\\\c", "d"]),'
    )
    assert call("p.q", lists={"exclude": []}, of={"a": "1"}) == 'p.q(of = {"a": "1"}, exclude = []),'


def test_the_roof_is_the_longer_of_computing_and_moving() -> None:
    peaks = Peaks(operations={"float32": 100.0, "int8": 400.0}, bandwidth=[(100, 50.0), (1000, 10.0)])
    assert roof("float32", 1000, 100, peaks).seconds == 10 and roof("float32", 1000, 100, peaks).bound == "compute"
    assert roof("int8", 1000, 100, peaks).seconds == 2.5
    assert roof("", None, 100, peaks).seconds == 2 and roof("", None, 100, peaks).bound == "memory"
    assert roof("", None, 101, peaks).seconds == 10.1  # another level of memory
    assert roof("", None, 10000, peaks).seconds == 1000
    assert roof("bfloat16", 1000, 0, peaks).seconds == 10  # was not measured


def event(run: int, name: str, duration_ns: int, **changes: Any) -> Event:
    made = Event(
        run=run,
        node=name,
        layer="",
        operator="Conv",
        place=CPU,
        precision="float32",
        start_ns=run * 1000,
        duration_ns=duration_ns,
        operations=100,
        moved_bytes=0,
        constant_bytes=0,
    )
    return dataclasses.replace(made, **changes)


def test_a_node_s_time_is_the_median_of_its_runs() -> None:
    ran = [
        event(0, "a", 10),
        event(1, "a", 30),
        event(2, "a", 1000),
        event(0, "b", 5),
        event(0, "b", 5),
        event(1, "b", 10),
    ]
    peaks = Peaks(operations={"float32": 10e9}, bandwidth=[(100, 1e9)])
    rows = nodes(ran, peaks)
    assert [(row.name, row.seconds) for row in rows] == [("a", 30e-9), ("b", 10e-9)]
    assert rows[0].share == pytest.approx(0.75)
    assert rows[0].roof_share == pytest.approx(1 / 3) and rows[1].roof_share == 1
    assert roof_share(rows) == pytest.approx(0.5)
    assert [(group.operator, group.nodes, group.share) for group in groups(rows)] == [("Conv", 2, pytest.approx(1.0))]
    assert roof_share(nodes(ran, None)) is None


def test_text_says_when_there_is_no_advice() -> None:
    counted = Memory(libraries=1, load_peak=2, loaded=2, inference_peak=3)
    shown = text(profile(memory=dataclasses.asdict(counted) | {"model": 1}), [])
    assert "none: no rule found" in shown
