"""Measurements as tests write them, made by the code that writes them."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from lepton_rules.measure.budget import Budget
from lepton_rules.measure.measurement import Measured, measurement
from lepton_rules.measure.verdict import Outcome, Verdict
from lepton_rules.tools.history.store import Record, record

ENVIRONMENT = {"cpu": "A CPU", "isa": "x86_64_avx2", "gpus": [], "threads": 1, "libraries": {"onnxruntime": "1.32.0"}}


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def measured(
    value: float,
    artifact: int = 1,
    *,
    label: str = "//models:net_latency_test",
    name: str = "min_speedup",
    environment: dict[str, Any] | None = ENVIRONMENT,
    samples: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A measurement.json of one budget."""
    budget = Budget(name=name, limit=Decimal("3"), unit="ratio", suffix="")
    outcome = Outcome(budget=budget, verdict=Verdict.PASS, value=Decimal(repr(value)), why="it is")
    kind = "latency" if environment else "size"
    one = Measured(label="//models:net", digest=digest(artifact))
    made = measurement(kind, label, one, None, [outcome], samples or {}, environment)
    parsed: dict[str, Any] = json.loads(json.dumps(made))
    return parsed


def records(values: Sequence[float], artifacts: Sequence[int], **more: Any) -> list[Record]:
    """One record a value, an hour apart."""
    return [
        record(
            measured(value, artifact, samples={"n": i}, **more), f"2026-01-{1 + i // 24:02}T{i % 24:02}:00:00Z", f"c{i}"
        )
        for i, (value, artifact) in enumerate(zip(values, artifacts, strict=True))
    ]


def noisy(levels: Sequence[tuple[int, float]], seed: int, noise: float = 0.02, spikes: float = 0.03) -> list[float]:
    """(length, level) stretches, with relative noise, and now and then a run that something disturbed."""
    draw = random.Random(seed)
    return [
        level * (1 + draw.gauss(0, noise)) * (0.7 if draw.random() < spikes else 1.0)
        for length, level in levels
        for _ in range(length)
    ]


def test_logs(folder: Path, content: dict[str, Any], test: str = "net_latency_test", *, zipped: bool = True) -> Path:
    """A test's outputs as Bazel leaves them."""
    place = folder / "models" / test / "test.outputs"
    place.mkdir(parents=True, exist_ok=True)
    if not zipped:
        (place / "measurement.json").write_text(json.dumps(content))
        return place / "measurement.json"
    with zipfile.ZipFile(place / "outputs.zip", "w") as archive:
        archive.writestr("other.txt", "x")
        entry = zipfile.ZipInfo("measurement.json", (2026, 1, 31, 12, 0, 0))
        archive.writestr(entry, json.dumps(content))
    return place / "outputs.zip"
