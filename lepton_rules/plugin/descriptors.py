"""What a plugin registers: light, frozen descriptors. The code behind one is a lazy `"module:attribute"`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from lepton_rules.plugin.config import NoConfig

# Counts up when a descriptor, a context or a hook changes so that an older plugin would misbehave.
API_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Something that an artifact binds to a pass by name: calibration data, a teacher.

    Args:
        name: how recipes and artifacts call it.
        kind: `"dataset"` gives the pass a DatasetFile, `"model"` a ModelDirectory.
        required: whether an artifact that does not bind it is refused.
        doc: one sentence.
    """

    name: str
    kind: Literal["dataset", "model"] = "dataset"
    required: bool = True
    doc: str = ""


@dataclass(frozen=True, kw_only=True)
class _Component:
    """What every descriptor with code has.

    Args:
        name: unique among the plugin's descriptors of the same kind.
        implementation: `"module:attribute"`, imported only when it is used.
        config: the configuration dataclass, see `lepton_rules.plugin.config`.
        api_version: the SDK that the plugin was written for; leave it.
        doc: one sentence; where it is empty, the first line of the configuration's docstring.
    """

    name: str
    implementation: str
    config: type = NoConfig
    api_version: int = API_VERSION
    doc: str = ""


@dataclass(frozen=True, kw_only=True)
class Importer(_Component):
    """Turns a user's files into a model: `implementation(ImportContext) -> ModelFacts`.

    Args:
        produces: the model's format, such as `"pytorch"`.
        allows_code: whether it can run code from the user's files, which a target must then allow.
        saves: for models in memory, outside Bazel: a class by its module and name, such as
            `"torch.nn.modules.module.Module"`, to the `"module:function"` that writes an object of it, or of a class
            derived from it, for this importer: `function(object, directory, config) -> SavedModel`.
        loads: the reverse, `"module:function"`: `function(ModelDirectory) -> object`; empty where there is none.
    """

    produces: str
    allows_code: bool = False
    saves: Mapping[str, str] = field(default_factory=dict)
    loads: str = ""


@dataclass(frozen=True, kw_only=True)
class Pass(_Component):
    """Changes a model: `implementation(PassContext) -> ModelFacts`.

    Args:
        consumes: the format that it reads.
        produces: the format that it writes, most often the same.
        slots: what an artifact binds to it.
        requires: capabilities that the hardware must list whatever the options.
        preserves_signature: whether names, dtypes and shapes of inputs and outputs stay as they were.
    """

    consumes: str
    produces: str
    slots: tuple[Slot, ...] = ()
    requires: tuple[str, ...] = ()
    preserves_signature: bool = True


@dataclass(frozen=True, kw_only=True)
class Exporter(_Component):
    """Turns a model into another format: `implementation(ExportContext) -> ModelFacts`. The signature stays.

    Args:
        consumes: the format that it reads.
        produces: the format that it writes.
    """

    consumes: str
    produces: str


@dataclass(frozen=True, kw_only=True)
class Runtime(_Component):
    """Runs a model: a class, `implementation(RuntimeContext)` with `run(inputs) -> outputs` and `close()`.

    Args:
        consumes: the formats that it runs.
    """

    consumes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Metric(_Component):
    """Judges a model's outputs: `implementation(MetricContext) -> float`.

    Args:
        needs_baseline: whether it compares with a baseline's outputs.
        higher_is_better: which way a budget bounds it: `min_<name>` and `max_<name>_drop`, or `max_<name>` and
            `max_<name>_rise`.
        largest: the largest value that it can take, such as 1 for a share; a budget above it is refused. None where it
            has no bound.
    """

    needs_baseline: bool = False
    higher_is_better: bool = True
    largest: float | None = None


@dataclass(frozen=True, kw_only=True)
class Packager(_Component):
    """Says what a deployable package of a model holds: `implementation(PackageContext) -> Package`. It reads no file.

    Args:
        layers: the layers that it makes, in their order above the base's and the environment's, each with the sources
            that it packs: `"model"`, `"manifest"`, `"server"` for the Python sources of the server and of the runtime's
            plugin, or another name, which a target must then give. A layer is made anew when one of them changes.
        consumes: the formats that it packs; empty for any.
        serves: whether the package is a container that runs the model, which then needs hardware and its runtime.
    """

    layers: Mapping[str, tuple[str, ...]]
    consumes: tuple[str, ...] = ()
    serves: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """All that its layers pack, each name once."""
        return tuple(dict.fromkeys(source for sources in self.layers.values() for source in sources))


@dataclass(frozen=True, kw_only=True)
class Target:
    """A chip: what runs there, what it can do, and what the passes do for it unless a recipe says otherwise.

    Args:
        name: how `lepton_hardware` calls it.
        runtime: name of the runtime, of this plugin.
        accepts: the formats that it takes.
        capabilities: everything that it can do, in the words of `capabilities.bzl`.
        pass_defaults: `"plugin.pass"` to the options that this chip wants.
        options: the runtime's provider options, written to the manifest.
        available: the chip flag (`cuda`, `cpu_vnni`) that says whether a machine has it; empty where every machine
            does.
        api_version: the SDK that the plugin was written for; leave it.
        doc: one sentence.
    """

    name: str
    runtime: str
    accepts: tuple[str, ...]
    capabilities: tuple[str, ...] = ()
    pass_defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    available: str = ""
    api_version: int = API_VERSION
    doc: str = ""


Component: TypeAlias = Importer | Pass | Exporter | Runtime | Metric | Packager
Descriptor: TypeAlias = Component | Target

# Kind, as the descriptors' JSON and the command line call it, to its class. The hook is `lepton_<kind>`.
KINDS: Mapping[str, type[Descriptor]] = {
    "importers": Importer,
    "passes": Pass,
    "exporters": Exporter,
    "runtimes": Runtime,
    "metrics": Metric,
    "targets": Target,
    "packagers": Packager,
}
