"""The runnable `<artifact>.reproduce`: everything again from nothing, in another output base, by a Bazel of its own.

    bazel run //models:x.reproduce -- [--output_base=DIR] [--keep] [Bazel's flags of build, such as --config=ci]

No cache answers, training included; the hash seed is another, and each action is a process of its own. What came out is
compared with what the workspace's own build made, for every step. Prints a table; the exit status is 0 when all is the
same.
"""

from __future__ import annotations

import argparse
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import digest_directory, read
from lepton_rules.measure.reproducibility_test import differences
from lepton_rules.measure.table import table
from lepton_rules.plugin.errors import LeptonError

_SEED = 4711
_FROM_NOTHING = ("--disk_cache=", "--remote_cache=", "--remote_executor=", "--strategy=LeptonRun=sandboxed")


def main(words: list[str]) -> int:
    """Builds, compares and prints."""
    parser = argparse.ArgumentParser(prog="reproduce", allow_abbrev=False, description=__doc__)
    parser.add_argument("--label", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--target", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--seed_flag", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--step", action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--output_base", type=Path, help="where the other build goes; by default a new folder")
    parser.add_argument("--keep", action="store_true", help="leave the other build where it is")
    arguments, flags = parser.parse_known_args(words)
    base = arguments.output_base or _new_base()
    try:
        return _reproduce(arguments, base, flags)
    except LeptonError as error:
        print(error.with_label(arguments.label))
        return 1
    finally:
        if not arguments.keep:
            _remove(base)


def _reproduce(arguments: argparse.Namespace, base: Path, flags: list[str]) -> int:
    bazel = _Bazel(base)
    same = [f"--{arguments.seed_flag}={_SEED}", *_FROM_NOTHING, "--experimental_convenience_symlinks=ignore", *flags]
    try:
        bazel.run("build", [*same, "--output_groups=+manifests", arguments.target], show=True)
        folder = Path(bazel.run("info", [*same, "bazel-bin"]).strip())
        rows, differing = [], 0
        for spec in arguments.step:
            name, place, first = spec.split("=", 2)
            count, different = differences(Path(first), folder / place)
            rows.append([name, str(count), ", ".join(different) or "the same"])
            differing += len(different)
        _, built = digest_directory((folder / place).parent / "model")
    finally:
        bazel.run("shutdown", [], check=False)
    print(f"{arguments.label}, again in {base}")
    print(table(["step", "files", "bytes"], rows, right=(1,)))
    manifest = read(Path(first))
    # Not only what the other build's manifest says of its files: the files.
    differing += built != manifest["digest"]
    if differing:
        raise LeptonError(
            "reproduce",
            f"{differing} files differ from those of this workspace's own build",
            "Seed every generator, sort every set, and leave out times and paths in the first step that differs",
        )
    print(f"digest {manifest['digest']}")
    return 0


class _Bazel:
    """The Bazel of the workspace, on another output base."""

    def __init__(self, base: Path) -> None:
        self._workspace = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ""))
        if not self._workspace.is_absolute():
            raise LeptonError("reproduce", "it was not started by Bazel", "Start it with `bazel run`")
        own = self._workspace / "bazelw"
        self._program = os.environ.get("LEPTON_BAZEL") or (str(own) if own.exists() else shutil.which("bazel"))
        if not self._program:
            raise LeptonError("reproduce", "there is no bazel on PATH", "Set LEPTON_BAZEL to its path")
        self._base = base

    def run(self, command: str, arguments: list[str], show: bool = False, check: bool = True) -> str:
        """One command; what it printed, unless that was shown."""
        done = subprocess.run(
            [str(self._program), f"--output_base={self._base}", command, *arguments],
            cwd=self._workspace,
            stdout=None if show else subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            text=True,
            check=False,
        )
        if check and done.returncode:
            said = (done.stderr or "").strip().splitlines()
            why = f"bazel {command} exited with {done.returncode}{': ' + said[-1] if said else ''}"
            raise LeptonError("reproduce", why, "Read what it printed above")
        return done.stdout or ""


def _new_base() -> Path:
    """A new folder outside of /tmp, which sandboxes hide."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lepton_rules" / "reproduce"
    cache.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=cache))


def _remove(base: Path) -> None:
    """Removes an output base, in which much is read-only."""
    for folder, _, _ in os.walk(base):
        Path(folder).chmod(Path(folder).stat().st_mode | stat.S_IRWXU)
    shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
