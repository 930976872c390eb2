"""A whole search in a user's module, by a Bazel of its own: the module `chip` of tests/e2e, and a recipe to search."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bazel import Bazel, Result
from module import place

_MODULE = Path(__file__).parents[1] / "e2e" / "chip"

# Four points. Without padding the network is smaller; no network has the node that two of them name.
_BUILD = """
lepton_recipe(
    name = "searched",
    passes = [
        npu.pad_channels(multiple = 16),
        onnx.optimize(),
        onnx.quantize(),
    ],
    search = [
        npu.pad_channels(multiple = [1, 16]),
        onnx.quantize(exclude = [[], ["nothing"]]),
    ],
)

lepton_artifact(
    name = "tuned",
    dataset = ":evaluation",
    hardware = "@lepton_rules//plugins/onnxruntime:cpu",
    model = ":meter",
    recipe = ":searched",
    slots = {":train": "calibration"},
)
"""

_LOCKED = """
load(":tuned.lock.bzl", "RECIPE")

lepton_artifact(
    name = "locked",
    dataset = ":evaluation",
    hardware = "@lepton_rules//plugins/onnxruntime:cpu",
    model = ":meter",
    recipe = RECIPE,
    slots = {":train": "calibration"},
)
"""

_FLAGS = (
    "run",
    "//meter:tuned.tune",
    "--",
    "--trials=4",
    "--objective=size_bytes; latency; accuracy_drop<=0.5",
    "--batch=2",
    "--pairs=10",
    "--seconds=0.5",
)


@dataclass(frozen=True)
class Search:
    """What a run of `.tune` did and found."""

    result: Result
    trials: Sequence[Mapping[str, Any]]

    @property
    def cost(self) -> dict[str, int]:
        """What it says at its end: builds, actions, measurements, and what came from caches."""
        words = r"this run: (\d+) builds, (\d+) actions run, (\d+) from caches, (\d+) measurements"
        (numbers,) = re.findall(words, self.result.output)
        return dict(zip(["builds", "actions", "cached", "measurements"], map(int, numbers), strict=True))


def _trials(state: Path) -> list[dict[str, Any]]:
    journal = state / "study.journal"
    lines = journal.read_text("utf-8").splitlines() if journal.exists() else []
    records = [json.loads(line).get("user_attr", {}).get("lepton") for line in lines]
    return [json.loads(record) for record in records if record]


def _search(bazel: Bazel, state: Path) -> Search:
    result = bazel.run(*_FLAGS, f"--state={state}")
    assert result.status == 0, result.output
    return Search(result, _trials(state))


def _servers(bazel: Bazel) -> set[str]:
    """The logs of all servers that there were, one each."""
    return {log.name for log in bazel.output_base().glob("java.log.*")}


@pytest.fixture(scope="module")
def bazel() -> Iterator[Bazel]:
    nested = Bazel(place(_MODULE, "chip"), "chip", rc=True)
    with (nested.workspace / "meter" / "BUILD.bazel").open("a", encoding="utf-8") as file:
        file.write(_BUILD)
    yield nested
    nested.shutdown()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def interrupted(bazel: Bazel, state: Path) -> tuple[int, str, int]:
    """A search that Ctrl-C ends after its first trial: its status, what it said, how many trials it knows."""
    process = bazel.start(*_FLAGS, f"--state={state}")
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.decode("utf-8", "replace"))
        if said[-1].startswith("trial 1"):
            process.send_signal(signal.SIGINT)
            break
    said.append(process.stdout.read().decode("utf-8", "replace"))
    return process.wait(60), "".join(said), len(_trials(state))


@pytest.fixture(scope="module")
def first(bazel: Bazel, state: Path, interrupted: object) -> Search:
    return _search(bazel, state)


def test_an_interrupted_search_goes_on(interrupted: tuple[int, str, int], first: Search) -> None:
    status, said, known = interrupted
    assert status == 130, said
    assert "lepton: tune: interrupted. Run it again: it goes on where it was.\n" in said
    assert 1 <= known < 4
    assert f"{known} trials are known from an earlier run" in first.result.output
    assert len(first.trials) == 4


def test_a_batch_is_one_build(interrupted: tuple[int, str, int], first: Search) -> None:
    left = 4 - interrupted[2]
    assert first.cost["builds"] == 1 + -(-left // 2), "the model and the recipe, then two trials in each"


def test_what_cannot_be_built_is_refused_by_name_and_keeps_nothing_else(first: Search) -> None:
    refused = [trial for trial in first.trials if trial["outcome"] == "refused"]
    assert len(refused) == 2
    for trial in refused:
        assert "nothing" in trial["why"]
        assert "lepton_rules_trials" not in trial["why"]
    assert sum(trial["outcome"] == "measured" for trial in first.trials) == 2


def test_the_front_is_printed_and_the_lock_is_the_best_of_it(bazel: Bazel, first: Search) -> None:
    front = first.result.output.partition("Pareto front")[2].partition("all others")[0]
    (best,) = [line for line in front.splitlines() if line.startswith("*")]
    assert "npu.pad_channels.multiple=1" in best
    lock = (bazel.workspace / "meter" / "tuned.lock.bzl").read_text("utf-8")
    assert "    npu.pad_channels(multiple = 1),\n" in lock


def test_what_is_built_from_the_lock_is_what_won(bazel: Bazel, first: Search) -> None:
    with (bazel.workspace / "meter" / "BUILD.bazel").open("a", encoding="utf-8") as file:
        file.write(_LOCKED)
    result = bazel.run("build", "//meter:locked", "//meter:tuned")
    assert result.status == 0, result.output
    digests = {}
    for name in ("locked", "tuned"):
        (path,) = (bazel.bin() / "meter" / name).glob("*_onnx.quantize/manifest.json")
        digests[name] = json.loads(path.read_text("utf-8"))["digest"]
    (winner,) = [trial for trial in first.trials if trial["outcome"] == "measured" and trial["changes"]]
    assert digests["locked"] == winner["digest"] != digests["tuned"]


def test_a_second_run_costs_only_what_is_new(bazel: Bazel, state: Path, first: Search) -> None:
    before = _servers(bazel)
    again = _search(bazel, state)
    assert again.cost == {"builds": 1, "actions": 0, "cached": 0, "measurements": 0}
    assert again.trials == first.trials
    assert "tuned.lock.bzl: as it was" in again.result.output
    assert _servers(bazel) == before, "a server with other startup options took the place of the user's"
