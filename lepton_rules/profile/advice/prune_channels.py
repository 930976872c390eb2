"""Kernels that do what the machine can: only less work makes them faster."""

from __future__ import annotations

from lepton_rules.profile.advice import Advice, Place, call, without
from lepton_rules.profile.evidence import Profile

_RETURN = 0.8
"""The least share of the cut in operations that pruning channels returned as time (docs/performance.md)."""
_NEAR_ROOF = 0.4
_LEAST_SHARE = 0.5
_RATIO = 0.5
_EPOCHS = 10
_PRUNERS = ("torch.prune_channels",)


def advise(profile: Profile) -> list[Advice]:
    """Where layers that computing bounds take half of the time, and reach 40 % of the roof."""
    bound = [node for node in profile.nodes if node.operations and node.bound == "compute" and node.layer]
    seconds = sum(node.seconds for node in bound)
    share = sum(node.share for node in bound)
    if not seconds or share < _LEAST_SHARE or any(profile.ran(name) for name in _PRUNERS):
        return []
    # Nothing to prune where the model never was in PyTorch, and cheaper things first: integers.
    if not any(step["pass"].startswith("torch.") for step in profile.passes):
        return []
    if "int8" in profile.capabilities and any(node.precision != "int8" for node in bound if node.share > 0.05):
        return []
    reached = sum(node.roof_seconds or 0.0 for node in bound) / seconds
    if reached < _NEAR_ROOF:
        return []
    gain = without(share, 1 - _RATIO * _RETURN)
    return [
        Advice(
            rule="prune_channels",
            title=f"{100 * share:.0f} % of the time is in {len(bound)} layers that reach {100 * reached:.0f} % of what "
            f"this machine can do; half of their multiplications should give {gain:.2g}x, and "
            f"{_EPOCHS} epochs on the labelled split train give back what they knew",
            recipe=call("torch.prune_channels", macs_ratio=_RATIO, epochs=_EPOCHS),
            place=Place(before="onnx."),
            gain=gain,
            basis=f"{_RETURN:g} of the cut in multiplications as time, the least seen in docs/performance.md",
            evidence={"share_of_time": share, "roof_share": reached, "layers": len(bound)},
        )
    ]
