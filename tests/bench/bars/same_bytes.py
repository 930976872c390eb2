"""Every action of the main job again: another output base, another hash seed, a process each. The same bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.bar import Bar, Options
from harness.bazel import TREE, Bazel

_TARGETS = "//models:all"


def _digests(bazel: Bazel) -> dict[str, str]:
    base = Path(bazel.query("info", "bazel-bin").output.strip()) / "models"
    found = {}
    for path in sorted(base.rglob("*")):
        # Launchers and flag files name the build they belong to; everything else is what actions made.
        if path.is_file() and not path.is_symlink() and path.suffix not in (".params", ".sh", ".runfiles_manifest"):
            found[str(path.relative_to(base))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def measure(options: Options) -> list[Bar]:
    """Without training, the second build takes the first one's weights from a disk cache of that action alone."""
    flags = ("--remote_download_outputs=all",)
    first = Bazel(TREE, options.folder / "base", rc=TREE / ".bazelrc", flags=flags)
    first.run("build", f"--disk_cache={options.folder}/disk", _TARGETS)
    before = _digests(first)
    first.shutdown()
    second = Bazel(TREE, options.folder / "base_second", rc=TREE / ".bazelrc", flags=flags)
    again = ["--//lepton_rules/settings:hash_seed=4711", "--strategy=LeptonRun=sandboxed"]
    second.run("build", *again, _TARGETS)
    after = _digests(second)
    second.shutdown()
    differing = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    how = f"{len(before)} files; other base, hash seed and process" + (f"; first: {differing[0]}" if differing else "")
    return [Bar("same bytes", "0 differ", len(differing), "files", bool(before) and not differing, how)]
