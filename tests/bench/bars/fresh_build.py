"""The README's build command from nothing, and how much of it is not training."""

from __future__ import annotations

from harness.bar import Bar, Options, at_most
from harness.fresh import Fresh
from harness.profile import action_seconds

_TARGET = "//models:resnet_int8_gpu"


def measure(options: Options) -> list[Bar]:
    """Bazel, uv and every package are fetched again, unless --warm-cache is given."""
    fresh = Fresh(options.folder / "fresh", options.warm_cache)
    profile = options.folder / "fresh.profile.gz"
    total = fresh.bazelw("build", f"--profile={profile}", "--slim_profile=false", _TARGET).seconds
    fresh.forget()
    training = action_seconds(profile, "Lepton train")
    how = f"./bazelw build {_TARGET}, {'warm' if options.warm_cache else 'empty'} caches"
    ours = at_most("... beside training", total - training, 120, "s", f"training took {training:.0f} s")
    if not training:
        ours = Bar(ours.name, ours.goal, ours.value, ours.unit, False, "the profile has no training")
    return [at_most("README's build command", total, 600, "s", how), ours]
