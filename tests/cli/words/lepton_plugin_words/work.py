"""What the plugin's components do."""

from __future__ import annotations

import json
import os
import random
import sys
from collections import UserString
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lepton_rules.plugin import (
    DatasetFile,
    ExportContext,
    ImportContext,
    LeptonError,
    ModelDirectory,
    ModelFacts,
    PassContext,
    SavedModel,
)

_FILE = "model.txt"


def _write(output: Path, lines: Sequence[str]) -> ModelFacts:
    (output / _FILE).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return ModelFacts(inputs=(), outputs=(), parameters=len(lines), macs=None)


def _lines(model: ModelDirectory) -> list[str]:
    return (model.path / _FILE).read_text("utf-8").splitlines()


def read(context: ImportContext) -> ModelFacts:
    return _write(context.output, [line for path in context.sources for line in path.read_text("utf-8").splitlines()])


def save(text: UserString, directory: Path, config: Mapping[str, Any]) -> SavedModel:
    (directory / "text").write_text(text.data, "utf-8")
    return SavedModel(sources=(directory / "text",), config=config)


def load(model: ModelDirectory) -> UserString:
    return UserString("\n".join(_lines(model)))


def shorten(context: PassContext) -> ModelFacts:
    width = context.config.width
    cut = slice(width) if context.config.side == "left" else slice(-width, None)
    return _write(context.output, [line[cut] for line in _lines(context.model)])


def shuffle(context: PassContext) -> ModelFacts:
    lines = _lines(context.model)
    random.shuffle(lines)  # With the generator that the action seeded.
    return _write(context.output, lines)


def append(context: PassContext) -> ModelFacts:
    lines = _lines(context.model)
    more, other = context.slots["more"], context.slots.get("other")
    assert isinstance(more, DatasetFile)
    lines += more.path.read_text("utf-8").splitlines()  # No numpy is needed to read a file of words.
    if isinstance(other, ModelDirectory):
        lines += _lines(other)
    return _write(context.output, lines)


def witness(context: PassContext) -> ModelFacts:
    """Writes what it sees of the process that it runs in, and of the chip."""
    seen = {
        "environment": {key: value for key, value in os.environ.items() if key not in ("HOME", "TMPDIR")},
        "flags": [sys.flags.no_user_site, sys.flags.safe_path, sys.flags.hash_randomization],
        "hash": hash("lepton"),
        "seed": context.seed,
        "threads": context.threads,
        "target": context.hardware.target if context.hardware else None,
        "font": context.hardware.options["font"] if context.hardware else None,
    }
    return _write(context.output, [json.dumps(seen, sort_keys=True)])


def fail(context: PassContext) -> ModelFacts:
    print("said on the way")
    raise LeptonError("words", "there are none\nat all", "Write some")


def join(context: ExportContext) -> ModelFacts:
    return _write(context.output, [context.config.mark.join(_lines(context.model))])


def count(context: PassContext) -> ModelFacts:
    return _write(context.output, [*_lines(context.model), str(len(_lines(context.model)[0]))])


class Reader:
    """No test runs it."""
