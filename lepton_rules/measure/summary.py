"""The program of the runnable `<artifact>.summary`: size, accuracy and lineage of an artifact as tables.

    launch -s -P lepton_rules/measure/summary.py --label=//x:y --manifest=<oldest> … --manifest=<the artifact's own>
        [--metrics=…] [--step_metrics=1=…] [--baseline_label=//x:b --baseline_manifest=… [--baseline_metrics=…]]

One `--manifest` for each step, oldest first; `--step_metrics` for those, counted from 1, whose outcome was measured.
Reads manifests and metrics only: no weights, no measurement, no time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import read
from lepton_rules.measure import metrics_file
from lepton_rules.measure.metrics_file import Metrics
from lepton_rules.measure.table import table
from lepton_rules.measure.verdict import show
from lepton_rules.plugin.errors import LeptonError

_NONE = "-"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LeptonError("summary", f"its command line is wrong ({message})", "Report this to lepton_rules")


def summary(arguments: argparse.Namespace) -> str:
    """The text that is printed. Raises LeptonError for a file that is none."""
    steps = [read(path) for path in arguments.manifest]
    metrics = (
        None if arguments.metrics is None else metrics_file.read(arguments.metrics, f"metrics of {arguments.label}")
    )
    lines = [arguments.label, _facts(steps[-1], metrics)]
    if arguments.baseline_manifest is not None:
        baseline = read(arguments.baseline_manifest)
        other = None
        if arguments.baseline_metrics is not None:
            other = metrics_file.read(arguments.baseline_metrics, f"metrics of {arguments.baseline_label}")
        lines += ["", f"against {arguments.baseline_label}", _comparison(steps[-1], metrics, baseline, other)]
    if arguments.step_metrics:
        lines += ["", "after each pass", _after_each(steps, _step_metrics(arguments), metrics)]
    lines += ["", "lineage", _lineage(steps)]
    return "\n".join(lines) + "\n"


def main(flags: Sequence[str]) -> int:
    """Prints the summary; the exit status is 1 where there is none."""
    label = next((flag.partition("=")[2] for flag in flags if flag.startswith("--label=")), "an unnamed artifact")
    parser = _Parser(prog="summary.py", allow_abbrev=False, add_help=False)
    parser.add_argument("--label", required=True)
    parser.add_argument("--manifest", type=Path, action="append", required=True)
    parser.add_argument("--metrics", type=Path)
    parser.add_argument("--step_metrics", action="append", default=[])
    parser.add_argument("--baseline_label", default="the baseline")
    parser.add_argument("--baseline_manifest", type=Path)
    parser.add_argument("--baseline_metrics", type=Path)
    try:
        print(summary(parser.parse_args(flags)), end="")
    except LeptonError as error:
        print(error.with_label(label))
        return 1
    return 0


def _facts(manifest: Mapping[str, Any], metrics: Metrics | None) -> str:
    hardware = manifest["hardware"]
    rows = [
        ["format", manifest["format"]],
        ["hardware", hardware["target"] if hardware else _NONE],
        *[[side[:-1], _tensor(tensor)] for side in ("inputs", "outputs") for tensor in manifest[side]],
        ["size", f"{manifest['bytes']:,} bytes in {_count(len(manifest['files']), 'file')}"],
        ["parameters", f"{manifest['parameters']:,}"],
        ["MACs", _NONE if manifest["macs"] is None else f"{manifest['macs']:,} a sample"],
    ]
    for name in metrics.metrics if metrics else ():
        assert metrics is not None
        rows.append([name, f"{show(metrics.exact(name))} on {_count(metrics.samples, 'sample')}"])
    rows.append(["digest", manifest["digest"]])
    return table(rows[0], rows[1:])


def _comparison(
    manifest: Mapping[str, Any], metrics: Metrics | None, baseline: Mapping[str, Any], other: Metrics | None
) -> str:
    ratio = f"{show(manifest['bytes'] / max(baseline['bytes'], 1), 3)} of it"
    rows = [["size", f"{baseline['bytes']:,}", f"{manifest['bytes']:,}", ratio]]
    for name in metrics.metrics if metrics and other else ():
        assert metrics is not None and other is not None
        if name in other.metrics:
            before, after = other.exact(name), metrics.exact(name)
            rows.append([name, show(before), show(after), f"{'+' if after >= before else ''}{show(after - before)}"])
    return table(["", "baseline", "artifact", "change"], rows, right=(1, 2, 3))


def _step_metrics(arguments: argparse.Namespace) -> dict[int, Metrics]:
    found = {}
    for flag in arguments.step_metrics:
        number, _, path = flag.partition("=")
        found[int(number)] = metrics_file.read(Path(path), f"metrics of step {number} of {arguments.label}")
    return found


def _after_each(manifests: Sequence[Mapping[str, Any]], measured: Mapping[int, Metrics], last: Metrics | None) -> str:
    """One row for each step with what came out of it."""
    names = list(last.metrics) if last else sorted({name for metrics in measured.values() for name in metrics.metrics})
    rows = []
    for number, manifest in enumerate(manifests, start=1):
        metrics = last if number == len(manifests) else measured.get(number)
        rows.append(
            [
                manifest["steps"][-1]["pass"],
                f"{manifest['bytes']:,}",
                f"{manifest['parameters']:,}",
                _NONE if manifest["macs"] is None else f"{manifest['macs']:,}",
                *(show(metrics.exact(name)) if metrics and name in metrics.metrics else _NONE for name in names),
            ]
        )
    return table(["pass", "bytes", "parameters", "MACs", *names], rows, right=range(1, 4 + len(names)))


def _lineage(manifests: Sequence[Mapping[str, Any]]) -> str:
    """One row for each step: what it did with which plugin, and what came out, where a manifest tells."""
    known = {len(manifest["steps"]): manifest for manifest in manifests}
    rows = []
    for index, step in enumerate(manifests[-1]["steps"], start=1):
        manifest = known.get(index)
        size = f"{manifest['bytes']:,}" if manifest else _NONE
        kind = manifest["format"] if manifest else _NONE
        rows.append(
            [
                str(index),
                step["pass"],
                f"{step['plugin']['name']} {step['plugin']['version']}",
                kind,
                size,
                _changes(step),
            ]
        )
    return table(["step", "pass", "plugin", "format", "bytes", "configuration"], rows, right=(0, 4))


def _changes(step: Mapping[str, Any]) -> str:
    """A step's configuration on one line; what is unset is left out."""
    config = {name: value for name, value in step["config"].items() if value not in (None, "", [], {})}
    return " ".join(f"{name}={_value(value)}" for name, value in config.items()) or _NONE


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _tensor(tensor: Mapping[str, Any]) -> str:
    return f"{tensor['name']} {tensor['dtype']}[{', '.join(map(str, tensor['shape']))}]"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
