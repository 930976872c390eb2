"""What an implementation is called with. Paths are absolute; all is read-only but the `output` directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin.arrays import read_npz

if TYPE_CHECKING:
    import numpy


@dataclass(frozen=True)
class ModelDirectory:
    """A model on disk: the directory with its files, and its manifest (lepton_rules/manifest/manifest.schema.json)."""

    path: Path
    manifest: Mapping[str, Any]


@dataclass(frozen=True)
class DatasetFile:
    """One split of a dataset: an `.npz` file of named arrays whose first axis is the sample."""

    path: Path

    def arrays(self) -> dict[str, numpy.ndarray[Any, Any]]:
        """Reads every array; those named as the model's inputs are its inputs, `labels` is int64 [samples].

        Raises:
            LeptonError: the file is not an archive of plain numeric arrays, see `lepton_rules.plugin.arrays`.
        """
        return read_npz(self.path)


@dataclass(frozen=True, kw_only=True)
class HardwareFacts:
    """The chip that the artifact is for.

    Args:
        target: name of the plugin's Target, such as `cpu_vnni`.
        runtime: name of the runtime that will run the artifact.
        capabilities: what the chip can do, in the words of `capabilities.bzl`.
        options: the runtime's provider options.
        threads: number of threads that the runtime uses for one inference.
    """

    target: str
    runtime: str
    capabilities: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class ImportContext:
    """An importer's call: from `sources` and `weights`, write the model into `output` under canonical names.

    Args:
        label: the target that is built, for messages.
        config: an object of the importer's configuration class.
        sources: the files of the model, such as Python modules.
        weights: the files of the weights.
        allow_code: whether the target says that code from these files may run.
        output: the empty directory to fill.
        threads: number of threads to compute with; the outcome may depend on it.
    """

    label: str
    config: Any
    sources: tuple[Path, ...]
    weights: tuple[Path, ...]
    allow_code: bool
    output: Path
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class SavedModel:
    """What a model in memory became on disk, for its importer: see `Importer.saves`.

    Args:
        sources: the files of the model.
        weights: the files of the weights.
        config: the importer's configuration, JSON types; what the user gave is in it.
    """

    sources: tuple[Path, ...]
    weights: tuple[Path, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PassContext:
    """A pass's call: from `model`, write the changed model into `output`. Equal inputs must give equal bytes.

    Args:
        label: the target that is built, for messages.
        config: an object of the pass's configuration class.
        model: the model to change; its directory is read-only.
        slots: what the artifact bound to the pass's slots, by slot name; an optional slot may be absent.
        hardware: the chip, or None where the artifact names none.
        output: the empty directory to fill.
        threads: number of threads to compute with; the outcome may depend on it.
        seed: what every random generator must be seeded with.
    """

    label: str
    config: Any
    model: ModelDirectory
    slots: Mapping[str, DatasetFile | ModelDirectory]
    hardware: HardwareFacts | None
    output: Path
    threads: int = 1
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class ExportContext:
    """An exporter's call: from `model`, write the same model in the format that the exporter produces into `output`.

    Args: as in `PassContext`.
    """

    label: str
    config: Any
    model: ModelDirectory
    hardware: HardwareFacts | None
    output: Path
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class RuntimeContext:
    """What a runtime is made from.

    Args:
        label: the target that is built or tested, for messages.
        config: an object of the runtime's configuration class.
        model: the model to run.
        hardware: the chip to run it on, or None for the runtime's own default.
        threads: number of threads for one inference.
        reference: True asks for the deterministic, unfused reference on the CPU, whatever the chip.
    """

    label: str
    config: Any
    model: ModelDirectory
    hardware: HardwareFacts | None
    threads: int = 1
    reference: bool = False


@dataclass(frozen=True, kw_only=True)
class MetricContext:
    """A metric's call.

    Args:
        config: an object of the metric's configuration class.
        outputs: the model's outputs by name, first axis the sample.
        arrays: the dataset split, `labels` among them.
        baseline: the baseline model's outputs by name; None unless the metric has `needs_baseline`.
    """

    config: Any
    outputs: Mapping[str, numpy.ndarray[Any, Any]]
    arrays: Mapping[str, numpy.ndarray[Any, Any]]
    baseline: Mapping[str, numpy.ndarray[Any, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class RuntimeFacts:
    """The runtime that a package starts.

    Args:
        plugin: the name of the plugin that registers it.
        entry: that plugin's entry module.
        name: the runtime's name in that plugin.
    """

    plugin: str
    entry: str
    name: str


@dataclass(frozen=True, kw_only=True)
class PackageContext:
    """A packager's call: say what goes where. It reads no file of the model.

    Args:
        label: the target that is built, for messages.
        config: an object of the packager's configuration class.
        model: the model's manifest; its `files` are what the source `"model"` holds.
        hardware: the chip, or None where the artifact names none.
        runtime: what runs the model on that chip, or None.
        name: what the model is called in the package.
        version: the model's version in the package, such as `"1"`.
        sources: the names of what there is to pack.
    """

    label: str
    config: Any
    model: Mapping[str, Any]
    hardware: HardwareFacts | None
    runtime: RuntimeFacts | None
    name: str
    version: str
    sources: tuple[str, ...]
