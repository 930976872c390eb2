"""Layers that wait for their weights."""

from __future__ import annotations

from lepton_rules.profile.advice import Advice, Place, call, without
from lepton_rules.profile.evidence import Profile

_LEAST_SHARE = 0.2
_PASS = "onnx.quantize_weights"
_BITS = {"float32": 32, "float16": 16, "bfloat16": 16, "int8": 8}


def advise(profile: Profile) -> list[Advice]:
    """Where matrix products that memory bounds, and whose bytes are mostly weights, take at least 20 % of the time."""
    waiting = [
        node
        for node in profile.nodes
        if node.bound == "memory"
        and node.layer
        and node.operator not in ("Conv", "FusedConv", "QLinearConv")
        and node.constant_bytes > node.moved_bytes / 2
        and node.precision in _BITS
    ]
    share = sum(node.share for node in waiting)
    if share < _LEAST_SHARE or "int4_weights" not in profile.capabilities:
        return []
    moved = sum(node.moved_bytes for node in waiting)
    after = sum(node.moved_bytes - node.constant_bytes * (1 - 4.5 / _BITS[node.precision]) for node in waiting)
    gain = without(share, after / moved)
    return [
        Advice(
            rule="weight_traffic",
            title=f"{100 * share:.0f} % of the time is in {len(waiting)} layers that wait for {moved / 1e6:.3g} MB, "
            f"mostly weights; with 4 bits each they are {after / 1e6:.3g} MB, which should give {gain:.2g}x",
            recipe=call(_PASS, bits=4),
            place=Place(target="overrides") if profile.ran(_PASS) else Place(),
            gain=gain,
            basis="the bytes that the layers move, which bound them by this machine's measured bandwidth",
            evidence={"share_of_time": share, "moved_bytes": moved, "moved_bytes_after": after, "layers": len(waiting)},
        )
    ]
