"""A Bazel and a chip that are fakes, for searches that take no time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samples import EXPORT, QUANTIZE, facts

from lepton_rules.manifest import digest_directory
from lepton_rules.tune.bazel import Built
from lepton_rules.tune.measurer import Measurement
from lepton_rules.tune.space import Space

SPACE = Space(facts([EXPORT, QUANTIZE]))
MANIFEST: dict[str, Any] = {
    "schema_version": 1,
    "format": "onnx",
    "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", 4]}],
    "outputs": [{"name": "y", "dtype": "float32", "shape": ["batch", 2]}],
    "parameters": 10,
    "macs": 20,
    "parent": None,
    "steps": [
        {
            "pass": "onnx.quantize",
            "config": {},
            "config_version": 1,
            "plugin": {"name": "onnx", "version": "1"},
            "libraries": {},
        }
    ],
    "hardware": None,
    "notes": {},
}


@dataclass
class FakeBazel:
    """Makes a manifest for each target from the BUILD file of the batch."""

    folder: Path
    refuses: str = "no such text"
    builds: list[Sequence[str]] = field(default_factory=list)

    def build(self, targets: Sequence[str], options: Sequence[str], events: Path) -> Built:
        self.builds.append(targets)
        (override,) = options
        build_file = (Path(override.split("=", 2)[2]) / "BUILD.bazel").read_text()
        files = {}
        errors = []
        for label in targets:
            name = label.partition("//:")[2]
            rule = build_file.partition(f'name = "{name}"')[2].partition("\n)")[0]
            if self.refuses in rule:
                errors.append(f"lepton: pass onnx.quantize in {label}: it cannot. Do not.")
                continue
            place = self.folder / name
            (place / "model").mkdir(parents=True, exist_ok=True)
            size = 100 if "start = 1" in rule and "step = -1" in rule else 30 if "Entropy" in rule else 25
            # per_channel makes no difference to the bytes: the same model.
            (place / "model" / "model.onnx").write_bytes(b"x" * size)
            table, digest = digest_directory(place / "model")
            weights = f"sha256:{table['model.onnx']['sha256']}"
            manifest = MANIFEST | {"bytes": size, "digest": digest, "files": table, "weights_digest": weights}
            (place / "manifest.json").write_text(json.dumps(manifest))
            accuracy = 0.9 if "Percentile" in rule else 0.98
            metrics = {
                "schema_version": 1,
                "metrics": {"accuracy": accuracy},
                "samples": 100,
                "model_digest": digest,
                "dataset_digest": "sha256:" + "1" * 64,
                "predictions_digest": "sha256:" + "2" * 64,
                "baseline_predictions_digest": None,
            }
            (place / "metrics.json").write_text(json.dumps(metrics))
            files[label] = [place / "manifest.json", place / "model" / "model.onnx", place / "metrics.json"]
        return Built(files=files, errors=errors, actions=len(files), cached=0)


@dataclass
class FakeMeasurer:
    """Speed-ups by digest; notes what it was asked."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def measure(
        self, baseline: Path, candidate: Path, digests: tuple[str, str], pairs: int | None = None
    ) -> Measurement:
        self.asked.append(digests)
        size = (candidate / "model.onnx").stat().st_size
        speedup = {30: 4.0, 25: 3.0}[size]
        return Measurement(
            speedup=speedup, interval=(speedup - 0.1, speedup + 0.1), pairs=60, candidate_ms=1.0, unstable=""
        )
