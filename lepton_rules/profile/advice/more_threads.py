"""Cores that the chip's threads leave idle."""

from __future__ import annotations

from lepton_rules.profile.advice import Advice, Place
from lepton_rules.profile.evidence import Profile

_LEAST_GAIN = 1.15


def advise(profile: Profile) -> list[Advice]:
    """Where more threads were measured to give at least 15 %."""
    now = profile.threads_seconds.get(str(profile.threads))
    others = {int(threads): seconds for threads, seconds in profile.threads_seconds.items()}
    more = {threads: seconds for threads, seconds in others.items() if threads > profile.threads}
    if not now or not more:
        return []
    threads = min(more, key=lambda threads: more[threads])
    gain = now / more[threads]
    if gain < _LEAST_GAIN:
        return []
    return [
        Advice(
            rule="more_threads",
            title=f"one inference takes {1000 * now:.3g} ms with {profile.threads} of {profile.cores} cores, and "
            f"{1000 * more[threads]:.3g} ms with {threads}: {gain:.3g}x, where nothing else needs them",
            recipe=f"threads = {threads},",
            place=Place(target="hardware"),
            gain=gain,
            basis="medians measured in turns, in one process",
            evidence={"seconds": now, "seconds_with_more": more[threads], "threads": threads},
        )
    ]
