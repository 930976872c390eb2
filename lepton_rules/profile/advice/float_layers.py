"""Layers that stay in floating point on a chip that multiplies integers faster."""

from __future__ import annotations

import statistics

from lepton_rules.profile.advice import Advice, Place, call, without
from lepton_rules.profile.evidence import Node, Profile

SAFE_DB = 30.0
"""A layer whose rounding alone changes the outputs by less than a thousandth of their power."""
_LEAST_GAIN = 1.05
_FLOATS = ("float32", "float16", "bfloat16")
_QUANTIZERS = ("onnx.quantize", "onnx.quantize_by_sensitivity", "onnx.quantize_to_accuracy", "onnx.quantize_dynamic")


def advise(profile: Profile) -> list[Advice]:
    """Where quantizing them should give at least 5 %.

    A layer's time in integers is its roof there, over the share of the roof that this machine's integer kernels reach:
    those of the same model where it has some, else as much as the layer reaches in floating point.
    """
    if "int8" not in profile.capabilities or profile.peaks is None or "int8" not in profile.peaks["operations"]:
        return []
    sqnr = {layer.name: layer.sqnr_db for layer in profile.layers}
    left = [
        node
        for node in profile.nodes
        if node.layer in sqnr and node.precision in _FLOATS and node.operations and node.roof_seconds
    ]
    # A layer that was not measured is none that is safe.
    safe = [node for node in left if (sqnr[node.layer] or -200.0) >= SAFE_DB]
    if not safe:
        return []
    new = {node.name: min(_integer_seconds(node, profile), node.seconds) for node in safe}
    share = sum(node.share for node in safe)
    gain = without(share, sum(new.values()) / sum(node.seconds for node in safe))
    if gain < _LEAST_GAIN:
        return []
    kinds = " and ".join(sorted({node.operator.removeprefix("Fused") for node in left}))
    all_share = sum(node.share for node in left)
    unsafe = [node.layer for node in left if node not in safe]
    least = min(sqnr[node.layer] or -200.0 for node in safe)
    title = (
        f"{100 * all_share:.0f} % of the time is in {len(left)} {kinds} left in float {_reason(profile, left)}; "
        f"quantizing {_which(len(safe), len(left))} should give {gain:.2g}x; sensitivity says that "
        f"{len(safe)} of {len(left)} {'is' if len(safe) == 1 else 'are'} safe: each alone in 8 bits leaves "
        f"{least:.3g} dB or more of the outputs, where {SAFE_DB:g} dB count as safe"
    )
    recipe, place = _line(profile, safe, unsafe)
    return [
        Advice(
            rule="float_layers",
            title=title,
            recipe=recipe,
            place=place,
            gain=gain,
            basis="the layers' operations at the peak measured here for int8, and the share of it that kernels reach",
            evidence={
                "layers": len(left),
                "safe_layers": len(safe),
                "share_of_time": all_share,
                "safe_share_of_time": share,
                "least_sqnr_db": least,
            },
        )
    ]


def _integer_seconds(node: Node, profile: Profile) -> float:
    assert profile.peaks is not None and node.roof_seconds is not None and node.operations is not None
    peaks = profile.peaks["operations"]
    reached = [
        other.roof_share
        for other in profile.nodes
        if other.precision == "int8" and other.operations and other.roof_share and other.bound == "compute"
    ]
    efficiency = statistics.median(reached) if reached else node.roof_seconds / node.seconds
    # A quarter of the bytes is moved, so that the bound of memory shrinks as well.
    least = max(node.operations / peaks["int8"], 0.0 if node.bound == "compute" else node.roof_seconds / 4)
    return float(least / max(min(efficiency, 1.0), 1e-3))


def _line(profile: Profile, safe: list[Node], unsafe: list[str]) -> tuple[str, Place]:
    """What quantizes those that are safe, and where it goes: a change of the pass that the recipe has, else a pass."""
    ran = next((name for name in reversed(_QUANTIZERS) if profile.ran(name)), "")
    config = profile.config(ran) or {}
    # What was excluded besides these layers had its reasons.
    exclude = sorted({*config.get("exclude", ())} - {node.layer for node in safe} | {*unsafe})
    if ran not in ("onnx.quantize", "onnx.quantize_dynamic"):
        # Those that choose layers by themselves chose these: what takes their place is told.
        return call("onnx.quantize", lists={"exclude": exclude} if exclude else None), Place(replaces=ran)
    lists: dict[str, list[str]] = {"exclude": exclude}
    types = {*config.get("op_types", ())}
    wanted = {node.operator.removeprefix("Fused") for node in safe}
    if types and not wanted <= types:
        lists["op_types"] = sorted(types | wanted)
    return call(ran, lists=lists), Place(target="overrides")


def _reason(profile: Profile, left: list[Node]) -> str:
    excluded = {name for pass_name in _QUANTIZERS for name in (profile.config(pass_name) or {}).get("exclude", ())}
    if excluded and {node.layer for node in left} <= excluded:
        return "because they were excluded"
    if any(profile.ran(name) for name in _QUANTIZERS):
        return "by the pass that quantizes"
    return "because no pass of the recipe quantizes"


def _which(number: int, total: int) -> str:
    if number == total:
        return "it" if total == 1 else "all of them"
    return f"{number} of them"
