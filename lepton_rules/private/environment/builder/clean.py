"""Makes installed packages the same on every machine, and drops what no build action uses.

Dropped because it differs between machines or is a path: console scripts, RECORD, INSTALLER, REQUESTED,
direct_url.json, uv's own notes, `.pth` lines that name a directory outside. Dropped because it is for development:
headers, native sources, static libraries, CMake files, Windows executables, and the test suites of the packages in
`_TEST_SUITES`. BUILD and MODULE files would make a part of the tree another Bazel package.

A user adds to this with `exclude`, and takes from it with `keep`; both are globs relative to the directory of
packages. So is `files`: what it names, such as a model that comes as a package, is no part of the environment and is
moved beside it.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from lepton_rules.private.environment.builder.refusal import Refusal
from lepton_rules.private.environment.builder.tree import files_of

# Globs: `*` stays within one name, `**/` is any number of directories. One string for each reason.
_DIFFERS_BETWEEN_MACHINES = """
    *.dist-info/RECORD *.dist-info/INSTALLER *.dist-info/REQUESTED *.dist-info/direct_url.json *.dist-info/uv_*.json
    bin/** **/__pycache__/** **/*.pyc .lock
"""
_STARTS_CODE_IN_EVERY_PROCESS = "distutils-precedence.pth"
_BAZEL_TAKES_FOR_ITS_OWN = """
    **/BUILD **/BUILD.bazel **/WORKSPACE **/WORKSPACE.bazel **/MODULE.bazel **/REPO.bazel
"""
_FOR_COMPILING_AGAINST = """
    include/** torch/include/** torch/share/cmake/** share/man/** share/doc/**
    **/*.a **/*.h **/*.hpp **/*.cuh **/*.cmake **/*.lib **/*.pxd **/*.pyx
    numpy/**/*.c numpy/**/*.f numpy/**/*.f90 numpy/**/*.pyf onnx/**/*.cc setuptools/*.exe
"""
# torch_shm_manager, beside torch's test programs, stays.
_TESTS = """
    torch/bin/*Test torch/bin/test_* torch/bin/protoc* torch/bin/*.ptl torch/bin/upgrader_models/** torch/test/**
    onnx/backend/test/** onnx/test/** numpy/**/tests/** scipy/**/tests/** sklearn/**/tests/** sympy/**/tests/**
    networkx/**/tests/** mpmath/tests/** joblib/test/** pandas/tests/** jsonschema/tests/**
    jsonschema_specifications/tests/** setuptools/tests/** setuptools/_distutils/tests/** referencing/tests/**
"""
DROPPED: tuple[str, ...] = (
    *_DIFFERS_BETWEEN_MACHINES.split(),
    *_STARTS_CODE_IN_EVERY_PROCESS.split(),
    *_BAZEL_TAKES_FOR_ITS_OWN.split(),
    *_FOR_COMPILING_AGAINST.split(),
    *_TESTS.split(),
)


def clean(packages: Path, exclude: Sequence[str], keep: Sequence[str]) -> None:
    """Drops files of the directory `packages` as the module says, then empty directories; mends `.pth` files and
    permissions.
    """
    dropped = pattern((*DROPPED, *exclude))
    kept = pattern(keep)
    for file in files_of(packages):
        name = file.relative_to(packages).as_posix()
        if dropped.fullmatch(name) and not kept.fullmatch(name):
            file.unlink()
        elif "/" not in name and name.endswith(".pth"):
            _mend_path_file(file)
    _drop_empty_directories(packages)


def take_out(packages: Path, globs: Sequence[str], output: Path) -> None:
    """Moves the files of the directory `packages` that match one of `globs` to `output`, under the same names.

    Raises:
      Refusal: a glob matches nothing.
    """
    bazels = pattern(_BAZEL_TAKES_FOR_ITS_OWN.split())
    for glob in globs:
        wanted = pattern([glob])
        names = [file.relative_to(packages) for file in files_of(packages)]
        chosen = [n for n in names if wanted.fullmatch(n.as_posix()) and not bazels.fullmatch(n.as_posix())]
        if not chosen:
            fix = "Correct it: it is relative to the directory of packages"
            raise Refusal(f"files {glob!r}", "no package of the lock has such a file", fix)
        for name in chosen:
            (output / name).parent.mkdir(parents=True, exist_ok=True)
            (packages / name).replace(output / name)
    _drop_empty_directories(packages)


def normalise_permissions(prefix: Path) -> None:
    """0755 for what anyone may execute, 0644 for other files, 0755 for directories.

    A file that uv's cache shares is replaced by a copy first, so that the cache keeps its own permissions.
    """
    for file in files_of(prefix):
        status = file.lstat()
        wanted = 0o755 if status.st_mode & 0o111 else 0o644
        if stat.S_IMODE(status.st_mode) != wanted:
            if status.st_nlink > 1:
                copy = file.with_name(file.name + ".copy")
                shutil.copyfile(file, copy)
                copy.replace(file)
            file.chmod(wanted)
    for folder, _, _ in os.walk(prefix):
        Path(folder).chmod(0o755)


def _mend_path_file(file: Path) -> None:
    """Drops lines that name an absolute path; the whole file where nothing else is in it."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    good = [line for line in lines if line.strip() and not line.startswith(("/", "#"))]
    if good == lines:
        return
    file.unlink()
    if good:
        file.write_text("".join(f"{line}\n" for line in good), encoding="utf-8")


def _drop_empty_directories(folder: Path) -> None:
    for parent in (Path(name) for name, _, _ in os.walk(folder, topdown=False)):
        if parent != folder and not any(parent.iterdir()):
            parent.rmdir()


def pattern(globs: Iterable[str]) -> re.Pattern[str]:
    """One expression that matches what any of `globs` does; one that matches nothing for no globs."""
    return re.compile("|".join(f"(?:{translate(glob)})" for glob in globs) or r"(?!)")


def translate(glob: str) -> str:
    """A regular expression for a glob with `*`, `?` and `**`."""
    out = ""
    position = 0
    while position < len(glob):
        if glob.startswith("**/", position):
            out += "(?:.*/)?"
            position += 3
        elif glob.startswith("**", position):
            out += ".*"
            position += 2
        elif glob[position] == "*":
            out += "[^/]*"
            position += 1
        elif glob[position] == "?":
            out += "[^/]"
            position += 1
        else:
            out += re.escape(glob[position])
            position += 1
    return out
