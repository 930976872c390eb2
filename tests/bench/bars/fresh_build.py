"""The README's build command with an empty cache folder, and how much of it is not training."""

from __future__ import annotations

import gzip
import json
import time

from harness.bar import Bar, Options
from harness.bazel import TREE, remove, run

_TARGET = "//models:resnet_int8_gpu"


def measure(options: Options) -> list[Bar]:
    """HOME is elsewhere and empty: Bazel, uv and every package are fetched again."""
    home = options.folder / "home"
    remove(home)
    home.mkdir(parents=True)
    profile = options.folder / "fresh.profile.gz"
    variables = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "LEPTON_BAZEL": ""}
    start = time.perf_counter()
    run([TREE / "bazelw", "build", f"--profile={profile}", _TARGET], cwd=TREE, environment=variables)
    total = time.perf_counter() - start
    run([TREE / "bazelw", "shutdown"], cwd=TREE, environment=variables)
    with gzip.open(profile) as file:
        events = json.load(file)["traceEvents"]
    training = sum(
        event["dur"] / 1e6
        for event in events
        if event.get("ph") == "X" and event.get("cat") == "action processing" and "Lepton train" in event["name"]
    )
    remove(home)
    return [
        Bar("README's build command", "<= 600 s", total, "s", total <= 600, "empty HOME and cache folder"),
        Bar("... beside training", "<= 120 s", total - training, "s", training > 0 and total - training <= 120,
            f"training {training:.0f} s"),
    ]  # fmt: skip
