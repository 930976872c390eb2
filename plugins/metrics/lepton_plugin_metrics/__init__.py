"""First-party metrics, of classifiers, of regressors and of embeddings."""

from collections.abc import Sequence

from lepton_plugin_metrics.config import (
    AccuracyConfig,
    AgreementConfig,
    AurocConfig,
    CosineConfig,
    F1Config,
    RmseConfig,
    SpearmanConfig,
    SpearmanLabelsConfig,
    TopKConfig,
)
from lepton_rules.plugin import Metric, hookimpl

__version__ = "0.1.0"


@hookimpl
def lepton_metrics() -> Sequence[Metric]:
    """`accuracy`, `agreement`, `auroc`, `f1` and `top_k` of classes; `rmse` of numbers; `cosine`, `spearman` and
    `spearman_labels` of embeddings."""
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
        Metric(name="auroc", implementation="lepton_plugin_metrics.auroc:auroc", config=AurocConfig, largest=1),
        Metric(
            name="cosine",
            implementation="lepton_plugin_metrics.cosine:cosine",
            config=CosineConfig,
            needs_baseline=True,
            largest=1,
        ),
        Metric(name="f1", implementation="lepton_plugin_metrics.f1:f1", config=F1Config, largest=1),
        Metric(
            name="rmse",
            implementation="lepton_plugin_metrics.rmse:rmse",
            config=RmseConfig,
            higher_is_better=False,
        ),
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
        Metric(name="top_k", implementation="lepton_plugin_metrics.top_k:top_k", config=TopKConfig, largest=1),
    ]
