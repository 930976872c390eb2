"""A transformer whose attention and normalisation run as many small operators."""

from __future__ import annotations

from lepton_rules.profile.advice import Advice, before_quantizing, call, without
from lepton_rules.profile.evidence import Profile

_PIECES = ("Add", "Div", "Erf", "Mul", "Pow", "ReduceMean", "Softmax", "Sqrt", "Sub", "Tanh", "Transpose")
_MARKS = ("Softmax", "Erf", "Tanh")
_LEAST_SHARE = 0.1
_LEAST_PIECES = 12


def advise(profile: Profile) -> list[Advice]:
    """Where a dozen of them and more take at least 10 % of the time.

    Fused, they read and write once what each of them reads and writes now: a third of the bytes at most, since a chain
    has three of them or more.
    """
    pieces = [node for node in profile.nodes if node.operator in _PIECES]
    share = sum(node.share for node in pieces)
    is_transformer = profile.share("MatMul", "MatMulInteger", "DynamicQuantizeMatMul", "FusedMatMul") > 0
    marked = any(node.operator in _MARKS for node in pieces)
    if not (is_transformer and marked) or len(pieces) < _LEAST_PIECES or share < _LEAST_SHARE:
        return []
    if profile.ran("onnx.fuse_transformer") or "onnxruntime_operators" not in profile.capabilities:
        return []
    gain = without(share, 1 / 3)
    return [
        Advice(
            rule="fuse_transformer",
            title=f"{100 * share:.0f} % of the time is in {len(pieces)} small operators around the matrix products; "
            f"as fused attention and normalisation they should give {gain:.2g}x",
            recipe=call("onnx.fuse_transformer"),
            place=before_quantizing(profile),
            gain=gain,
            basis="the measured time of the small operators, moving a third of their bytes",
            evidence={"share_of_time": share, "operators": len(pieces)},
        )
    ]
