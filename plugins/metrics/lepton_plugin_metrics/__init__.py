"""First-party metrics: how often a classifier is right, and how often two give the same answer."""

from collections.abc import Sequence

from lepton_plugin_metrics.config import AccuracyConfig, AgreementConfig
from lepton_rules.plugin import Metric, hookimpl

__version__ = "0.1.0"


@hookimpl
def lepton_metrics() -> Sequence[Metric]:
    """`accuracy` and `agreement`."""
    return [
        Metric(name="accuracy", implementation="lepton_plugin_metrics.accuracy:accuracy", config=AccuracyConfig),
        Metric(
            name="agreement",
            implementation="lepton_plugin_metrics.agreement:agreement",
            config=AgreementConfig,
            needs_baseline=True,
        ),
    ]
