"""The contract that every plugin keeps, as checks that its author runs: by a rule, a pytest class, or a command.

    python -m lepton_rules.plugin.contract --name onnx --entry lepton_plugin_onnx --samples my_samples:write

Each check takes a `Contract` and returns nothing, or raises LeptonError. See docs/plugins.md for the guide.
"""

from lepton_rules.plugin.contract.checks import CHECKS
from lepton_rules.plugin.contract.samples import SampleImport, SampleMetric, SampleModel, Samples
from lepton_rules.plugin.contract.subject import Contract

__all__ = ["CHECKS", "Contract", "SampleImport", "SampleMetric", "SampleModel", "Samples"]
