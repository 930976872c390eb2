"""20 small passes that use torch: in the worker, in a process each, and in an environment of one label a file."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

from harness.bar import Bar, Options, at_least
from harness.bazel import Bazel, Broken, remove

from bars import small

_COUNT = 20
_WARM = 9
_ALONE = 2
_LABELLED = 2


def measure(options: Options) -> list[Bar]:
    """Every build makes artifacts of its own, so that nothing is answered by a cache, and is analysed before the clock
    starts. Server and workers are those of somebody at work, who has built before: they have started (what that costs
    is told too), and the median is of nine builds. Bazel's defaults, which sandbox no worker."""
    folder = options.folder / "small"
    small.generate(folder)
    bazel = Bazel(folder, options.folder / "base_small")

    def build(target: str, count: int, *flags: str) -> float:
        bazel.run("build", "--nobuild", *flags, target)
        done = bazel.run("build", *flags, target)
        runners = re.search(r"INFO: \d+ processes?: (.*)\.", done.output)
        wanted = f"{count} linux-sandbox" if flags else f"{count} worker"
        if not runners or wanted not in runners[1]:
            raise Broken(f"of {target}, {wanted} were to run, and {runners[1] if runners else 'nothing'} ran")
        return done.seconds

    cold = ("--strategy=LeptonRun=sandboxed",)
    # What an earlier run of this benchmark made is no answer.
    bazel.run("clean")
    # The first also builds the environment, and the model.
    bazel.run("build", small.artifacts(folder, 1, 100))
    bazel.shutdown()
    bazel.run("build", "--nobuild", small.artifacts(folder, _COUNT, 1000))
    start = bazel.run("build", small.artifacts(folder, _COUNT, 1000)).seconds
    warm, alone = [], []
    for number in range(2, 2 + _WARM):
        warm.append(build(small.artifacts(folder, _COUNT, 1000 * number), _COUNT))
        if number < 2 + _ALONE:
            alone.append(build(small.artifacts(folder, _COUNT, 1000 * number + 500), _COUNT, *cold))
    base = Path(bazel.query("info", "output_base").output.strip())
    bazel.run("build", "@small_conventional//:environment")
    (prefix,) = base.glob("external/*small_conventional/prefix")
    small.labelled(folder, prefix.parent, _COUNT, 90000)
    files = sum(each.is_file() for each in (folder / "labelled" / "prefix").rglob("*"))
    bazel.run("build", *cold, "//labelled:model")
    labelled = []
    for number in range(_LABELLED):
        target = small.labelled(folder, prefix.parent, _COUNT, 90000 + 1000 * number)
        # Bazel keeps sandboxes and fills them again; a new server begins without any, as a first build does.
        bazel.shutdown()
        labelled.append(build(target, _COUNT, *cold))
    labels = statistics.median(labelled)
    bazel.shutdown()
    remove(folder / "labelled")
    worker, process = statistics.median(warm), statistics.median(alone)
    return [
        at_least("20 passes, against a process each", process / worker, 10, "x",
            f"{worker:.2f} s in workers ({start:.1f} s with their start), {process:.1f} s alone"),
        at_least("20 passes, against one label a file", labels / worker, 50, "x",
            f"{labels:.1f} s, a process each with {files} labels as inputs"),
    ]  # fmt: skip
