"""A plugin that does what it must not fails in one clear line, leaves nothing, and spoils nothing for others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bazel import Bazel, Result
from builds import BUILDS
from case import Case
from deeds import DEEDS, NOT_PREVENTED, deed

_TIMEOUT = "--@lepton_rules//lepton_rules/settings:timeout_s=5"
_GOOD = ["//good/...", "//good_deeds/..."]

# How Bazel runs an action: its own defaults, in whose workers an action sees the whole tree; as our .bazelrc has it;
# and where there are no workers.
_MODES = {
    "defaults": [],
    "sandboxed": ["--worker_sandboxing", "--experimental_worker_sandbox_hardening"],
    "one_shot": ["--spawn_strategy=linux-sandbox"],
}


@dataclass
class Run:
    """One run of every deed: what good targets were before and after, and what was left of the bad ones."""

    result: Result
    before: dict[str, str]
    after: dict[str, str]
    left: list[str]


def digests(root: Path) -> dict[str, str]:
    """The digest of each file below a folder."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.suffix != ".params"
    }


@pytest.fixture(scope="module", params=_MODES)
def run(request: pytest.FixtureRequest, bazel: Bazel) -> Iterator[Run]:
    if not (bazel.workspace / "deeds").exists():
        DEEDS.write(bazel.workspace)
        good = bazel.workspace / "good_deeds"
        good.mkdir()
        loads = 'load("@lepton_rules//lepton_rules:defs.bzl", "lepton_artifact", "lepton_recipe")\n'
        (good / "BUILD.bazel").write_text(
            f'{loads}load("//sample:passes.bzl", "sample")\n{deed("print_everywhere")}', encoding="utf-8"
        )
    flags = [_TIMEOUT, *_MODES[request.param]]

    def good_digests() -> dict[str, str]:
        assert bazel.run("build", *flags, *_GOOD).status == 0
        return {
            f"{folder} {name}": digest
            for folder in ("good", "good_deeds")
            for name, digest in digests(bin_ / folder).items()
        }

    bin_ = bazel.bin()
    before = good_digests()
    result = DEEDS.run(bazel, "build", *flags)
    # recipe.yaml is written by Bazel itself: what no deed can touch.
    left = [path for path in sorted(digests(bin_ / "deeds")) if not path.endswith("/recipe.yaml")] + [
        path.name for path in (bin_ / "deeds").rglob(".lepton-*")
    ]
    yield Run(result, before, good_digests(), left)


@pytest.mark.parametrize("case", DEEDS.cases, ids=str)
def test_deed_is_named(case: Case, run: Run) -> None:
    assert DEEDS.said(case, run.result), run.result.lepton_lines()


def test_every_deed_can_be_prevented_here() -> None:
    if NOT_PREVENTED:
        pytest.skip("; ".join(f"{name}: {why}" for name, why in NOT_PREVENTED.items()))


def test_deeds_leave_nothing(run: Run) -> None:
    assert DEEDS.unexpected(run.result) == []
    assert run.result.status == 1
    assert run.left == []


def test_deeds_spoil_nothing(run: Run) -> None:
    assert run.before
    assert run.after == run.before


@pytest.fixture(scope="module")
def builds(bazel: Bazel) -> Result:
    BUILDS.write(bazel.workspace)
    return BUILDS.run(bazel, "build")


@pytest.mark.parametrize("case", BUILDS.cases, ids=str)
def test_mistake_is_named_by_its_action(case: Case, builds: Result) -> None:
    assert BUILDS.said(case, builds), builds.lepton_lines()


def test_nothing_else_is_said(builds: Result) -> None:
    assert BUILDS.unexpected(builds) == []
    assert builds.status == 1


def test_an_action_refuses_a_machine_it_was_not_planned_for(bazel: Bazel) -> None:
    isa = "--@lepton_rules//lepton_rules/settings:isa=aarch64_i8mm"
    result = bazel.run("build", isa, "//good:hello")
    assert result.status == 1
    (line,) = result.lepton_lines()
    assert line.startswith(
        "lepton: importer sample.text (plugin sample) in //good:hello: this machine's instruction set is "
    )
    assert line.endswith(" Run it on a machine of class aarch64_i8mm, or plan it on this one.")
