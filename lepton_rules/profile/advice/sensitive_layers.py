"""Integer layers that cost more accuracy than the time that they save."""

from __future__ import annotations

from lepton_rules.profile.advice import Advice, Place, call
from lepton_rules.profile.evidence import Profile

_POOR_DB = 20.0
"""A layer whose rounding alone changes the outputs by a hundredth of their power."""
_MOST_SHARE = 0.1


def advise(profile: Profile) -> list[Advice]:
    """Where a few layers are below 20 dB alone, and take at most a tenth of the time together."""
    config = profile.config("onnx.quantize")
    measured = [layer for layer in profile.layers if layer.precision == "int8" and layer.sqnr_db is not None]
    measured.sort(key=lambda layer: layer.sqnr_db or 0.0)
    poor = [layer for layer in measured if (layer.sqnr_db or 0.0) < _POOR_DB]
    rest = [layer.sqnr_db or 0.0 for layer in measured if layer not in poor]
    share = sum(layer.share for layer in poor)
    if config is None or not poor or not rest or share > _MOST_SHARE:
        return []
    worst = poor[0].sqnr_db or 0.0
    gain = min(rest) - worst
    exclude = [*config.get("exclude", ()), *(layer.name for layer in poor)]
    return [
        Advice(
            rule="sensitive_layers",
            title=f"{len(poor)} of {len(measured)} integer layers change the outputs most (the worst alone leaves "
            f"{worst:.3g} dB), and take {100 * share:.2g} % of the time; in float, the worst that is left has "
            f"{min(rest):.3g} dB",
            recipe=call("onnx.quantize", lists={"exclude": exclude}),
            place=Place(target="overrides"),
            gain=gain,
            unit="dB",
            basis="each layer quantized alone, against the model in floating point",
            evidence={"layers": len(poor), "worst_sqnr_db": worst, "share_of_time": share},
        )
    ]
