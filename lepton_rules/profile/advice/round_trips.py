"""Time that goes into changing between integers and floats, between layers that are integers already."""

from __future__ import annotations

from lepton_rules.profile.advice import Advice, Place, call, without
from lepton_rules.profile.evidence import Profile

_CONVERSIONS = ("QuantizeLinear", "DequantizeLinear", "Cast")
_LEAST_SHARE = 0.05


def advise(profile: Profile) -> list[Advice]:
    """Where a static quantization leaves at least 5 % of the time to conversions, because of operators in between."""
    config = profile.config("onnx.quantize")
    share = profile.share(*_CONVERSIONS)
    if config is None or share < _LEAST_SHARE:
        return []
    if not (config.get("op_types") or config.get("exclude")):
        return []  # all that can be integers is
    between = sorted(
        {
            node.operator
            for node in profile.nodes
            if node.precision in ("", "float32") and node.operator not in _CONVERSIONS and node.share > 0.001
        }
    )
    conversions = sum(1 for node in profile.nodes if node.operator in _CONVERSIONS)
    return [
        Advice(
            rule="round_trips",
            title=f"{100 * share:.0f} % of the time is in {conversions} conversions between integers and floats around "
            f"what the recipe leaves in float ({', '.join(between[:4]) or 'the excluded nodes'}); quantizing those as "
            f"well should give up to {without(share):.2g}x",
            recipe=call("onnx.quantize", lists={"exclude": [], "op_types": []}),
            place=Place(target="overrides"),
            gain=without(share),
            basis="the measured time of the conversions, which would all go",
            evidence={"share_of_time": share, "conversions": conversions},
        )
    ]
