"""Activations whose range is sought anew at every inference."""

from __future__ import annotations

from lepton_rules.profile.advice import Advice, Place, call, without
from lepton_rules.profile.evidence import Profile

_LEAST_SHARE = 0.05
_DYNAMIC = "onnx.quantize_dynamic"


def advise(profile: Profile) -> list[Advice]:
    """Where finding ranges takes at least 5 % of the time: calibration finds them once."""
    share = profile.share("DynamicQuantizeLinear")
    if share < _LEAST_SHARE or "int8_activations" not in profile.capabilities:
        return []
    nodes = sum(1 for node in profile.nodes if node.operator == "DynamicQuantizeLinear")
    return [
        Advice(
            rule="dynamic_ranges",
            title=f"{100 * share:.0f} % of the time is in {nodes} searches for the range of activations at each "
            f"inference; ranges from calibration data should give up to {without(share):.2g}x",
            recipe=call("onnx.quantize"),
            place=Place(replaces=_DYNAMIC if profile.ran(_DYNAMIC) else ""),
            gain=without(share),
            basis="the measured time of the searches, which would all go",
            evidence={"share_of_time": share, "searches": nodes},
        )
    ]
