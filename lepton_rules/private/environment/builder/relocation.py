"""What ties a copied CPython to the place where it was built or installed, and how the copy is freed of it.

CPython finds its library relative to its executable. Two things remain: the search path of shared libraries that it
brings itself, and the build machine's paths in sysconfig's data.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path

from lepton_rules.private.environment.builder import elf
from lepton_rules.private.environment.builder.refusal import Refusal
from lepton_rules.private.environment.builder.tree import files_of

# Where sysconfig's data says Python was installed, instead of a directory of the machine that made the copy.
_PLACEHOLDER = "/lepton/python"
_SYSTEM_PREFIXES = ("/", "/usr")


def make_search_paths_relative(prefix: Path) -> None:
    """Copies the shared libraries that the running interpreter brings itself into its copy at `prefix`, and makes every
    search path to them relative.
    """
    libraries = prefix / "lib"
    pending = [file for file in files_of(prefix) if elf.is_elf(file)]
    while pending:
        file = pending.pop()
        data = file.read_bytes()
        dynamic = elf.read(data)
        if dynamic is None:
            continue
        brought = {name: library for name in dynamic.needed if (library := _own_library(name)) is not None}
        for name, library in brought.items():
            copy = libraries / name
            if not copy.exists():
                libraries.mkdir(exist_ok=True)
                shutil.copyfile(library, copy)
                pending.append(copy)
        paths = [Path(path) for path in dynamic.search_path.split(":") if path]
        relative_already = any(path.parts[0] == "$ORIGIN" for path in paths)
        inside = any(own in (path, *path.parents) for path in paths for own in _own_prefixes())
        if relative_already or not (brought or inside):
            continue
        relative = os.path.relpath(libraries, file.parent)
        mended = elf.with_search_path(data, dynamic, "$ORIGIN" if relative == "." else f"$ORIGIN/{relative}")
        if mended is not None:
            file.write_bytes(mended)
        elif brought:
            raise Refusal(
                "Python",
                f"{sys.executable} needs {', '.join(sorted(brought))}, and {file.name} has no room for a path to it",
                "Name another CPython with LEPTON_PYTHON_<version>, as Debian's, pyenv's or uv's",
            )


def write_sysconfig_data(library: Path) -> None:
    """Writes sysconfig's data of the running interpreter into the copied standard library, without the machine's paths.

    A variable that names such a path is emptied, one below the prefix says where it would be below a made-up one.
    What sysconfig computes when it is asked (prefix, paths) does not come from here.
    """
    cleaned = {key: _clean(value) for key, value in sorted(_build_time_variables().items())}
    text = '"""Build-time variables of this Python, without paths of the machine it was built on."""\n\n'
    text += "build_time_vars = {\n" + "".join(f"    {key!r}: {value!r},\n" for key, value in cleaned.items()) + "}\n"
    (library / f"{_sysconfig_module()}.py").write_text(text, encoding="utf-8")


def _clean(value: object) -> object:
    if not isinstance(value, str):
        return value
    for path in _own_prefixes():
        value = value.replace(str(path), _PLACEHOLDER)
    foreign = re.search(r"(^|[\s=:,'\"]|-[IL])/(?!lepton/python|usr/|bin/|lib)", value)
    return "" if foreign else value


@functools.cache
def _own_prefixes() -> tuple[Path, ...]:
    """Where the interpreter is, and where it was built to be: one that was moved still names the latter."""
    found = (Path(sys.base_prefix).resolve(), Path(str(_build_time_variables().get("prefix") or "/")))
    return tuple(dict.fromkeys(path for path in found if str(path) not in _SYSTEM_PREFIXES))


@functools.cache
def _own_library(name: str) -> Path | None:
    """The library `name` where the interpreter brings it: libpython, and any in a prefix that is not the system's."""
    folders = [path / "lib" for path in _own_prefixes()]
    if name.startswith("libpython"):
        base = Path(sys.base_prefix)
        folders += [base / "lib", base / "lib64", Path(str(sysconfig.get_config_var("LIBDIR") or base / "lib"))]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


@functools.cache
def _build_time_variables() -> dict[str, object]:
    return dict(importlib.import_module(_sysconfig_module()).build_time_vars)


def _sysconfig_module() -> str:
    return str(sysconfig._get_sysconfigdata_name())  # type: ignore[attr-defined]
