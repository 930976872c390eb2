"""Operators that the chip leaves to another one."""

from __future__ import annotations

from lepton_rules.profile.advice import Advice, before_quantizing, call, without
from lepton_rules.profile.evidence import Profile

_LEAST_SHARE = 0.05


def advise(profile: Profile) -> list[Advice]:
    """Where what the CPU does for another chip takes at least 5 % of the time.

    Shapes that are not known before are the commonest reason, so that they get the lengths of what was profiled.
    """
    places = {node.place for node in profile.nodes if node.place}
    strangers = [node for node in profile.nodes if node.place == "CPUExecutionProvider"]
    share = sum(node.share for node in strangers)
    if len(places) < 2 or share < _LEAST_SHARE:
        return []
    lines = [] if profile.ran("onnx.optimize") else [call("onnx.optimize")]
    if profile.dimensions:
        lengths = {name: str(length) for name, length in profile.dimensions.items()}
        # Before it: lengths make constants of shape arithmetic, which is then folded.
        lines = [call("onnx.fix_shapes", dimensions=lengths), call("onnx.optimize")]
    if not lines:
        return []
    worst = sorted({node.operator for node in strangers}, key=lambda operator: -profile.share(operator))
    return [
        Advice(
            rule="placement",
            title=f"{100 * share:.0f} % of the time is in {len(strangers)} operators that {profile.target} leaves to "
            f"the CPU ({', '.join(worst[:4])}); with them on the chip it should get up to {without(share):.2g}x faster",
            recipe="\n".join(lines),
            place=before_quantizing(profile),
            gain=without(share),
            basis="the measured time of those operators, without what the copies to them cost",
            evidence={"share_of_time": share, "operators": len(strangers)},
        )
    ]
