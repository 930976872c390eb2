"""A family of artifacts as a build and its tests leave them: manifests, metrics, predictions, measurements."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy

from lepton_rules import manifest
from lepton_rules.measure import metrics_file
from lepton_rules.plugin import HardwareFacts, ModelFacts, NoConfig, TensorSpec
from lepton_rules.provenance.bill_of_materials import bill_of_materials
from lepton_rules.provenance.facts import Facts, Package
from lepton_rules.provenance.statement import statement
from lepton_rules.report.build import Told

SHA = "sha256:" + 64 * "a"
# What a name may hold that a page must not take for markup.
HOSTILE = '<script>alert("x")</script>&amp;\'$a_1$'


def make(folder: Path, name: str, bytes_: int, accuracy: float, passes: tuple[str, ...], target: str = "cpu") -> Told:
    """One artifact below `folder / name`; its passes take a tenth of the size each."""
    hardware = HardwareFacts(target=target, runtime="onnxruntime")
    told = Told(f"//models:{name}")
    parent = None
    for number, component in enumerate(passes):
        own = folder / name / str(number)
        (own / "model").mkdir(parents=True)
        size = bytes_ * 10 ** (len(passes) - 1 - number)
        (own / "model" / "model.onnx").write_bytes(name.encode() + bytes(max(size - len(name), 0)))
        facts = ModelFacts(
            inputs=(TensorSpec("x", "float32", ("batch", 4)),),
            outputs=(TensorSpec("y", "float32", ("batch", 3)),),
            parameters=1000,
            macs=2000 if number else 4000,
            notes={"why": HOSTILE} if number else {},
        )
        step = manifest.step(
            component=component, config=NoConfig(), plugin="onnx", version="1.0.0", libraries={"numpy": "2"}
        )
        last = number == len(passes) - 1
        parent = manifest.build(
            format="onnx",
            facts=facts,
            directory=own / "model",
            step=step,
            parent=parent,
            hardware=hardware if last else None,
        )
        manifest.write(parent, own / "manifest.json")
        told.manifests.append(own / "manifest.json")
    assert parent is not None
    told.metrics = folder / name / "metrics.json"
    metrics_file.write(
        metrics_file.Metrics(
            metrics={"accuracy": accuracy},
            samples=100,
            model_digest=parent["digest"],
            dataset_digest=SHA,
            predictions_digest=SHA,
        ),
        told.metrics,
    )
    told.predictions = folder / name / "predictions.npz"
    answers = numpy.random.default_rng(1).normal(size=(20, 3)).astype(numpy.float32)
    answers[7] += 0.25 * (accuracy < 0.99)
    numpy.savez(told.predictions, y=answers)
    told.recipe = folder / name / "recipe.yaml"
    told.recipe.write_text(f"# {HOSTILE}\nversion: 1\n")
    return told


def family(folder: Path) -> list[Told]:
    """Three for one chip, of which the first is dominated, and one for another."""
    return [
        make(folder, "float", 40_000, 0.99, ("onnx.onnx",)),
        make(folder, "int8", 10_000, 0.99, ("onnx.onnx", "onnx.quantize")),
        make(folder, "tiny", 1_000, 0.95, ("torch.pytorch", "torch.prune_channels", "onnx.quantize")),
        make(folder, "other", 30_000, 0.99, ("onnx.onnx",), target="tensorrt"),
    ]


def digest_of(told: Told) -> str:
    return str(manifest.read(told.manifests[-1])["digest"])


def measurement(told: Told, test: str, budget: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A measurement.json of one budget; of latency with its pairs."""
    found = {
        "schema_version": 1,
        "kind": "latency",
        "label": test,
        "artifact": {"label": told.label, "digest": digest_of(told)},
        "baseline": {"label": "//models:float", "digest": SHA},
        "budgets": [
            {
                "name": "min_speedup",
                "limit": 3.0,
                "value": 4.0,
                "unit": "ratio",
                "verdict": "PASS",
                "interval": [3.8, 4.2],
                "message": "min_speedup: enough.",
                **budget,
            }
        ],
        "samples": {
            "pairs": {
                "repeats": 2,
                "baseline_ns": [8_000_000 + 1000 * (i * 7919 % 97) for i in range(60)],
                "candidate_ns": [2_000_000 + 1000 * (i * 104729 % 89) for i in range(60)],
            }
        },
        "environment": {"cpu": HOSTILE, "isa": "x86_64", "gpus": [], "threads": 1, "libraries": {"numpy": "2"}},
    }
    return found | changes


def profile(told: Told) -> dict[str, Any]:
    """What `<artifact>.profile --json` writes."""
    steps = [manifest.read(path) for path in told.manifests]
    node = {
        "name": HOSTILE,
        "layer": HOSTILE,
        "operator": "Conv",
        "place": "CPUExecutionProvider",
        "precision": "int8",
        "seconds": 0.001,
        "share": 0.9,
        "operations": 10,
        "moved_bytes": 10,
        "constant_bytes": 1,
        "roof_seconds": 0.0005,
        "roof_share": 0.5,
        "bound": "compute",
    }
    group = {name: node[name] for name in ("operator", "place", "precision", "seconds", "share", "roof_share")}
    layer = {"operator": "Conv", "weights": 12, "precision": "int8", "seconds": 0.001, "share": 0.5}
    return {
        "schema_version": 1,
        "kind": "profile",
        "label": told.label,
        "digest": digest_of(told),
        "target": "cpu",
        "capabilities": [],
        "threads": 1,
        "cores": 2,
        "batch": 1,
        "dimensions": {"batch": 1},
        "passes": [],
        "latencies_ns": [1_000_000 + 1000 * (i * 7919 % 97) for i in range(50)],
        "kernel_seconds": 0.0011,
        "nodes": [node],
        "groups": [{**group, "nodes": 1}],
        "peaks": {"operations": {"float32": 1e11, "int8": 4e11}, "bandwidth": [[1 << 20, 5e10]]},
        "roof_share": 0.5,
        "memory": {"libraries": 1, "load_peak": 3_000_001, "loaded": 2, "inference_peak": 4_000_001, "model": 9},
        "layers": [
            {**layer, "name": HOSTILE, "sqnr_db": 12.5},
            {**layer, "name": "second", "sqnr_db": 44.0},
            {**layer, "name": "third", "sqnr_db": None},
        ],
        "float_digest": SHA,
        "output_sqnr_db": 30.0,
        "parity": [],
        "samples": 32,
        "steps": [
            {
                "number": number,
                "name": step["steps"][-1]["pass"],
                "format": "onnx",
                "digest": step["digest"],
                "bytes": step["bytes"],
                "latencies_ns": [(10 - number) * 1_000_000] * 5,
            }
            for number, step in enumerate(steps, start=1)
        ],
        "threads_seconds": {"1": 0.001},
        "environment": {"cpu": "a CPU", "isa": "x86_64", "gpus": [], "threads": 1, "libraries": {"numpy": "2"}},
        "advice": [
            {
                "rule": "float_layers",
                "title": f"61 % of the time is in {HOSTILE}",
                "recipe": "onnx.quantize(),",
                "place": "at the end of the recipe",
                "gain": 1.4,
                "unit": "x",
                "basis": "peaks",
                "evidence": {"share": 0.61},
            }
        ],
    }


def image(told: Told, folder: Path, digit: str = "1") -> tuple[Path, Path]:
    """The statement and the bill of materials of an image of it."""
    facts = Facts(
        label=f"{told.label}_image",
        name="net",
        digest="sha256:" + 64 * digit,
        image={"layers": [{"digest": SHA, "mediaType": "application/vnd.oci.image.layer.v1.tar"}]},
        platform="linux/amd64",
        model=manifest.read(told.manifests[-1]),
        packages=[Package("deb", "libc6", "2.36-9", "amd64"), Package("pypi", "onnxruntime", "1.32.0")],
        version="1.0.0",
    )
    files = folder / f"{digit}.intoto.json", folder / f"{digit}.cdx.json"
    for path, content in zip(files, (statement(facts, "urn:builder", {}), bill_of_materials(facts)), strict=True):
        path.write_text(manifest.canonical_json(content))
    return files


def write_logs(logs: Path, *measurements: Mapping[str, Any]) -> Path:
    """As Bazel leaves them, unzipped."""
    for found in measurements:
        folder = logs / str(found["label"]).strip("/").replace(":", "/") / "test.outputs"
        folder.mkdir(parents=True)
        (folder / "measurement.json").write_text(json.dumps(found))
    return logs
