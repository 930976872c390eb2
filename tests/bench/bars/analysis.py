"""Analysis of 1,000 artifacts: 100 models through 10 recipes, with their tests and runnables."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from harness.bar import Bar, Options, at_most
from harness.bazel import Bazel, project_rc, write

from bars import generated

_MODELS = 100
_COLD = 3
_WARM = 5


def measure(options: Options) -> list[Bar]:
    """Cold is a new server on fetched repositories, its start included; warm is that server again.

    The server's JVM options are those of the project's .bazelrc. Beside it stand Bazel's own, and as many targets of
    rules that do next to nothing: what is left to gain.
    """
    folder = options.folder / "generated"
    artifacts = generated.generate(folder, _MODELS)
    floor = options.folder / "floor"
    generated.generate_floor(floor, _MODELS)
    # `//...` leaves out what is tagged manual, and runnables are.
    patterns = options.folder / "generated.targets"
    runnables = (f"{artifact}.{name}" for artifact in artifacts for name in generated.RUNNABLES)
    write(patterns, "\n".join(["//...", *runnables]) + "\n")
    rc = project_rc(options.folder)
    base = options.folder / "base_generated"
    ours = _analysis(Bazel(folder, base, rc), f"--target_pattern_file={patterns}")
    cold = _cold(ours)
    warm = [ours(False) for _ in range(_WARM)]
    default = _cold(_analysis(Bazel(folder, base), f"--target_pattern_file={patterns}"))
    start = _cold(_analysis(Bazel(folder, base, rc), "//data"))
    least = _cold(_analysis(Bazel(floor, options.folder / "base_floor", rc), f"--target_pattern_file={patterns}"))
    Bazel(folder, base).shutdown()
    Bazel(floor, options.folder / "base_floor").shutdown()
    how = (
        f"{len(artifacts)} artifacts, median of {_COLD}; one target takes {start:.1f} s of it, as many empty "
        f"targets {least:.1f} s, and with Bazel's own JVM options it is {default:.1f} s"
    )
    return [
        at_most("analysis, cold", cold, 8, "s", how),
        at_most("analysis, warm", statistics.median(warm), 1, "s", f"the same again, median of {_WARM}"),
    ]


def _analysis(bazel: Bazel, *targets: str) -> Callable[[bool], float]:
    """Analyses targets, from a new server or in the one that runs; gives the seconds."""

    def run(new: bool) -> float:
        if new:
            bazel.shutdown()
        return bazel.run("build", "--nobuild", *targets).seconds

    return run


def _cold(analysis: Callable[[bool], float]) -> float:
    analysis(True)
    return statistics.median(analysis(True) for _ in range(_COLD))
