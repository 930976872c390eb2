"""Cases as data: a package of the nested module, and the line that it must print."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bazel import Bazel, Result

_LOADS = """\
load("@bazel_skylib//rules:common_settings.bzl", "bool_flag")
load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component", "lepton_pass")
load(
    "@lepton_rules//lepton_rules:defs.bzl",
    "lepton_accuracy_test",
    "lepton_artifact",
    "lepton_budgets",
    "lepton_checkpoint",
    "lepton_client",
    "lepton_cold_start_test",
    "lepton_compatibility_test",
    "lepton_dataset",
    "lepton_hardware",
    "lepton_latency_test",
    "lepton_memory_test",
    "lepton_model",
    "lepton_parity_test",
    "lepton_plugin",
    "lepton_recipe",
    "lepton_release",
    "lepton_reproducibility_test",
    "lepton_size_test",
    "lepton_throughput_test",
)
load("//rival:passes.bzl", "rival")
load("//sample:passes.bzl", "sample", SAMPLE = "DESCRIPTORS")

package(default_visibility = ["//visibility:public"])

"""


@dataclass(frozen=True)
class Case:
    """A package that must fail.

    Attributes:
      name: the package's name, below that of its group.
      build: its BUILD file, after the usual loads.
      says: the line that names the mistake; `{here}` in it stands for the package, `{number}` for any number, and
        `{path}` for any path in quotes.
      files: further files of the package.
    """

    name: str
    build: str
    says: str
    files: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Group:
    """Cases that one command builds.

    Attributes:
      name: the folder of their packages.
    """

    name: str
    cases: Sequence[Case]

    def write(self, workspace: Path) -> None:
        """Writes the packages."""
        names = [case.name for case in self.cases]
        assert len(names) == len(set(names)), "two cases have one name"
        for case in self.cases:
            folder = workspace / self.name / case.name
            folder.mkdir(parents=True)
            (folder / "BUILD.bazel").write_text(_LOADS + case.build, encoding="utf-8")
            for name, text in case.files.items():
                path = folder / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")

    def run(self, bazel: Bazel, command: str, *flags: str) -> Result:
        """Runs one command over all of them."""
        return bazel.run(command, "--keep_going", *flags, f"//{self.name}/...")

    def said(self, case: Case, result: Result) -> bool:
        """Whether a case has printed its line."""
        return any(self._pattern(case).fullmatch(line) for line in result.lepton_lines())

    def unexpected(self, result: Result) -> list[str]:
        """The lines of ours that no case expects."""
        patterns = [self._pattern(case) for case in self.cases]
        return [line for line in result.lepton_lines() if not any(pattern.fullmatch(line) for pattern in patterns)]

    def _pattern(self, case: Case) -> re.Pattern[str]:
        line = re.escape(case.says.replace("{here}", f"//{self.name}/{case.name}"))
        line = line.replace(re.escape("{number}"), r"[0-9.]+").replace(re.escape("{path}"), "'/[^']*'")
        return re.compile(line)
