"""The rules, in no order that matters."""

from __future__ import annotations

from collections.abc import Callable

from lepton_rules.profile.advice import (
    Advice,
    batch_norm,
    dynamic_ranges,
    float_layers,
    fuse_transformer,
    more_threads,
    placement,
    prune_channels,
    round_trips,
    sensitive_layers,
    weight_traffic,
)
from lepton_rules.profile.evidence import Profile

RULES: tuple[Callable[[Profile], list[Advice]], ...] = (
    batch_norm.advise,
    dynamic_ranges.advise,
    float_layers.advise,
    fuse_transformer.advise,
    more_threads.advise,
    placement.advise,
    prune_channels.advise,
    round_trips.advise,
    sensitive_layers.advise,
    weight_traffic.advise,
)
