"""The plugin keeps the contract: same bytes twice and under two hash seeds, strict, lazy, descriptors equal."""

from __future__ import annotations

from pathlib import Path

from lepton_rules.plugin.contract.pytest_suite import PluginContract


class TestTorch(PluginContract):
    """The importer and the exporter."""

    plugin = "torch"
    entry = "lepton_plugin_torch"
    samples = "samples:write"
    passes = Path(__file__).resolve().parents[2] / "plugins" / "torch" / "passes.bzl"
    passes_label = "//plugins/torch"
