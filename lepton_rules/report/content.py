"""What a report says, as plain data: the page is made from it, and it is the JSON twin (report.schema.json).

What an action can know is in it from the start; what was measured is merged later, by `measured`.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lepton_rules.manifest import read
from lepton_rules.measure import metrics_file
from lepton_rules.measure.metrics_file import Metrics
from lepton_rules.report import provenance
from lepton_rules.report.next_steps import next_steps
from lepton_rules.report.pareto import dominated

SCHEMA_VERSION = 1
# Metrics where less is better; of all others more is.
_LESS_IS_BETTER = ("rmse", "mae", "perplexity", "loss", "error")


def artifact(
    label: str,
    manifests: Sequence[Path],
    metrics: Path | None,
    step_metrics: Mapping[int, Path],
    recipe: str,
) -> dict[str, Any]:
    """One artifact's entry.

    Args:
      manifests: one for each step, the oldest first; the last is the artifact's own.
      metrics: its metrics.json.
      step_metrics: those of steps, counted from 1.
      recipe: the content of recipe.yaml.

    Raises:
      LeptonError: a file is none.
    """
    steps = [read(path) for path in manifests]
    own = steps[-1]
    known = None if metrics is None else metrics_file.read(metrics, f"metrics of {label}")
    measured = {number: metrics_file.read(path, f"metrics of step {number}") for number, path in step_metrics.items()}
    if known is not None:
        measured[len(steps)] = known
    return {
        "label": label,
        "digest": own["digest"],
        "format": own["format"],
        "hardware": own["hardware"]["target"] if own["hardware"] else None,
        "bytes": own["bytes"],
        "parameters": own["parameters"],
        "macs": own["macs"],
        "inputs": own["inputs"],
        "outputs": own["outputs"],
        "metrics": {} if known is None else dict(known.metrics),
        "samples": None if known is None else known.samples,
        "dataset_digest": None if known is None else known.dataset_digest,
        "lineage": _lineage(steps, measured),
        "recipe": recipe,
        "provenance": provenance.of_model(label, own),
        "commands": {
            "build": f"bazel build {label}",
            "report": f"bazel run {label}.report",
            "recipe": f"bazel build {label} --output_groups=recipe",
        },
        "budgets": [],
        "latency": None,
        "parity": [],
        "parity_against": None,
        "profile": None,
    }


def _lineage(steps: Sequence[Mapping[str, Any]], measured: Mapping[int, Metrics]) -> list[dict[str, Any]]:
    """One row for each step of the artifact's own manifest, with what is known of the model after it."""
    known = {len(manifest["steps"]): (number, manifest) for number, manifest in enumerate(steps, start=1)}
    first: dict[int, int] = {}
    for number, made in enumerate(steps, start=1):
        # A model that a chip is only bound to has the steps of the one before, which made them.
        first.setdefault(len(made["steps"]), number)
    rows = []
    for index, step in enumerate(steps[-1]["steps"], start=1):
        number, manifest = known.get(index, (0, None))
        metrics = measured.get(number)
        rows.append(
            {
                "number": index,
                "pass": step["pass"],
                "plugin": f"{step['plugin']['name']} {step['plugin']['version']}",
                "libraries": dict(step["libraries"]),
                "config": step["config"],
                "notes": steps[-1]["notes"].get(step["pass"]),
                "command": step.get("command"),
                "format": manifest["format"] if manifest else None,
                "digest": manifest["digest"] if manifest else None,
                "bytes": manifest["bytes"] if manifest else None,
                "parameters": manifest["parameters"] if manifest else None,
                "macs": manifest["macs"] if manifest else None,
                "metrics": dict(metrics.metrics) if metrics else {},
                "latency_ms": None,
                "model": first.get(index),
                "build": None,
            }
        )
    return rows


def report(label: str, artifacts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The whole, without measurements. The first artifact is what the others are compared with."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "kind": "report",
        "label": label,
        "measured": False,
        "artifacts": list(artifacts),
        "comparison": [],
        "pareto": [],
        "missing": [],
        "environment": None,
    }
    return finish(content)


def finish(content: dict[str, Any]) -> dict[str, Any]:
    """Fills in what follows from the rest: comparison, Pareto front, next steps."""
    artifacts = content["artifacts"]
    content["comparison"] = _comparison(artifacts)
    content["pareto"] = _pareto(artifacts)
    for entry in artifacts:
        for budget in entry["budgets"]:
            budget["next"] = next_steps(budget, budget["test"], entry)
    return content


def latency_ms(entry: Mapping[str, Any]) -> float | None:
    """An artifact's median, in milliseconds; None where it was not measured. The profile's wins: all artifacts of a
    report are profiled in the same way, and tests differ.
    """
    found = entry["profile"] or entry["latency"]
    return None if found is None else float(found["median_ms"])


def _comparison(artifacts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Before and after: every artifact against the first, or one artifact against the first step of its lineage."""
    if len(artifacts) == 1:
        entry = artifacts[0]
        before = next((step for step in entry["lineage"] if step["bytes"] is not None), None)
        if before is None or len(entry["lineage"]) < 2:
            return []
        timed = next((step for step in entry["lineage"] if step["latency_ms"] is not None), None)
        own: list[tuple[str, Any, Any, str]] = [
            ("bytes", before["bytes"], entry["bytes"], before["pass"]),
            ("parameters", before["parameters"], entry["parameters"], before["pass"]),
            ("MACs", before["macs"], entry["macs"], before["pass"]),
        ]
        for name, value in entry["metrics"].items():
            known = next((step for step in entry["lineage"] if name in step["metrics"]), None)
            if known is not None and known["number"] != entry["lineage"][-1]["number"]:
                own.append((name, known["metrics"][name], value, known["pass"]))
        if timed is not None:
            # Both in turns: alone, the artifact is faster than after others that emptied its caches.
            own.append(("median ms", timed["latency_ms"], entry["lineage"][-1]["latency_ms"], timed["pass"]))
        return [
            _pair(entry["label"], f"after {source}", what, was, now)
            for what, was, now, source in own
            if was is not None and now is not None
        ]
    first = artifacts[0]
    rows = []
    for entry in artifacts[1:]:
        pairs: list[tuple[str, Any, Any]] = [
            ("bytes", first["bytes"], entry["bytes"]),
            ("parameters", first["parameters"], entry["parameters"]),
            ("MACs", first["macs"], entry["macs"]),
            *[(name, first["metrics"].get(name), value) for name, value in entry["metrics"].items()],
            ("median ms", latency_ms(first), latency_ms(entry)),
        ]
        rows += [_pair(entry["label"], first["label"], *pair) for pair in pairs if None not in pair]
    return rows


def _pair(label: str, against: str, what: str, before: float, after: float) -> dict[str, Any]:
    return {
        "artifact": label,
        "against": against,
        "what": what,
        "before": before,
        "after": after,
        "ratio": after / before if before else None,
    }


def _pareto(artifacts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Size, latency, and the first metric that all have. Only artifacts for the same chip replace each other."""
    if len(artifacts) < 2:
        return []
    names = [name for name in artifacts[0]["metrics"] if all(name in entry["metrics"] for entry in artifacts)]
    by_chip: dict[str | None, dict[str, list[float | None]]] = {}
    for entry in artifacts:
        figures: list[float | None] = [entry["bytes"], latency_ms(entry)]
        if names:
            value = entry["metrics"][names[0]]
            figures.append(value if any(word in names[0] for word in _LESS_IS_BETTER) else -value)
        by_chip.setdefault(entry["hardware"], {})[entry["label"]] = figures
    worse = set().union(*(dominated(points) for points in by_chip.values()))
    return [
        {
            "artifact": entry["label"],
            "bytes": entry["bytes"],
            "latency_ms": latency_ms(entry),
            "metric": names[0] if names else None,
            "value": entry["metrics"][names[0]] if names else None,
            "dominated": entry["label"] in worse,
        }
        for entry in artifacts
    ]


def add_measurement(content: dict[str, Any], measurement: Mapping[str, Any]) -> bool:
    """Puts a test's budgets to the artifact of that digest; False where the report has no such artifact."""
    entry = next((one for one in content["artifacts"] if one["digest"] == measurement["artifact"]["digest"]), None)
    if entry is None:
        return False
    tests = {budget["test"] for budget in entry["budgets"]}
    if measurement["label"] in tests:
        entry["budgets"] = [budget for budget in entry["budgets"] if budget["test"] != measurement["label"]]
    baseline = measurement.get("baseline") or {}
    for budget in measurement["budgets"]:
        entry["budgets"].append(
            {
                "test": measurement["label"],
                "kind": measurement["kind"],
                "name": budget["name"],
                "limit": budget["limit"],
                "value": budget["value"],
                "unit": budget["unit"],
                "verdict": budget["verdict"],
                "margin": _margin(budget),
                "interval": budget.get("interval"),
                "message": budget["message"],
                "baseline": baseline.get("label"),
                "next": [],
            }
        )
    entry["budgets"].sort(key=lambda budget: (budget["test"], budget["name"]))
    samples = measurement["samples"]
    pairs = samples.get("pairs")
    if measurement["kind"] == "latency" and isinstance(pairs, dict) and pairs.get("candidate_ns"):
        repeats = pairs.get("repeats", 1)
        candidate = [value / repeats for value in pairs["candidate_ns"]]
        before = [value / repeats for value in pairs.get("baseline_ns", [])]
        entry["latency"] = latency(candidate, measurement["label"], before, baseline.get("label"))
    elif measurement["kind"] == "latency" and samples.get("latencies_ns"):
        entry["latency"] = latency(samples["latencies_ns"], measurement["label"])
    if measurement.get("environment"):
        content["environment"] = dict(measurement["environment"])
    content["measured"] = True
    return True


def latency(
    nanoseconds: Sequence[float], source: str, baseline: Sequence[float] = (), against: str | None = None
) -> dict[str, Any]:
    """An artifact's latencies, in milliseconds and in the order in which they ran."""
    values = [value / 1e6 for value in nanoseconds]
    ordered = sorted(values)
    return {
        "source": source,
        "median_ms": statistics.median(values),
        "least_ms": ordered[0],
        "most_ms": ordered[-1],
        "samples_ms": values,
        "baseline": against,
        "baseline_ms": [value / 1e6 for value in baseline],
    }


def add_profile(content: dict[str, Any], profile: Mapping[str, Any]) -> bool:
    """Puts a profile to the artifact of its digest; False where there is none."""
    entry = next((one for one in content["artifacts"] if one["digest"] == profile["digest"]), None)
    if entry is None:
        return False
    entry["profile"] = {
        "target": profile["target"],
        "threads": profile["threads"],
        "cores": profile["cores"],
        "batch": profile["batch"],
        "median_ms": statistics.median(profile["latencies_ns"]) / 1e6,
        "kernel_ms": profile["kernel_seconds"] * 1000,
        "roof_share": profile["roof_share"],
        "peaks": profile["peaks"],
        "memory": profile["memory"],
        "output_sqnr_db": profile["output_sqnr_db"],
        "samples": profile["samples"],
        "groups": profile["groups"],
        "nodes": profile["nodes"][:20],
        "layers": profile["layers"],
        "advice": profile["advice"],
    }
    entry["latency"] = entry["latency"] or latency(profile["latencies_ns"], f"{entry['label']}.profile")
    by_digest = {step["digest"]: step["latencies_ns"] for step in profile["steps"]}
    for step in entry["lineage"]:
        latencies = by_digest.get(step["digest"])
        step["latency_ms"] = statistics.median(latencies) / 1e6 if latencies else None
    if not entry["parity"] and profile.get("parity"):
        entry["parity"] = profile["parity"]
        entry["parity_against"] = "the last model of its lineage in floating point"
    content["environment"] = dict(profile["environment"])
    content["measured"] = True
    return True


def add_build_times(content: dict[str, Any], times: Mapping[tuple[str, int], Mapping[str, Any]]) -> None:
    """Puts to each step how long its pass ran in a build, by the artifact's label and the number of its model."""
    for entry in content["artifacts"]:
        for step in entry["lineage"]:
            found = times.get((entry["label"], step["model"]))
            if found is not None:
                step["build"] = dict(found)
                content["measured"] = True


def _margin(budget: Mapping[str, Any]) -> float | None:
    """The room that is left as a fraction of the limit; negative where it is broken."""
    if budget["value"] is None or not budget["limit"]:
        return None
    room = budget["value"] - budget["limit"]
    return float((room if str(budget["name"]).startswith("min_") else -room) / budget["limit"])
