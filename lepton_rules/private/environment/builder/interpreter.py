"""Copies the running CPython into a directory that works wherever it is put.

What is only for development is left out: tests, IDLE, Tk, pip's bootstrap, static libraries, headers.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from lepton_rules.private.environment.builder import relocation
from lepton_rules.private.environment.builder.refusal import Refusal

# What nothing needs at run time, or what leads out of the copy, as paths relative to the standard library.
_LEFT_OUT = frozenset(
    """
    EXTERNALLY-MANAGED ctypes/test dist-packages distutils/tests ensurepip idlelib lib2to3 site-packages
    sitecustomize.py sqlite3/test test tkinter turtle.py turtledemo unittest/test usercustomize.py
    """.split()
)
_LEFT_OUT_NAMES = re.compile(
    r"__pycache__|config-\d.*|.*\.(pyc|pyo|a|o|exe)|_sysconfigdata.*\.py|"
    r"(_test|_tkinter|_ctypes_test|xxlimited|_xxtestfuzz|_xxsubinterpreters).*\.so"
)
_DEBIAN_PATH_FILE = "import os, site; site.addsitedir(os.path.join(os.path.dirname(sitedir), 'site-packages'))\n"


@dataclass(frozen=True)
class Copied:
    """The copy: its executable, its directory for packages, and its full version."""

    executable: Path
    packages: Path
    version: str


def copy_into(prefix: Path) -> Copied:
    """Copies the interpreter that runs this into `prefix`, which does not exist yet."""
    base = {"installed_base": sys.base_prefix, "base": sys.base_prefix}
    library = Path(sysconfig.get_path("stdlib", vars=base)).resolve()
    if not (library / "os.py").is_file():
        why = f"the standard library of {sys.executable} is not in {library}"
        raise Refusal("Python", why, "Name a whole CPython with LEPTON_PYTHON_<version>")
    destination = prefix / sys.platlibdir / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    _copy_library(library, destination)
    extensions = next((Path(path) for path in sys.path if Path(path).name == "lib-dynload"), None)
    if extensions is not None and not (destination / "lib-dynload").is_dir():
        # Fedora keeps extension modules under lib64 and the rest under lib.
        _copy_library(extensions, destination / "lib-dynload")
    executable = prefix / "bin" / "python3"
    executable.parent.mkdir(parents=True)
    # Not sys.executable, which may be a virtual environment's.
    shutil.copyfile(Path(getattr(sys, "_base_executable", sys.executable)).resolve(), executable)
    executable.chmod(0o755)
    relocation.make_search_paths_relative(prefix)
    relocation.write_sysconfig_data(destination)
    if "dist-packages" in (library / "site.py").read_text(encoding="utf-8"):
        # Outside a virtual environment, Debian's site module (which is frozen in) looks there alone.
        (destination / "dist-packages").mkdir()
        (destination / "dist-packages" / "site-packages.pth").write_text(_DEBIAN_PATH_FILE, encoding="utf-8")
    # Every CPython looks here, also one whose library is in lib64.
    packages = prefix / "lib" / destination.name / "site-packages"
    packages.mkdir(parents=True)
    return Copied(executable, packages, ".".join(map(str, sys.version_info[:3])))


def _copy_library(source: Path, destination: Path) -> None:
    for folder, folders, files in os.walk(source):
        relative = Path(folder).relative_to(source)
        folders[:] = sorted(name for name in folders if not _left_out(relative / name))
        for name in sorted(files):
            original = Path(folder, name)
            if not _left_out(relative / name) and original.is_file():
                target = destination / relative / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(original, target)


def _left_out(relative: Path) -> bool:
    return relative.as_posix() in _LEFT_OUT or bool(_LEFT_OUT_NAMES.fullmatch(relative.name))
