"""measurement.json: what a test measured, in one schema for all tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from lepton_rules.manifest import schema
from lepton_rules.measure.verdict import Outcome

SCHEMA_VERSION = 1
SCHEMA = Path(__file__).with_name("measurement.schema.json")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One model of a measurement: the target that made it, and the digest of its files ("sha256:" and 64 hexadecimal
    digits).
    """

    label: str
    digest: str


def measurement(
    kind: str,
    label: str,
    artifact: Measured,
    baseline: Measured | None,
    outcomes: Sequence[Outcome],
    samples: Mapping[str, Any],
    environment: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of measurement.json.

    Args:
      kind: of the test, one of measurement.schema.json.
      label: the test's label.
      samples: the raw values, JSON types only.
      environment: {"cpu", "isa", "gpus", "threads", "libraries"}, None where the verdict does not depend on a machine.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "label": label,
        "artifact": _model(artifact),
        "baseline": None if baseline is None else _model(baseline),
        "budgets": [_budget(outcome) for outcome in outcomes],
        "samples": dict(samples),
        "environment": None if environment is None else dict(environment),
    }


def problems(value: Any) -> list[str]:
    """What the schema forbids in `value` (as `json.loads` gives it); empty when it is a valid measurement."""
    return list(schema.problems(value, json.loads(SCHEMA.read_text(encoding="utf-8"))))


def _model(measured: Measured) -> dict[str, str]:
    return {"label": measured.label, "digest": measured.digest}


def _budget(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.budget.name,
        "limit": number(outcome.budget.limit),
        "value": None if outcome.value is None else number(outcome.value),
        "unit": outcome.budget.unit,
        "verdict": outcome.verdict.value,
        "interval": None if outcome.interval is None else list(outcome.interval),
        "message": outcome.message,
    }


def number(value: Decimal) -> int | float:
    """A decimal as the JSON number nearest to it; integers stay integers."""
    return int(value) if value == value.to_integral_value() else float(value)
