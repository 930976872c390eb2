"""What is known of a trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lepton_rules.manifest import read
from lepton_rules.measure import metrics_file
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tune.objective import Objective
from lepton_rules.tune.space import Candidate

MEASURED = "measured"
PRUNED = "pruned"
REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One candidate, and what became of it.

    Attributes:
      name: "3", or "recipe" and "baseline" for those that are there to compare with.
      outcome: MEASURED; PRUNED when a fact of the build broke a constraint, so that nothing was measured; REFUSED when
        it could not be built or run.
      digest: of its model's files.
      values: by quantity, all that are known.
      interval: bounds on the speed-up.
      why: of what is not MEASURED, or what is to be known of the measurement.
    """

    name: str
    candidate: Candidate
    outcome: str
    digest: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """What `of` reads."""
        return {
            "name": self.name,
            "without": list(self.candidate.without),
            "changes": {str(step): dict(fields) for step, fields in self.candidate.changes.items()},
            "outcome": self.outcome,
            "digest": self.digest,
            "values": dict(self.values),
            "interval": None if self.interval is None else list(self.interval),
            "why": self.why,
        }

    @staticmethod
    def of(value: Mapping[str, Any]) -> Trial:
        """From JSON."""
        return Trial(
            name=value["name"],
            candidate=Candidate(
                without=tuple(value["without"]),
                changes={int(step): fields for step, fields in value["changes"].items()},
            ),
            outcome=value["outcome"],
            digest=value["digest"],
            values=value["values"],
            interval=None if value["interval"] is None else (value["interval"][0], value["interval"][1]),
            why=value["why"],
        )

    def with_speedup(self, speedup: float, interval: tuple[float, float] | None, why: str = "") -> Trial:
        """The same with its measurement."""
        values = dict(self.values) | {"speedup": speedup, "latency": 1 / speedup}
        return replace(self, outcome=MEASURED, values=values, interval=interval, why=why)


def model_directory(files: Sequence[Path]) -> Path:
    """The folder of the model among a target's outputs."""
    return next(file for file in files if file.name == "manifest.json").with_name("model")


def facts(files: Sequence[Path], baseline: Mapping[str, float] | None) -> tuple[str, dict[str, float]]:
    """The digest and the facts of a build: sizes from its manifest, metrics from its metrics.json.

    Args:
      files: the outputs of its target.
      baseline: the baseline's facts; None for the baseline itself.
    """
    manifest = read(next(file for file in files if file.name == "manifest.json"))
    values: dict[str, float] = {"size_bytes": manifest["bytes"], "parameters": manifest["parameters"]}
    if manifest["macs"] is not None:
        values["macs"] = manifest["macs"]
    values["size_ratio"] = manifest["bytes"] / max(1, (baseline or values)["size_bytes"])
    for file in files:
        if file.name == "metrics.json":
            found = metrics_file.read(file, f"metrics of {file.parent.name}")
            for name in found.metrics:
                # Decimals, so that a drop of exactly 0.005 is that.
                value = found.exact(name)
                values[name] = float(value)
                if baseline is None or name in baseline:
                    before = value if baseline is None else type(value)(repr(baseline[name]))
                    values[f"{name}_drop"], values[f"{name}_rise"] = float(before - value), float(value - before)
    return str(manifest["digest"]), values


def require(values: Mapping[str, float], objective: Objective, label: str) -> None:
    """Raises LeptonError where the objective names a fact that the artifact has not."""
    for quantity in objective.quantities:
        if not quantity.measured and quantity.name not in values:
            raise LeptonError(
                "objective",
                f"{quantity.name} is not known of {label}",
                "Leave it out, or give the artifact a dataset and the metric",
                label,
            )


def front(trials: Sequence[Trial], objective: Objective) -> list[Trial]:
    """The trials that keep all constraints and that no other one beats in a goal without losing in another, the best in
    the first goal first. One of several that are alike.
    """
    feasible = [t for t in trials if t.outcome == MEASURED and not objective.violations(t.values)]
    found: list[tuple[tuple[float, ...], Trial]] = []
    for trial in feasible:
        mine = objective.goodness(trial.values)
        others = (objective.goodness(other.values) for other in feasible)
        beaten = any(all(a <= b for a, b in zip(o, mine, strict=True)) and o != mine for o in others)
        if not beaten and all(mine != known for known, _ in found):
            found.append((mine, trial))
    return [trial for _, trial in sorted(found, key=lambda pair: pair[0])]
