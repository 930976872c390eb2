"""A forest of scikit-learn, and its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from lepton_rules.plugin.training import TrainingContext


def train(context: TrainingContext) -> Any:
    """The pipeline, fitted on the split `train`; it draws from the seed of the action."""
    split = context.datasets["train"]
    return make_pipeline(StandardScaler(), RandomForestClassifier(10, max_depth=6)).fit(split["x"], split["labels"])
