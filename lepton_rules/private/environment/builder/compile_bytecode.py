"""Compiles a tree's Python files to bytecode that is the same on every machine. Run by the tree's own interpreter, with hash seed 0.

marshal writes a reference where an object has more than one owner, so the bytes of a file depend on what its process compiled before.
So each unit (a package, or a part of a large one) is compiled in sorted order by one process of its own, forked from the same state:
the bytes depend on the unit and the interpreter alone, not on the number of cores or on the other packages of the environment.

The path in the bytecode is relative to the tree (importing mends it), and it is never checked against its source.
"""

from __future__ import annotations

import os
import py_compile
import sys
import traceback
import warnings

# Parts of a path that make a unit. Below the library directory that is a package of the standard library; below the directory of
# packages it is a subpackage.
_DEPTH = {"site-packages": 5, "dist-packages": 5}
_LIBRARY_DEPTH = 4


def units(root: str) -> list[tuple[str, list[str]]]:
    """Every Python file of the tree at `root`, by unit; both sorted."""
    found: dict[str, list[str]] = {}
    for folder, folders, files in os.walk(root):
        folders.sort()
        relative = os.path.relpath(folder, root)
        parts = relative.split(os.sep)
        depth = _DEPTH.get(parts[3], _LIBRARY_DEPTH) if len(parts) > 3 else _LIBRARY_DEPTH
        for name in files:
            if name.endswith(".py"):
                found.setdefault("/".join(parts[:depth]), []).append(os.path.normpath(os.path.join(relative, name)))
    return sorted((unit, sorted(files)) for unit, files in found.items())


def compile_unit(root: str, files: list[str]) -> None:
    """Compiles `files`, relative to `root`. One that is no valid Python (a template, Python 2) is left without bytecode."""
    for file in files:
        source = os.path.join(root, file)
        try:
            py_compile.compile(source, dfile=file, doraise=True, quiet=2, optimize=0, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        except (py_compile.PyCompileError, ValueError, RecursionError):
            continue


def main(root: str, processes: int) -> int:
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
    sys.exit(1 if main(sys.argv[1], int(sys.argv[2])) else 0)
