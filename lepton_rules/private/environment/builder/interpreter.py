"""Copies the running CPython into a directory that works wherever it is put.

CPython finds its library relative to its executable, so a copy is relocatable once two things are mended: the search path of a shared
libpython, and the build machine's paths in sysconfig's data. What is only for development is left out: tests, IDLE, Tk, pip's
bootstrap, static libraries, headers.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lepton_rules.private.environment.builder import elf
from lepton_rules.private.environment.builder.refusal import Refusal

# Directories and files of the standard library that nothing needs at run time, as paths relative to it.
_LEFT_OUT = {
    "EXTERNALLY-MANAGED", "__pycache__", "ctypes/test", "dist-packages", "distutils/tests", "ensurepip", "idlelib", "lib2to3",
    "site-packages", "sitecustomize.py", "sqlite3/test", "test", "tkinter", "turtle.py", "turtledemo", "unittest/test",
    "usercustomize.py",
}  # fmt: skip
_LEFT_OUT_NAMES = re.compile(
    r"config-\d.*|.*\.(pyc|pyo|a|o|exe)|_sysconfigdata.*\.py|lib-dynload/(_test|_tkinter|_ctypes_test|xxlimited|_xxtestfuzz|_xxsubinterpreters).*\.so"
)
# Where sysconfig's data says Python was installed, instead of a directory of the machine that made the copy.
_PLACEHOLDER = "/lepton/python"
_SYSTEM_PREFIXES = ("/", "/usr")


@dataclass(frozen=True)
class Copied:
    """The copy: its executable, the directory for packages, and the interpreter's full version."""

    executable: Path
    packages: Path
    version: str


def copy_into(prefix: Path) -> Copied:
    """Copies the interpreter that runs this into `prefix`, which does not exist yet."""
    base = Path(sys.base_prefix).resolve()
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix, "base": sys.base_prefix})).resolve()
    if not (library / "os.py").is_file():
        raise Refusal("Python", f"the standard library of {sys.executable} is not in {library}", "Install a whole CPython of that version")
    destination = prefix / sys.platlibdir / name
    _copy_library(library, destination)
    extensions = destination / "lib-dynload"
    if not extensions.is_dir():
        # Fedora keeps extension modules under lib64 and the rest under lib.
        original = Path(importlib.util.find_spec("_ssl").origin or "").parent if importlib.util.find_spec("_ssl") else None
        if original and original.name == "lib-dynload":
            _copy_library(original, extensions, prefix_name="lib-dynload/")
    executable = prefix / "bin" / "python3"
    executable.parent.mkdir(parents=True)
    shutil.copyfile(Path(getattr(sys, "_base_executable", sys.executable)).resolve(), executable)
    executable.chmod(0o755)
    if sys.platform == "linux":
        _mend_search_paths(prefix, base)
    _write_sysconfig(destination, base)
    # Debian's site module knows no site-packages outside a virtual environment.
    debian = "dist-packages" in (library / "site.py").read_text(encoding="utf-8")
    packages = destination / ("dist-packages" if debian else "site-packages")
    packages.mkdir()
    return Copied(executable, packages, ".".join(map(str, sys.version_info[:3])))


def _copy_library(source: Path, destination: Path, prefix_name: str = "") -> None:
    for folder, folders, files in os.walk(source, followlinks=False):
        relative = Path(folder).relative_to(source)
        folders[:] = sorted(name for name in folders if not _left_out(prefix_name + (relative / name).as_posix(), name))
        for name in sorted(files):
            if _left_out(prefix_name + (relative / name).as_posix(), name):
                continue
            target = destination / relative / name
            target.parent.mkdir(parents=True, exist_ok=True)
            original = Path(folder) / name
            if original.is_file():
                shutil.copyfile(original, target)


def _left_out(relative: str, name: str) -> bool:
    return relative in _LEFT_OUT or name == "__pycache__" or bool(_LEFT_OUT_NAMES.fullmatch(name) or _LEFT_OUT_NAMES.fullmatch(relative))


def _mend_search_paths(prefix: Path, base: Path) -> None:
    """Copies the shared libraries that the interpreter brings itself, and makes every search path to them relative."""
    libraries = prefix / "lib"
    pending = list(_binaries(prefix))
    done: set[Path] = set()
    while pending:
        file = pending.pop()
        if file in done:
            continue
        done.add(file)
        data = file.read_bytes()
        dynamic = elf.read(data)
        if dynamic is None:
            continue
        ours = False
        for needed in dynamic.needed:
            original = _own_library(needed, base)
            if original is None:
                continue
            ours = True
            copy = libraries / needed
            if not copy.exists():
                libraries.mkdir(exist_ok=True)
                shutil.copyfile(original, copy)
                pending.append(copy)
        relative = os.path.relpath(libraries, file.parent)
        wanted = "$ORIGIN" if relative == "." else f"$ORIGIN/{relative}"
        absolute = [path for path in dynamic.search_path.split(":") if path and not path.startswith("$ORIGIN")]
        inside = [path for path in absolute if base == Path(path).resolve() or base in Path(path).resolve().parents]
        if not (ours or inside) or (dynamic.search_path and not absolute):
            continue
        mended = elf.with_search_path(data, dynamic, wanted)
        if mended is not None:
            file.write_bytes(mended)
        elif ours:
            raise Refusal(
                "Python",
                f"{sys.executable} needs {', '.join(dynamic.needed)} and its search path ({dynamic.search_path or 'none'}) has no room for a relative one",
                "Use a CPython that is linked statically or has a relative search path, as Debian's, pyenv's and uv's are",
            )


def _binaries(prefix: Path) -> Iterator[Path]:
    for file in sorted(prefix.rglob("*")):
        if file.is_file() and elf.is_elf(file):
            yield file


def _own_library(name: str, base: Path) -> Path | None:
    """The library `name` where the interpreter brings it itself: libpython, and anything in the prefix of one not the system's."""
    folders = [base / "lib"] if str(base) not in _SYSTEM_PREFIXES else []
    if name.startswith("libpython"):
        folders += [Path(str(sysconfig.get_config_var("LIBDIR") or base / "lib")), base / "lib", base / "lib64"]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _write_sysconfig(library: Path, base: Path) -> None:
    """sysconfig's data without paths of the machine where Python was built or installed.

    A variable that names such a path is emptied, one below the prefix says where it would be below a made-up one. What sysconfig
    computes when it is asked (prefix, paths) does not come from here.
    """
    module = getattr(sysconfig, "_get_sysconfigdata_name")()
    values = dict(__import__(module).build_time_vars)
    cleaned = {key: _clean(value, base) for key, value in sorted(values.items())}
    lines = "".join(f"    {key!r}: {value!r},\n" for key, value in cleaned.items())
    text = f'"""Build-time variables of this Python, without paths of the machine it was built on."""\n\nbuild_time_vars = {{\n{lines}}}\n'
    (library / f"{module}.py").write_text(text, encoding="utf-8")


def _clean(value: object, base: Path) -> object:
    if not isinstance(value, str):
        return value
    if str(base) not in _SYSTEM_PREFIXES:
        value = value.replace(str(base), _PLACEHOLDER)
    foreign = re.search(r"(^|[\s=:,'\"]|-[IL])/(?!lepton/python|usr/|bin/|lib)", value)
    return "" if foreign else value
