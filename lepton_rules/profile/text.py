"""A profile for people: short tables, and the advice below them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from lepton_rules.measure.table import table
from lepton_rules.measure.verdict import show
from lepton_rules.profile.advice import Advice
from lepton_rules.profile.evidence import Profile

_ROWS = 10


def text(profile: Profile, advice: Sequence[Advice]) -> str:
    """What `<artifact>.profile` prints."""
    parts = [profile.label, _facts(profile)]
    if profile.groups:
        parts += [
            "",
            "time by operator",
            _groups(profile),
            "",
            f"slowest of {len(profile.nodes)} nodes",
            _nodes(profile),
        ]
        parts += ["", "placement", _placement(profile)]
    if any(layer.sqnr_db is not None for layer in profile.layers):
        parts += [
            "",
            f"sensitivity: SQNR of the outputs with one layer in 8 bits, {profile.samples} samples",
            _layers(profile),
        ]
    elif profile.layers:
        why = "nobody asked, or the lineage has no model in float32 that fits in one message"
        parts += ["", f"sensitivity was not measured: {why}"]
    if any(step.latencies_ns for step in profile.steps):
        parts += ["", "after each pass", _steps(profile)]
    parts += ["", "advice", *(_advice(number, one) for number, one in enumerate(advice, start=1))]
    if not advice:
        parts.append("none: no rule found at least 5 % to gain in these figures")
    return "\n".join(parts) + "\n"


def _facts(profile: Profile) -> str:
    median = statistics.median(profile.latencies_ns) / 1e6
    rows = [
        ["digest", profile.digest],
        ["chip", f"{profile.target}, {profile.threads} of {profile.cores} cores, batch {profile.batch}"],
        ["latency", f"{show(median, 4)} ms, the median of {len(profile.latencies_ns)}"],
    ]
    if profile.groups:
        rows.append(["in operators", f"{show(1000 * profile.kernel_seconds, 4)} ms with the profiler on"])
    if profile.roof_share is not None:
        rows.append(["of the roofline", f"{100 * profile.roof_share:.0f} %"])
    if profile.peaks is not None:
        best = [f"{name} {rate / 1e9:.0f} G/s" for name, rate in profile.peaks["operations"].items()]
        best += [f"{size / 2**20:g} MiB {rate / 1e9:.0f} GB/s" for size, rate in profile.peaks["bandwidth"]]
        rows.append(["measured peaks", ", ".join(best)])
    if profile.output_sqnr_db is not None:
        rows.append(["outputs", f"{profile.output_sqnr_db:g} dB against the model in floating point"])
    memory = profile.memory
    if memory:
        load, run = (memory[name] - memory["libraries"] for name in ("load_peak", "inference_peak"))
        rows.append(
            ["memory", f"{_mb(load)} to load, {_mb(run)} to run, beside {_mb(memory['libraries'])} of libraries"]
        )
    return table(rows[0], rows[1:])


def _groups(profile: Profile) -> str:
    rows = [
        [
            group.operator,
            group.precision or "-",
            str(group.nodes),
            _us(group.seconds),
            _percent(group.share),
            _percent(group.roof_share),
        ]
        for group in profile.groups[:_ROWS]
    ]
    return table(["operator", "precision", "nodes", "us", "share", "of roof"], rows, right=(2, 3, 4, 5))


def _nodes(profile: Profile) -> str:
    rows = [
        [
            node.layer or node.name,
            node.operator,
            node.precision or "-",
            _us(node.seconds),
            _percent(node.share),
            _percent(node.roof_share),
            node.bound or "-",
        ]
        for node in profile.nodes[:_ROWS]
    ]
    head = ["node", "operator", "precision", "us", "share", "of roof", "bound by"]
    return table(head, rows, right=(3, 4, 5))


def _placement(profile: Profile) -> str:
    places = sorted({node.place for node in profile.nodes})
    rows = [
        [
            place or "-",
            str(sum(1 for node in profile.nodes if node.place == place)),
            _percent(sum(node.share for node in profile.nodes if node.place == place)),
        ]
        for place in places
    ]
    return table(["place", "nodes", "share"], rows, right=(1, 2))


def _layers(profile: Profile) -> str:
    measured = [layer for layer in profile.layers if layer.sqnr_db is not None]
    rows = [
        [layer.name, layer.operator, layer.precision, f"{layer.weights:,}", f"{layer.sqnr_db:g}", _percent(layer.share)]
        for layer in measured[:_ROWS]
    ]
    shown = table(["layer", "operator", "precision", "weights", "dB", "share"], rows, right=(3, 4, 5))
    more = len(measured) - _ROWS
    return shown + (f"\nand {more} more, all better; see --json" if more > 0 else "")


def _steps(profile: Profile) -> str:
    rows = [
        [
            str(step.number),
            step.name,
            step.format,
            f"{step.bytes:,}",
            f"{show(statistics.median(step.latencies_ns) / 1e6, 4)} ms" if step.latencies_ns else "-",
        ]
        for step in profile.steps
    ]
    return table(["step", "pass", "format", "bytes", "latency"], rows, right=(0, 3, 4))


def _advice(number: int, advice: Advice) -> str:
    line = advice.recipe.replace("\n", "\n     ")
    return f"{number}. {advice.title}.\n   {advice.place}:\n     {line}\n   rests on: {advice.basis}."


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.0f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _mb(number: int) -> str:
    return f"{number / 1e6:.0f} MB"
