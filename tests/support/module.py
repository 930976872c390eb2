"""The workspace of a nested Bazel: a copy of a module, which a test may edit as it likes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from bazel import output_root, source_tree


def place(module: Path, name: str) -> Path:
    """Copies a module to a folder that stays the same from run to run, so that Bazel's outputs stay warm.

    Args:
      module: the nested module, as its test has it among its runfiles: what the test does not declare is not there.
      name: the nested Bazel's name.

    Returns:
      The folder. Its MODULE.bazel takes lepton_rules from the real source tree.
    """
    workspace = output_root() / f"{name}_workspace"
    shutil.rmtree(workspace, ignore_errors=True)
    # The files of a runfiles tree are links, and a test that edits one must not edit the source.
    shutil.copytree(module, workspace, ignore=shutil.ignore_patterns("bazel-*"))
    for path in workspace.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    declaration = workspace / "MODULE.bazel"
    text, found = re.subn(r'(?m)^(    path = ").*(",)$', rf"\g<1>{source_tree()}\g<2>", declaration.read_text("utf-8"))
    assert found == 1, f"{declaration} has {found} lines `path = …`, and one is expected: that of lepton_rules"
    declaration.write_text(text, "utf-8")
    return workspace
