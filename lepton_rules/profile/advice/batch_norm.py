"""Normalisations that could be part of the layer before them."""

from __future__ import annotations

from lepton_rules.profile.advice import Advice, before_quantizing, call, without
from lepton_rules.profile.evidence import Profile

_LEAST_SHARE = 0.01


def advise(profile: Profile) -> list[Advice]:
    """Where they take at least 1 % of the time."""
    share = profile.share("BatchNormalization")
    if share < _LEAST_SHARE:
        return []
    nodes = sum(1 for node in profile.nodes if node.operator == "BatchNormalization")
    return [
        Advice(
            rule="batch_norm",
            title=f"{100 * share:.0f} % of the time is in {nodes} BatchNormalization that run by themselves; folding "
            f"them into the layers before should give {without(share):.2g}x",
            recipe=call("onnx.fold_batch_norm"),
            place=before_quantizing(profile),
            gain=without(share),
            basis="the measured time of the normalisations, which would all go",
            evidence={"share_of_time": share, "nodes": nodes},
        )
    ]
