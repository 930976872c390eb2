"""What a plugin's author gives the kit: small models, files and datasets that the plugin's components are tried on.

The author writes one function, `write(directory: Path) -> Samples`, in a module that tests can import. It runs once, in
a process of its own with the plugin's libraries, and may write whatever it likes into the empty `directory`:

    def write(directory: Path) -> Samples:
        model = directory / "model"
        model.mkdir()
        onnx.save(tiny_network(), model / "model.onnx")
        numpy.savez(directory / "digits.npz", x=..., labels=...)
        facts = ModelFacts(inputs=(TensorSpec("x", "float32", ("batch", 4)),), outputs=..., parameters=40, macs=36)
        return Samples(models={"onnx": SampleModel(path=model, facts=facts, dataset=directory / "digits.npz")})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.facts import ModelFacts


@dataclass(frozen=True, kw_only=True)
class SampleModel:
    """A small model.

    Args:
        path: its directory, files under their canonical names (`model.onnx`, `weights.safetensors`).
        facts: what is true of it.
        dataset: an `.npz` with an array for each input, and `labels`; slots of kind dataset and runtimes are given it.
    """

    path: Path
    facts: ModelFacts
    dataset: Path | None = None


@dataclass(frozen=True, kw_only=True)
class SampleImport:
    """Files for an importer, as a `lepton_model` target would name them.

    Args:
        sources: the model's files.
        weights: the files of the weights.
        config: options without which the importer cannot run.
        allow_code: whether the target allows code.
    """

    sources: tuple[Path, ...] = ()
    weights: tuple[Path, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    allow_code: bool = False


@dataclass(frozen=True, kw_only=True)
class SampleMetric:
    """Arrays for a metric, each an `.npz`: a model's outputs, the dataset's arrays, a baseline's outputs."""

    outputs: Path
    arrays: Path
    baseline: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Everything that the components are tried on.

    Args:
        models: by format: one for each format that a pass, an exporter, a runtime or a packager of the plugin consumes.
            Where two components of one format take different models (one before quantization, one after), by
            `<kind>.<name>`, such as `exporters.compile`: for that pass or exporter alone.
        imports: by importer.
        metrics: by metric.
        configs: by `<kind>.<name>`, such as `passes.quantize`: configurations to try beside the default one. Where an
            option has no default, at least one is needed.
        refused: by `<kind>.<name>`: configurations that the plugin must refuse, beside those that the kit finds itself.
        signature: `module:function`, a function `(format: str, path: Path) -> (inputs, outputs)`, each a sequence of
            TensorSpec, that reads the true signature from the files of a model, to hold the reported one against.
    """

    models: Mapping[str, SampleModel] = field(default_factory=dict)
    imports: Mapping[str, SampleImport] = field(default_factory=dict)
    metrics: Mapping[str, SampleMetric] = field(default_factory=dict)
    configs: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    refused: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    signature: str = ""


def model_key(models: Mapping[str, Any], kind: str, name: str, format: str) -> str:
    """Returns the key of the sample model that a component is tried on: its own, else that of the format."""
    own = f"{kind}.{name}"
    return own if own in models else format


def facts_to_json(facts: ModelFacts) -> dict[str, Any]:
    """Returns `facts` as JSON types."""
    return {
        "inputs": [t.to_json() for t in facts.inputs],
        "outputs": [t.to_json() for t in facts.outputs],
        "parameters": facts.parameters,
        "macs": facts.macs,
        "notes": dict(facts.notes),
    }


def facts_from_json(value: Mapping[str, Any]) -> ModelFacts:
    """Returns what `facts_to_json` was given."""
    return ModelFacts.from_manifest(value, value["notes"])


def to_json(samples: Samples) -> dict[str, Any]:
    """Returns `samples` as JSON types, to hand from the process that wrote them to those that use them.

    Raises:
        LeptonError: it is no Samples, or names a file that is not there.
    """
    what = "samples of the contract"
    if not isinstance(samples, Samples):
        raise LeptonError(
            what, f"the function returned {type(samples).__name__}, accepted is Samples", "Return Samples(…)"
        )

    def path(value: Path | None) -> str | None:
        if value is None:
            return None
        if not Path(value).exists():
            raise LeptonError(what, f"{value} does not exist", "Write every file before the function returns")
        return str(Path(value).absolute())

    return {
        "models": {
            format: {"path": path(m.path), "facts": facts_to_json(m.facts), "dataset": path(m.dataset)}
            for format, m in samples.models.items()
        },
        "imports": {
            name: {
                "sources": [path(p) for p in i.sources],
                "weights": [path(p) for p in i.weights],
                "config": dict(i.config),
                "allow_code": i.allow_code,
            }
            for name, i in samples.imports.items()
        },
        "metrics": {
            name: {"outputs": path(m.outputs), "arrays": path(m.arrays), "baseline": path(m.baseline)}
            for name, m in samples.metrics.items()
        },
        "configs": {name: [dict(c) for c in configs] for name, configs in samples.configs.items()},
        "refused": {name: [dict(c) for c in configs] for name, configs in samples.refused.items()},
        "signature": samples.signature,
    }
