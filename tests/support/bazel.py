"""Bazel inside a test: another module, an output base of its own, one server that ends with the test.

The tests that use it are not sandboxed (see bazel_test.bzl): a nested Bazel needs the real source tree.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


def source_tree() -> Path:
    """The root of the real source tree, found through the links of the runfiles."""
    return (Path(__file__).resolve().parents[2] / "MODULE.bazel").resolve().parent


def _program() -> str:
    """The Bazel that runs this test, or the one that bazelw finds."""
    return os.environ.get("LEPTON_BAZEL") or str(source_tree() / "bazelw")


def output_root() -> Path:
    """A folder beside the outer Bazel's own outputs, so that `bazel clean --expunge` removes it; never in /tmp, which
    a sandbox hides."""
    temporary = Path(os.environ["TEST_TMPDIR"]).resolve()
    for parent in temporary.parents:
        if parent.name == "execroot":
            return parent.parent / "lepton_tests"
    return temporary


# How the variables begin that tell the outer test where to write. A nested test must not hear of them.
_OUTER = tuple("TEST_ RUNFILES XML_OUTPUT PYTHON JAVA_RUNFILES BAZEL_TEST TESTBRIDGE GTEST COVERAGE".split())


@dataclass
class Result:
    """How a nested Bazel ended."""

    status: int
    output: str

    def lepton_lines(self) -> list[str]:
        """The error messages of ours: what follows `lepton: `, after whatever Bazel puts before it."""
        found = []
        for line in self.output.splitlines():
            before, marker, rest = line.partition("lepton: ")
            # A traceback shows the line of source that fails.
            if marker and not before.endswith('"'):
                found.append(marker + rest)
        return found

    def statuses(self) -> dict[str, str]:
        """What became of each test, by label: PASSED, FAILED, SKIPPED, NO, …"""
        found = {}
        for line in self.output.splitlines():
            label, *words = line.replace("(cached)", "").split() or [""]
            if label.startswith("//") and words and words[0].isupper():
                found[label] = words[0]
        return found


@dataclass
class Bazel:
    """A nested Bazel.

    Args:
      workspace: the folder with the MODULE.bazel; Bazel runs there.
      name: names the output root, which outlives the test, so that a second run is warm.
      rc: whether the workspace's own .bazelrc is read.
      flags: flags of every build, test, query and so on.
    """

    workspace: Path
    name: str
    rc: bool = False
    flags: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self, command: str, *arguments: str, timeout: float = 600, environment: Mapping[str, str] | None = None
    ) -> Result:
        """Runs one command to its end, with standard output and standard error together in `output`."""
        process = subprocess.run(
            self.command(command, *arguments),
            cwd=self.workspace,
            env=self._environment(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        return Result(process.returncode, process.stdout.decode("utf-8", "replace"))

    def output(self, command: str, *arguments: str) -> str:
        """Standard output alone of a command that must succeed, for what prints data."""
        process = subprocess.run(
            self.command(command, *arguments),
            cwd=self.workspace,
            env=self._environment({}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr.decode("utf-8", "replace")
        return process.stdout.decode("utf-8")

    def start(
        self, command: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts one command, for tests that interrupt it."""
        return subprocess.Popen(
            self.command(command, *arguments),
            cwd=self.workspace,
            env=self._environment(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def command(self, command: str, *arguments: str) -> list[str]:
        """The command line."""
        # The JVM's first compiler alone, as in our .bazelrc: these servers live for seconds.
        startup = [
            f"--output_user_root={output_root() / self.name}",
            "--max_idle_secs=60",
            "--host_jvm_args=-Xmx1g",
            "--host_jvm_args=-XX:TieredStopAtLevel=1",
        ]
        if not self.rc:
            startup.append("--noworkspace_rc")
        flags = (
            []
            if command in ("shutdown", "version")
            else ["--color=no", "--curses=no", "--lockfile_mode=off", *self.flags]
        )
        if command not in ("fetch", "mod", "query", "shutdown", "version"):
            flags.append("--experimental_convenience_symlinks=ignore")
        return [_program(), *startup, command, *flags, *arguments]

    def output_base(self) -> Path:
        """The output base."""
        return Path(self.run("info", "output_base").output.strip().splitlines()[-1])

    def bin(self) -> Path:
        """bazel-bin, without the link."""
        return Path(self.run("info", "bazel-bin").output.strip().splitlines()[-1])

    def testlogs(self) -> Path:
        """bazel-testlogs, without the link."""
        return Path(self.run("info", "bazel-testlogs").output.strip().splitlines()[-1])

    def environments(self) -> set[str]:
        """The Python environments that the output base holds, by the names that modules give them."""
        folders = (self.output_base() / "external").iterdir()
        made = {folder.name.rpartition("~")[2].rpartition("+")[2] for folder in folders if (folder / "prefix").exists()}
        return made - {"lepton_rules_host"}

    def shutdown(self) -> None:
        """Ends the server."""
        self.run("shutdown")

    def forget(self) -> None:
        """Removes every output, for tests that start from nothing."""
        self.shutdown()
        root = output_root() / self.name
        subprocess.run(["chmod", "-R", "u+w", str(root)], check=False)
        shutil.rmtree(root, ignore_errors=True)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(_OUTER)
            and key not in ("RUN_UNDER_RUNFILES", "BUILD_WORKSPACE_DIRECTORY", "OMP_NUM_THREADS")
        }
        kept.setdefault("HOME", pwd.getpwuid(os.getuid()).pw_dir)
        return {**kept, **self.environment, **more}
