"""The README's test command from nothing."""

from __future__ import annotations

import re

from harness.bar import Bar, Options, at_most
from harness.bazel import Broken
from harness.fresh import Fresh

FULL = True

_GOAL_S = 25 * 60


def measure(options: Options) -> list[Bar]:
    """Every test runs; one that fails leaves the bar unmeasured."""
    fresh = Fresh(options.folder / "fresh", options.warm_cache)
    done = fresh.bazelw("test", "//...", check=False)
    fresh.forget()
    found = re.search(r"Executed (\d+) out of (\d+) tests?: (.*)", done.output)
    if done.status != 0 or not found:
        lines = [line for line in done.output.splitlines() if "FAILED" in line or "ERROR" in line or "Executed" in line]
        raise Broken(f"./bazelw test //... exited with {done.status}:\n  " + "\n  ".join(lines[:12]))
    how = f"./bazelw test //..., {'warm' if options.warm_cache else 'empty'} caches; {found[2]} tests: {found[3]}"
    return [at_most("README's test command", done.seconds, _GOAL_S, "s", how)]
