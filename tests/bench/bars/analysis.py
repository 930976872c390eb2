"""Analysis of 1,000 artifacts: 100 models through 10 recipes, with their tests and runnables."""

from __future__ import annotations

from harness.bar import Bar, Options
from harness.bazel import Bazel

from bars import generated


def measure(options: Options) -> list[Bar]:
    """Cold is a new server on fetched repositories; warm is the same server again."""
    folder = options.folder / "generated"
    artifacts = generated.generate(folder, 100)
    bazel = Bazel(folder, options.folder / "base_generated")
    bazel.run("build", "--nobuild", "//...")
    cold, warm = [], []
    for _ in range(2):
        bazel.shutdown()
        cold.append(bazel.run("build", "--nobuild", "//...").seconds)
        warm += [bazel.run("build", "--nobuild", "//...").seconds for _ in range(3)]
    bazel.shutdown()
    how = f"{artifacts} artifacts, build --nobuild //..."
    return [
        Bar("analysis, cold", "<= 8 s", min(cold), "s", min(cold) <= 8, how),
        Bar("analysis, warm", "<= 1 s", min(warm), "s", min(warm) <= 1, how),
    ]
