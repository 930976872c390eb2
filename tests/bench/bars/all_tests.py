"""The README's test command from nothing, and what images, serving and deployment add to it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.bar import Bar, Options, at_most
from harness.bazel import Broken, Run
from harness.fresh import Fresh

FULL = True

_GOAL_S = 25 * 60
_SERVING_GOAL_S = 4 * 60
_SERVING = ("clients", "containers", "debian", "deployment", "oci", "provenance", "server", "signing", "versions")
_NAMES = "_(image|client|deployment|compatibility_test)([._]|$)"
_EXECUTED = re.compile(r"Executed (\d+) out of (\d+) tests?: (.*)")


def measure(options: Options) -> list[Bar]:
    """Every test runs; one that fails leaves the bar unmeasured.

    It is done in two commands: first all but what is for images, serving and deployment, then all, which is what these
    add: their environments, Debian's packages, images, clients and tests. Together they take no less than one would,
    for nothing of the second can run beside the first.
    """
    fresh = Fresh(options.folder / "fresh", options.warm_cache)
    try:
        rest = run_tests(fresh, ["//...", *(f"-{pattern}" for pattern in serving(fresh))])
        added = run_tests(fresh, ["//..."])
    finally:
        fresh.forget()
    caches = "warm" if options.warm_cache else "empty"
    how = f"{caches} caches; {_told(rest)} in {rest.seconds:.0f} s, and then {_told(added)} in {added.seconds:.0f} s"
    return [
        at_most("README's test command", rest.seconds + added.seconds, _GOAL_S, "s", f"./bazelw test //..., {how}"),
        at_most("... of that for images, serving and deployment", added.seconds, _SERVING_GOAL_S, "s", how),
    ]


def serving(fresh: Fresh) -> list[str]:
    """Patterns of what is for images, serving and deployment: their tests, and what the examples have of them."""
    output = fresh.bazelw("query", f"filter('{_NAMES}', //models/...)").output
    found = [line for line in output.splitlines() if line.startswith("//")]
    if "//models:resnet_int8_cpu_image" not in found:
        raise Broken(f"the example has no image: {output[-1000:]}")
    return [f"//tests/{name}/..." for name in _SERVING] + found


def run_tests(fresh: Fresh, patterns: Sequence[str]) -> Run:
    """`./bazelw test` of these patterns, which succeeds."""
    done = fresh.bazelw("test", "--", *patterns, check=False)
    if done.status != 0 or not _EXECUTED.search(done.output):
        lines = [line for line in done.output.splitlines() if "FAILED" in line or "ERROR" in line or "Executed" in line]
        raise Broken(f"./bazelw test //... exited with {done.status}:\n  " + "\n  ".join(lines[:12]))
    return done


def _told(done: Run) -> str:
    found = _EXECUTED.search(done.output)
    return f"{found[1]} of {found[2]} tests run: {found[3]}" if found else ""
