"""Importer, passes and exporter of `table` models: `table.json` with rows of weights by name."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from lepton_rules.plugin import (
    DatasetFile,
    ExportContext,
    ImportContext,
    LeptonError,
    ModelFacts,
    PassContext,
    TensorSpec,
)


def read(directory: Path) -> dict[str, list[float]]:
    table: dict[str, list[float]] = json.loads((directory / "table.json").read_text("utf-8"))
    return table


def signature(format: str, directory: Path) -> tuple[list[TensorSpec], list[TensorSpec]]:
    """Reads inputs and outputs of a model from its files."""
    name = {"table": "table.json", "text": "table.txt"}[format]
    text = (directory / name).read_text("utf-8")
    table = json.loads(text) if format == "table" else dict(line.split(":") for line in text.splitlines())
    first: Any = next(iter(table.values()))
    width = len(first) if format == "table" else len(first.split())
    return (
        [TensorSpec("x", "float32", ("batch", width))],
        [TensorSpec("y", "float32", ("batch", len(table)))],
    )


def facts(table: dict[str, list[float]]) -> ModelFacts:
    width, rows = len(next(iter(table.values()))), len(table)
    return ModelFacts(
        inputs=(TensorSpec("x", "float32", ("batch", width)),),
        outputs=(TensorSpec("y", "float32", ("batch", rows)),),
        parameters=width * rows,
        macs=width * rows,
        notes={"rows": sorted(set(table))},
    )


def write(table: dict[str, list[float]], output: Path) -> ModelFacts:
    (output / "table.json").write_text(json.dumps(table, sort_keys=True), "utf-8")
    return facts(table)


def import_table(context: ImportContext) -> ModelFacts:
    return write(json.loads(context.weights[0].read_text("utf-8")), context.output)


def round_table(context: PassContext) -> ModelFacts:
    table = read(context.model.path)
    unknown = sorted(set(context.config.exclude) - table.keys())
    if unknown:
        raise LeptonError("pass sample.round", f"'exclude' names {unknown[0]!r}, which is no row", "Name a row")
    factor = 10**context.config.digits
    cut = round if context.config.mode == "even" else math.trunc
    rounded = {
        name: row if name in context.config.exclude else [cut(weight * factor) / factor for weight in row]
        for name, row in table.items()
    }
    return write(rounded, context.output)


def centre_table(context: PassContext) -> ModelFacts:
    calibration = context.slots["calibration"]
    assert isinstance(calibration, DatasetFile)
    mean = calibration.arrays()["x"].mean()
    shift = round(float(mean) * context.config.share, 6)
    return write({name: [w - shift for w in row] for name, row in read(context.model.path).items()}, context.output)


def export_text(context: ExportContext) -> ModelFacts:
    table = read(context.model.path)
    lines = [f"{name}:{' '.join(map(str, row))}\n" for name, row in sorted(table.items())]
    (context.output / "table.txt").write_text("".join(lines), "utf-8")
    return facts(table)
