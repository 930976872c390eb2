"""Asks for measurements, one after the other, and remembers the answers by what was measured.

A measurement holds for a machine, a runtime's environment, two models by their digests, a batch, and the method that it
was made by; the same question is not asked twice, whatever trial, search or objective asks it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_rules.manifest import canonical_json
from lepton_rules.measure import paired
from lepton_rules.plugin.errors import LeptonError

_PROGRAM = Path(__file__).with_name("measuring.py")
_TIMEOUT_S = 600
_TRIES = 3
_WIDE = 1.25


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """How many times faster than the baseline, with bounds on it (None with too few pairs), and what moved."""

    speedup: float
    interval: tuple[float, float] | None
    pairs: int
    candidate_ms: float
    unstable: str

    @property
    def spread(self) -> float:
        """The upper bound over the lower, 1 for a figure without doubt; infinite with too few pairs for bounds."""
        return math.inf if self.interval is None else self.interval[1] / self.interval[0]

    @property
    def clear(self) -> bool:
        """Whether the figure may stand for itself."""
        return not self.unstable and self.spread <= _WIDE

    @property
    def counted(self) -> float:
        """The speed-up that a search goes by: the median, or the lower bound of a figure that is not clear, so that
        none wins by luck.
        """
        return self.speedup if self.clear or self.interval is None else self.interval[0]

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return {
            "speedup": self.speedup,
            "interval": None if self.interval is None else list(self.interval),
            "pairs": self.pairs,
            "candidate_ms": self.candidate_ms,
            "unstable": self.unstable,
        }

    @staticmethod
    def of(value: Mapping[str, Any]) -> Measurement:
        """From JSON."""
        interval = value["interval"]
        return Measurement(**{**value, "interval": None if interval is None else (interval[0], interval[1])})


class Measurer:
    """Measures pairs of models on this machine.

    Args:
      facts: what the `.tune` target wrote.
      launcher: the Python of the runtime's environment.
      memory: the file that remembers, a JSON object a line.
      batch: samples in one inference.
    """

    def __init__(
        self,
        facts: Mapping[str, Any],
        *,
        launcher: Path,
        python_path: Sequence[str],
        identity: Path,
        dataset: Path | None,
        memory: Path,
        batch: int,
        pairs: int,
        seconds: float,
    ) -> None:
        self._facts = facts
        self._launcher = launcher
        self._python_path = list(python_path)
        self._identity = identity
        self._dataset = dataset
        self._memory = memory
        self._batch = batch
        self._pairs = pairs
        self._seconds = seconds
        self._known: dict[str, Measurement] = {}
        if memory.exists():
            for line in memory.read_text("utf-8").splitlines():
                try:
                    entry = json.loads(line)
                    self._known[entry["key"]] = Measurement.of(entry["measurement"])
                except (ValueError, KeyError, TypeError):
                    continue  # a line that was cut off by an interruption
        self.asked = 0

    def measure(
        self, baseline: Path, candidate: Path, digests: tuple[str, str], pairs: int | None = None
    ) -> Measurement:
        """The candidate against the baseline: folders of models, and their digests. The clearest of up to three
        measurements, where the first ones are not clear.

        Raises:
          LeptonError: it cannot be measured.
        """
        if self._dataset is None:
            raise LeptonError(
                "tune",
                "the artifact has no dataset to take inputs from",
                "Give it one, or search for goals that are not measured, such as size_bytes",
                self._facts["artifact"],
            )
        wanted = pairs or self._pairs
        key = self._key(digests, wanted)
        if key in self._known:
            return self._known[key]
        found = [self._asked(baseline, candidate, key, wanted, 0)]
        while len(found) < _TRIES and not found[-1].clear:
            # Something disturbed the machine, and a search takes the luckiest of many figures for the best.
            found.append(self._asked(baseline, candidate, key, wanted, len(found)))
        measurement = min(found, key=lambda one: (not one.clear, one.spread))
        self._known[key] = measurement
        with self._memory.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"key": key, "measurement": measurement.as_json()}, sort_keys=True) + "\n")
        return measurement

    def _asked(self, baseline: Path, candidate: Path, key: str, wanted: int, attempt: int) -> Measurement:
        request = {
            "label": self._facts["artifact"],
            "runtime": self._facts["runtime"],
            "hardware": self._facts["hardware"],
            "python_path": self._python_path,
            "identity": str(self._identity),
            "dataset": str(self._dataset),
            "baseline": str(baseline),
            "candidate": str(candidate),
            "batch": self._batch,
            "pairs": wanted,
            "seconds": self._seconds * wanted / self._pairs,
            "seed": int(key[:8], 16) + attempt,
        }
        file = self._memory.with_name("request.json")
        file.write_text(canonical_json(request), "utf-8")
        self.asked += 1
        try:
            process = subprocess.run(
                [str(self._launcher), str(_PROGRAM), str(file)],
                env={**os.environ, "PYTHONHASHSEED": "0"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LeptonError(
                "measurement", f"it gave no figure in {_TIMEOUT_S} s", "Mend the model", self._facts["artifact"]
            ) from error
        if process.returncode:
            said = process.stderr.strip().splitlines() or ["it said nothing"]
            ours = [line for line in said if line.startswith("lepton: ")]
            raise LeptonError(
                "measurement", (ours or said)[-1].removeprefix("lepton: "), "Mend that", self._facts["artifact"]
            )
        return Measurement.of(json.loads(process.stdout))

    def _key(self, digests: tuple[str, str], pairs: int) -> str:
        content = {
            "batch": self._batch,
            "dataset": str(self._dataset),
            "digests": list(digests),
            "environment": self._launcher.with_name("env.key").read_text("utf-8"),
            "hardware": self._facts["hardware"],
            "machine": self._identity.read_text("utf-8"),
            "method": paired.METHOD,
            "pairs": pairs,
            "seconds": self._seconds,
        }
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()
