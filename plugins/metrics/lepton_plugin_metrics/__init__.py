"""First-party metrics, of classifiers and of embeddings."""

from collections.abc import Sequence

from lepton_plugin_metrics.config import (
    AccuracyConfig,
    AgreementConfig,
    CosineConfig,
    F1Config,
    SpearmanConfig,
    SpearmanLabelsConfig,
)
from lepton_rules.plugin import Metric, hookimpl

__version__ = "0.1.0"


@hookimpl
def lepton_metrics() -> Sequence[Metric]:
    """`accuracy`, `agreement` and `f1` of classes; `cosine`, `spearman` and `spearman_labels` of embeddings."""
    return [
        Metric(
            name="accuracy",
            implementation="lepton_plugin_metrics.accuracy:accuracy",
            config=AccuracyConfig,
            largest=1,
        ),
        Metric(
            name="agreement",
            implementation="lepton_plugin_metrics.agreement:agreement",
            config=AgreementConfig,
            needs_baseline=True,
            largest=1,
        ),
        Metric(
            name="cosine",
            implementation="lepton_plugin_metrics.cosine:cosine",
            config=CosineConfig,
            needs_baseline=True,
            largest=1,
        ),
        Metric(name="f1", implementation="lepton_plugin_metrics.f1:f1", config=F1Config, largest=1),
        Metric(
            name="spearman",
            implementation="lepton_plugin_metrics.spearman:spearman",
            config=SpearmanConfig,
            needs_baseline=True,
            largest=1,
        ),
        Metric(
            name="spearman_labels",
            implementation="lepton_plugin_metrics.spearman:spearman_labels",
            config=SpearmanLabelsConfig,
            largest=1,
        ),
    ]
