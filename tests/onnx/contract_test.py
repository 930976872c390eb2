"""Both plugins keep the contract: same bytes twice and under two hash seeds, strict, lazy, descriptors equal."""

from __future__ import annotations

from pathlib import Path

from lepton_rules.plugin.contract.pytest_suite import PluginContract

PLUGINS = Path(__file__).absolute().parents[2] / "plugins"


class TestOnnx(PluginContract):
    """The passes and the importer."""

    plugin = "onnx"
    entry = "lepton_plugin_onnx"
    samples = "samples:for_onnx"
    descriptors = PLUGINS / "onnx" / "passes.bzl"


class TestOnnxruntime(PluginContract):
    """The runtime and the chips."""

    plugin = "onnxruntime"
    entry = "lepton_plugin_onnxruntime"
    samples = "samples:for_onnxruntime"
    descriptors = PLUGINS / "onnxruntime" / "passes.bzl"
