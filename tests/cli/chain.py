"""A small network, its data and its weights, for a chain of passes in two environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from lepton_rules.plugin.training import TrainingContext


def generate(config: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Random images."""
    import numpy as np

    rng = np.random.default_rng(0)
    return {"image": rng.standard_normal((24, 1, 8, 8), dtype=np.float32)}


def weights(context: TrainingContext) -> dict[str, Any]:
    """The weights of an untrained network: training is no matter of these tests."""
    from chain_network import Network

    return dict(Network().state_dict())
