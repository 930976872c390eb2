"""Runs a Python module as a program, for tests and runnables.

usage: run_module.py [--path=DIRECTORY]… [--cd=VARIABLE] --module=MODULE -- ARGUMENT…
"""

import os
import runpy
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    split = arguments.index("--")
    paths: list[str] = []
    modules: list[str] = []
    directories: list[str] = []
    for argument in arguments[:split]:
        key, _, value = argument.partition("=")
        {"--path": paths, "--module": modules, "--cd": directories}[key].append(value)
    sys.path[:0] = [str(Path(path).absolute()) for path in paths]
    if directories:
        # What `bazel run` calls the place where the user stands, or the top of their workspace.
        place = os.environ.get(directories[0])
        if not place:
            sys.exit(f"lepton: {modules[0]}: {directories[0]} is not set. Start it with `bazel run`.")
        os.chdir(place)
    sys.argv = [modules[0], *arguments[split + 1 :]]
    runpy.run_module(modules[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
