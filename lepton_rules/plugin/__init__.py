"""What a plugin's author imports. See docs/plugins.md for the guide.

Importing this package imports the standard library and pluggy, nothing else: no numpy, no torch.
"""

from lepton_rules.plugin.config import NoConfig, config_schema, config_to_dict, option, parse_config
from lepton_rules.plugin.contexts import (
    DatasetFile,
    ExportContext,
    HardwareFacts,
    ImportContext,
    MetricContext,
    ModelDirectory,
    PackageContext,
    PassContext,
    RuntimeContext,
    RuntimeFacts,
    SavedModel,
)
from lepton_rules.plugin.descriptors import (
    API_VERSION,
    Exporter,
    Importer,
    Metric,
    Packager,
    Pass,
    Runtime,
    Slot,
    Target,
)
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.facts import ModelFacts, TensorSpec
from lepton_rules.plugin.hookspecs import hookimpl
from lepton_rules.plugin.packages import Package, PackedEntry, PackedLayer

__all__ = [
    "API_VERSION",
    "DatasetFile",
    "ExportContext",
    "Exporter",
    "HardwareFacts",
    "ImportContext",
    "Importer",
    "LeptonError",
    "Metric",
    "MetricContext",
    "ModelDirectory",
    "ModelFacts",
    "NoConfig",
    "Package",
    "PackageContext",
    "Packager",
    "PackedEntry",
    "PackedLayer",
    "Pass",
    "PassContext",
    "Runtime",
    "RuntimeContext",
    "RuntimeFacts",
    "SavedModel",
    "Slot",
    "Target",
    "TensorSpec",
    "config_schema",
    "config_to_dict",
    "hookimpl",
    "option",
    "parse_config",
]
