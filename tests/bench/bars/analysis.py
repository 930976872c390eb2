"""Analysis of 1,000 artifacts: 100 models through 10 recipes, with their tests and runnables."""

from __future__ import annotations

import statistics

from harness.bar import Bar, Options, at_most
from harness.bazel import Bazel, write

from bars import generated

_COLD = 3
_WARM = 5


def measure(options: Options) -> list[Bar]:
    """Cold is a new server on fetched repositories, its start included; warm is that server again. Bazel's defaults."""
    folder = options.folder / "generated"
    artifacts = generated.generate(folder, 100)
    bazel = Bazel(folder, options.folder / "base_generated")
    # `//...` leaves out what is tagged manual, and runnables are.
    patterns = options.folder / "generated.targets"
    write(patterns, "\n".join(["//...", *(f"{artifact}.summary" for artifact in artifacts)]) + "\n")
    arguments = ["build", "--nobuild", f"--target_pattern_file={patterns}"]
    bazel.run(*arguments)
    cold, warm = [], []
    for _ in range(_COLD):
        bazel.shutdown()
        cold.append(bazel.run(*arguments).seconds)
    for _ in range(_WARM):
        warm.append(bazel.run(*arguments).seconds)
    bazel.shutdown()
    bazel.run("build", "--nobuild", "//data")
    bazel.shutdown()
    start = bazel.run("build", "--nobuild", "//data").seconds
    bazel.shutdown()
    how = f"{len(artifacts)} artifacts, median of {_COLD}; Bazel's start and one target take {start:.1f} s of it"
    return [
        at_most("analysis, cold", statistics.median(cold), 8, "s", how),
        at_most("analysis, warm", statistics.median(warm), 1, "s", f"the same again, median of {_WARM}"),
    ]
