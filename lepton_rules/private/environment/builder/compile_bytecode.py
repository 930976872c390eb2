"""Compiles a tree's Python files to bytecode that is the same on every machine. Run by the tree's own interpreter,
with hash seed 0.

marshal writes a reference where an object has more than one owner, so the bytes of a file depend on what its process
compiled before. So each unit (a package, or a part of a large one) is compiled in sorted order by one process of its
own, forked from the same state: the bytes depend on the unit and the interpreter alone, not on the number of cores or
on the other packages of the environment.

The path in the bytecode is relative to the tree (importing mends it), and it is never checked against its source.
"""

from __future__ import annotations

import contextlib
import os
import py_compile
import sys
import traceback
import warnings
from pathlib import Path

# How many parts of a path make a unit: a package of the standard library, and a subpackage of an installed one.
_LIBRARY_PARTS = 3
_PACKAGES_PARTS = 5


def units(root: Path) -> list[tuple[str, list[str]]]:
    """Every Python file of the tree at `root`, relative to it, by unit; both sorted."""
    found: dict[str, list[str]] = {}
    for folder, _, names in os.walk(root):
        relative = Path(folder).relative_to(root)
        installed = relative.parts[2:3] == ("site-packages",)
        unit = "/".join(relative.parts[: _PACKAGES_PARTS if installed else _LIBRARY_PARTS])
        found.setdefault(unit, []).extend((relative / name).as_posix() for name in names if name.endswith(".py"))
    return sorted((unit, sorted(files)) for unit, files in found.items() if files)


def compile_unit(root: Path, files: list[str]) -> None:
    """Compiles `files`. One that is no valid Python (a template, Python 2) is left without bytecode."""
    for file in files:
        with contextlib.suppress(py_compile.PyCompileError, ValueError, RecursionError):
            py_compile.compile(
                str(root / file),
                dfile=file,
                doraise=True,
                quiet=2,
                optimize=0,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )


def main(root: Path, processes: int) -> int:
    """Compiles everything; the number of units that failed."""
    warnings.simplefilter("ignore")
    # The largest first, so that no core idles at the end; the order changes no byte.
    waiting = sorted(units(root), key=lambda unit: (len(unit[1]), unit[0]))
    running: set[int] = set()
    failed = 0
    while waiting or running:
        while waiting and len(running) < processes:
            _, files = waiting.pop()
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    compile_unit(root, files)
                    status = 0
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(status)
            running.add(child)
        child, status = os.wait()
        running.discard(child)
        failed += status != 0
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(Path(sys.argv[1]), int(sys.argv[2])) else 0)
