"""The arithmetic of the benchmark: a figure that is wrong here would be believed."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from bars.overload import goodput, overload_bars, soak_bars
from gates import judge
from harness.aquery import Action, inputs
from harness.bar import at_least, at_most
from harness.bazel import Bazel, Broken, Run
from harness.by_hand import act
from harness.dominance import dominates
from harness.dvc import source
from harness.processes import tree
from harness.profile import action_seconds
from harness.table import table


@pytest.mark.parametrize(("value", "holds"), [(7.99, True), (8.0, True), (8.01, False)])
def test_at_most(value: float, holds: bool) -> None:
    assert at_most("analysis", value, 8, "s", "").holds is holds


@pytest.mark.parametrize(("value", "holds"), [(9.99, False), (10.0, True), (10.01, True)])
def test_at_least(value: float, holds: bool) -> None:
    assert at_least("speed-up", value, 10, "x", "").holds is holds


@pytest.mark.parametrize(
    ("value", "goal", "cells"),
    [
        (0.1624, 0.4, ["<= 0.4 s", "0.162 s", "holds"]),
        (12.04, 8, ["<= 8 s", "12 s", "MISSED"]),
        (123.4, 600, ["<= 600 s", "123 s", "holds"]),
        (0, 0, ["0 s", "0 s", "holds"]),
        (1, 0, ["0 s", "1 s", "MISSED"]),
    ],
)
def test_a_row_shows_three_digits(value: float, goal: float, cells: list[str]) -> None:
    assert at_most("name", value, goal, "s", "how").row() == ["name", *cells, "how"]


def test_a_value_beside_its_goal_is_not_shown_as_the_goal() -> None:
    assert at_least("speed-up", 4.996, 5, "x", "").row()[2:4] == ["4.996 x", "MISSED"]


def test_columns_are_aligned() -> None:
    assert table([["a", "bb", "c"], ["aaa", "b", ""]]) == "a    bb  c\naaa  b"


def test_the_seconds_of_actions_are_those_with_the_message(tmp_path: Path) -> None:
    events = [
        {"ph": "X", "cat": "action processing", "name": "Lepton train //models:weights", "dur": 1_500_000},
        {"ph": "X", "cat": "action processing", "name": "action 'Lepton train //other:weights'", "dur": 500_000},
        {"ph": "X", "cat": "action processing", "name": "Lepton evaluate //models:x", "dur": 9_000_000},
        {"ph": "X", "cat": "local action execution", "name": "Lepton train //models:weights", "dur": 9_000_000},
        {"ph": "M", "name": "Lepton train"},
    ]
    with gzip.open(tmp_path / "profile.gz", "wt") as file:
        json.dump({"traceEvents": events}, file)
    assert action_seconds(tmp_path / "profile.gz", "Lepton train") == 2.0


class _Answers(Bazel):
    """A Bazel whose aquery has been answered."""

    def query(self, command: str, *arguments: str) -> Run:
        if command == "info":
            return Run(0, "/base/execroot/_main/bazel-out/k8/bin\n", 0)
        graph = {
            "pathFragments": [
                {"id": 1, "label": "bazel-out"},
                {"id": 2, "label": "k8", "parentId": 1},
                {"id": 3, "label": "bin", "parentId": 2},
                {"id": 4, "label": "made", "parentId": 3},
                {"id": 5, "label": "k8-ST-1", "parentId": 1},
                {"id": 6, "label": "bin", "parentId": 5},
                {"id": 7, "label": "made", "parentId": 6},
                {"id": 8, "label": "one"},
                {"id": 9, "label": "two"},
            ],
            "artifacts": [{"id": number, "pathFragmentId": number} for number in (4, 7, 8, 9)],
            "depSetOfFiles": [
                {"id": 1, "directArtifactIds": [8], "transitiveDepSetIds": [2]},
                {"id": 2, "directArtifactIds": [9, 8]},
            ],
            "actions": [
                {
                    "mnemonic": "LeptonRun",
                    "outputIds": [4],
                    "inputDepSetIds": [1],
                    "arguments": ["launch", "main.py", "--threads=1"],
                    "environmentVariables": [{"key": "LC_ALL", "value": "C.UTF-8"}],
                },
                {"mnemonic": "LeptonRun", "outputIds": [7], "inputDepSetIds": [1]},
            ],
        }
        return Run(0, json.dumps(graph), 0)


def test_inputs_are_counted_once_and_actions_that_never_run_are_left_out() -> None:
    (action,) = inputs(_Answers(Path("/"), Path("/base")), "//models:all")
    assert action.inputs == {"one", "two"}
    assert action.outputs == ("bazel-out/k8/bin/made",)
    assert action.words == ("launch", "main.py", "--threads=1")
    assert action.variables == {"LC_ALL": "C.UTF-8"}


_PROGRAM = """
import pathlib, sys
flags = dict(word.split("=", 1) for word in sys.argv[1:])
held = b"x" * int(flags["--bytes"])
pathlib.Path(flags["--output_model"]).write_text(flags["--bytes"])
"""


def test_an_action_run_by_hand_writes_into_its_scratch_folder(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(_PROGRAM)
    words = (sys.executable, "program.py", "--bytes=60000000", "--output_model=bazel-out/model")
    cost = act(Action("LeptonRun", frozenset(), (), words), tmp_path, tmp_path / "act")
    assert (tmp_path / "act" / "model").read_text() == "60000000"
    assert not (tmp_path / "bazel-out").exists()
    assert cost.peak > 60_000_000
    assert cost.seconds > 0


def test_an_action_that_fails_by_hand_is_not_measured(tmp_path: Path) -> None:
    action = Action("LeptonRun", frozenset(), (), (sys.executable, "-c", "raise SystemExit('gone')"))
    with pytest.raises(Broken, match="gone"):
        act(action, tmp_path, tmp_path / "act")


@pytest.mark.parametrize(
    ("path", "dependency"),
    [
        ("plugins/onnx/lepton_plugin_onnx/check.py", "plugins/onnx"),
        ("lepton_rules/worker/main.py", "lepton_rules/worker"),
        ("lepton_rules/__init__.py", "lepton_rules/__init__.py"),
        ("models/resnet/train.py", "models/resnet/train.py"),
    ],
)
def test_dvc_depends_on_folders_of_sources(path: str, dependency: str) -> None:
    assert source(path) == dependency


_OURS = {"against": [1, 1, 1], "quality": 790, "bytes": 1000}


@pytest.mark.parametrize(
    ("against", "quality", "size", "wanted"),
    [
        ([1.01, 1.05, 1.1], 790, 1000, True),  # faster
        ([0.99, 1.0, 1.01], 791, 1000, True),  # as fast, more accurate
        ([0.99, 1.0, 1.01], 790, 999, True),  # as fast, smaller
        ([0.99, 1.0, 1.01], 790, 1000, False),  # the same
        ([1.2, 1.3, 1.4], 789, 900, False),  # less accurate
        ([1.2, 1.3, 1.4], 791, 1001, False),  # larger
        ([0.8, 0.9, 0.99], 797, 1, False),  # slower
    ],
)
def test_a_toolkit_dominates_when_it_is_nowhere_worse(
    against: list[float], quality: float, size: int, wanted: bool
) -> None:
    assert dominates({"against": against, "quality": quality, "bytes": size}, _OURS) is wanted


def test_the_memory_of_children_is_seen() -> None:
    hold = "import sys; held = b'x' * 50_000_000; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        found = tree(os.getpid())
        child.communicate()
    assert found[child.pid].resident > 50_000_000
    assert found[child.pid].proportional > 45_000_000
    assert "held = " in found[child.pid].command


def test_the_bounds_on_a_share_are_those_of_clopper_and_pearson() -> None:
    # All of n: the n-th root of one minus the confidence.
    assert judge.lower_bound(299, 299) == pytest.approx(0.05 ** (1 / 299))
    assert judge.lower_bound(0, 10) == 0
    assert judge.upper_bound(0, 3000) == pytest.approx(1 - 0.05 ** (1 / 3000))
    # Of 10, 9: as tabulated.
    assert judge.lower_bound(9, 10) == pytest.approx(0.6058, abs=1e-4)


def test_the_methods_see_what_is_slower() -> None:
    def record(kind: str, verdict: str, slower: float) -> dict[str, Any]:
        blocks = {"block_baseline_ns": [100] * 20, "block_candidate_ns": [100 * slower] * 20}
        return {"kind": kind, "verdict": verdict, "budget": 0.97, **blocks}

    records = [record("same", "PASS", 1.0), record("same", "NOT PROVEN", 1.05), record("slow", "FAIL", 1.09)]
    found = {name: judge.judged(records, method) for name, method in judge.METHODS.items()}
    assert found["lepton_rules"] == judge.Found(same=2, alarms=0, same_unproven=1, slow=1, found=1, wrong=0)
    assert found["medians of blocks"] == judge.Found(same=2, alarms=1, same_unproven=0, slow=1, found=1, wrong=0)
    assert found["Olive's 20 samples"].alarms == 1
    assert found["fixed threshold of 10 %"] == judge.Found(same=2, alarms=0, same_unproven=0, slow=1, found=0, wrong=1)


def load(rate: float, codes: dict[str, int], not_sent: int = 0, without_retry: int = 0) -> dict[str, Any]:
    """What serving/load.py prints."""
    facts = {"rate": rate, "codes": codes, "not_sent": not_sent, "503_without_retry_after": without_retry}
    return facts | {"p50_ms": 60.0, "p99_ms": 90.0}


def test_goodput_is_held_to_the_capacity_on_both_sides() -> None:
    assert goodput([1000, 500, 500], [750, 400]) == [1.0, 0.8]


@pytest.mark.parametrize(
    ("overloads", "holds"),
    [
        ([load(950, {"200": 9, "503": 1})] * 3, [True, True]),
        # One round of three that was disturbed decides nothing; two do.
        ([load(500, {"200": 9}), load(950, {"200": 9}), load(950, {"200": 9})], [True, True]),
        ([load(500, {"200": 9}), load(500, {"200": 9}), load(950, {"200": 9})], [False, True]),
        # One request that was lost is one too many.
        ([load(950, {"200": 9, "500": 1})] + [load(950, {"200": 9})] * 2, [True, False]),
        ([load(950, {"200": 9}, not_sent=1)] + [load(950, {"200": 9})] * 2, [True, False]),
        ([load(950, {"200": 9, "503": 1}, without_retry=1)] + [load(950, {"200": 9})] * 2, [True, False]),
        ([load(0, {}) | {"p50_ms": None, "p99_ms": None}] * 3, [False, True]),
    ],
)
def test_an_overload(overloads: list[dict[str, Any]], holds: list[bool]) -> None:
    assert [bar.holds for bar in overload_bars([1000] * 4, overloads, 60)] == holds


@pytest.mark.parametrize(
    ("good", "bad", "memory", "holds"),
    [
        ({"200": 9, "503": 1}, {"as wanted": 1000}, [100, 104, 104], [True, True, True]),
        ({"200": 9, "500": 1}, {"as wanted": 1000}, [100, 104, 104], [False, True, True]),
        ({"200": 9}, {"as wanted": 999, "b'{': 500": 1}, [100, 104, 104], [False, True, True]),
        ({"200": 9}, {"as wanted": 1000}, [100, 120, 120], [True, False, True]),
        ({"200": 9}, {"as wanted": 100_000}, [100, 104, 120], [True, True, False]),
    ],
)
def test_a_soak(good: dict[str, int], bad: dict[str, int], memory: list[int], holds: list[bool]) -> None:
    bars = soak_bars(load(700, good), Counter(bad), [size * 10**6 for size in memory], "600 s")
    assert [bar.holds for bar in bars] == holds
