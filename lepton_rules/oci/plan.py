"""From what a packager planned for a layer, and the sources that it names, to the layer's files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lepton_rules.oci.bytecode import bytecode_path, compile_source
from lepton_rules.oci.tar import Member
from lepton_rules.plugin.errors import LeptonError


def tree_of(path: Path) -> dict[str, Path]:
    """Returns the files of a directory by relative path, or a file alone by an empty one. Links are followed.

    Raises:
        LeptonError: it is not there, or holds a device, a pipe, or a link to a directory or to nothing.
    """
    if not path.is_dir():
        _check_file(path)
        return {"": path}
    found = {}
    for folder, directories, names in os.walk(path):
        for name in directories:
            if Path(folder, name).is_symlink():
                raise LeptonError(
                    f"directory {path.name}",
                    f"{Path(folder, name).relative_to(path)} is a link to a directory",
                    "Put the directory itself there",
                )
        for name in names:
            file = Path(folder, name)
            _check_file(file)
            found[file.relative_to(path).as_posix()] = file
    return found


def below_roots(files: Sequence[Path], roots: Sequence[Path]) -> dict[str, Path]:
    """Returns files by their path below the deepest of `roots` that they are in.

    Raises:
        LeptonError: a file is in none, or two have one path.
    """
    found: dict[str, Path] = {}
    for file in files:
        above = [root for root in roots if file.is_relative_to(root)]
        if not above:
            raise LeptonError(
                f"source {file.name}", "it is below no directory that Python imports from", "Mend the plugin's imports"
            )
        relative = file.relative_to(max(above, key=lambda root: len(root.parts))).as_posix()
        if found.setdefault(relative, file) != file:
            raise LeptonError(f"source {relative}", f"both {file} and {found[relative]} are it", "Remove one of them")
    return found


def members(plan: Mapping[str, Any], sources: Mapping[str, Mapping[str, Path]]) -> Iterator[Member]:
    """Yields the files of a layer.

    Args:
        plan: as `lepton_rules.plugin.packages.layer_to_json` gives it.
        sources: for each source its files by relative path; a single file by an empty one.

    Raises:
        LeptonError: the plan names what is not there.
    """
    for entry in plan["entries"]:
        path, mode = entry["path"].lstrip("/"), 0o755 if entry["executable"] else 0o644
        if "content" in entry:
            yield Member(path=path, content=entry["content"].encode(), mode=mode)
            continue
        name, _, below = entry["source"].partition("/")
        files = sources.get(name, {})
        if below in files:
            yield from _file(path, files[below], mode, plan["bytecode"])
            continue
        prefix = f"{below}/" if below else ""
        chosen = {key.removeprefix(prefix): file for key, file in files.items() if key.startswith(prefix)}
        if not chosen:
            raise LeptonError(
                f"layer {plan['name']}",
                f"/{path} comes from {entry['source']!r}, and there is no such file",
                "Mend the packager, or give the target what it packs",
            )
        for relative, file in chosen.items():
            yield from _file(f"{path}/{relative}", file, mode, plan["bytecode"])


def _file(path: str, file: Path, mode: int, bytecode: bool) -> Iterator[Member]:
    yield Member(path=path, source=file, mode=mode)
    if bytecode and path.endswith(".py"):
        compiled = compile_source(file.read_bytes(), f"/{path}")
        if compiled is not None:
            yield Member(path=bytecode_path(path), content=compiled)


def _check_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise LeptonError(f"file {path.name}", f"it cannot be read: {error.strerror}", "Build what makes it") from error
    if not stat.S_ISREG(mode):
        raise LeptonError(f"file {path.name}", "it is no plain file", "Put a plain file there")
