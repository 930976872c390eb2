"""metrics.json: what an action computed from a model's predictions on the evaluation split.

    {"schema_version": 1, "metrics": {"accuracy": 0.98}, "samples": 797, "model_digest": "sha256:…",
     "dataset_digest": "sha256:…", "predictions_digest": "sha256:…", "baseline_predictions_digest": null}

`model_digest` is the manifest's; the others are of the npz files. Deterministic, like everything that an action writes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.plugin.errors import LeptonError

SCHEMA_VERSION = 1

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_AGAIN = "Build it again with this version of lepton_rules"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The content of one file.

    Attributes:
      metrics: each metric's value, finite.
      samples: rows of the evaluation split.
      model_digest: of the model's files.
      dataset_digest: of the evaluation split's file.
      predictions_digest: of the file of the model's outputs.
      baseline_predictions_digest: of the file of the baseline's outputs, None where no metric needed them.
    """

    metrics: Mapping[str, float]
    samples: int
    model_digest: str
    dataset_digest: str
    predictions_digest: str
    baseline_predictions_digest: str | None = None

    def exact(self, name: str) -> Decimal:
        """A metric as the decimal that the file shows."""
        return Decimal(repr(self.metrics[name]))


def write(metrics: Metrics, path: Path) -> None:
    """Writes the file in its canonical form.

    Raises:
      LeptonError: a metric is not a finite number.
    """
    for name, value in metrics.metrics.items():
        if not math.isfinite(value):
            raise LeptonError(f"metric {name}", f"it is {value}", "Check the model's outputs and the dataset's labels")
    content = {"schema_version": SCHEMA_VERSION, **vars(metrics), "metrics": dict(metrics.metrics)}
    path.write_bytes(canonical_json(content).encode())


def read(path: Path, what: str) -> Metrics:
    """Reads and checks a file.

    Args:
      what: how errors call it.

    Raises:
      LeptonError: it cannot be read, or is none.
    """
    try:
        content = parse_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LeptonError(what, f"{path.name} cannot be read ({error})", _AGAIN) from error
    if problem := _problem(content):
        raise LeptonError(what, f"{path.name} is no metrics file: {problem}", _AGAIN)
    del content["schema_version"]
    return Metrics(**content)


def _problem(content: Any) -> str:
    fields = {"schema_version", *Metrics.__dataclass_fields__}
    if not isinstance(content, dict) or set(content) != fields:
        return f"it does not hold exactly {', '.join(sorted(fields))}"
    if content["schema_version"] != SCHEMA_VERSION:
        return f"its schema_version is {content['schema_version']!r}, not {SCHEMA_VERSION}"
    metrics, samples = content["metrics"], content["samples"]
    if not isinstance(metrics, dict) or not metrics:
        return "it has no metrics"
    for name, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"metric {name} is {value!r}"
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        return f"its samples are {samples!r}"
    for name in sorted(fields):
        value = content[name]
        absent = value is None and name.startswith("baseline_")
        if name.endswith("_digest") and not absent and not (isinstance(value, str) and _DIGEST.fullmatch(value)):
            return f"its {name} is {value!r}"
    return ""
