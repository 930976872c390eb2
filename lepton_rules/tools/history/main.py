"""The program `bazel run //lepton_rules/tools/history -- collect|plot|changes`. See docs/history.md."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lepton_rules.measure import outputs
from lepton_rules.measure.files import write_atomically
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tools.history import store
from lepton_rules.tools.history.change_points import PERMUTATIONS, SIGNIFICANCE, SMALLEST
from lepton_rules.tools.history.series import Change, Series, all_series, changes
from lepton_rules.tools.history.text import chart, told

_FILE = Path("lepton_history.jsonl")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LeptonError("history", message, "See --help")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = _Parser(prog="history", allow_abbrev=False, description="The history of what tests measured.")
    commands = made.add_subparsers(dest="command", required=True, parser_class=_Parser)
    collect = commands.add_parser("collect", help="append what tests measured to the file", allow_abbrev=False)
    collect.add_argument("paths", nargs="*", type=Path, help="test outputs: folders or files (bazel-testlogs)")
    collect.add_argument("--commit", help="of the source that was tested")
    plot = commands.add_parser("plot", help="draw the trend", allow_abbrev=False)
    plot.add_argument("--output", type=Path, help="an .svg file; without it, characters on standard output")
    found = commands.add_parser("changes", help="tell where it changed, and with which artifact", allow_abbrev=False)
    found.add_argument(
        "--fail_on_worse", action="store_true", help="exit with 1 when the last change of a series is for the worse"
    )
    for command in (collect, plot, found):
        command.add_argument("--file", type=Path, default=_FILE, help=f"the history ({_FILE})")
    for command in (plot, found):
        command.add_argument("--only", default="", help="a part of the names of the series")
        command.add_argument("--significance", type=float, default=SIGNIFICANCE, help=f"({SIGNIFICANCE})")
        command.add_argument("--permutations", type=int, default=PERMUTATIONS, help=f"({PERMUTATIONS})")
        command.add_argument(
            "--smallest", type=int, default=SMALLEST, help=f"points on each side of a change ({SMALLEST})"
        )
        command.add_argument("--least", type=float, default=0.0, help="leave out changes by a smaller fraction (0)")
        command.add_argument("--seed", type=int, default=0, help="of the permutations (0)")
    return made


def main(flags: Sequence[str]) -> int:
    """Runs one command; the exit status is 1 where something is wrong."""
    try:
        arguments = parser().parse_args(flags)
        arguments.file = _where(arguments.file)
        if arguments.command == "collect":
            return _collect(arguments)
        found = _found(arguments)
        return _plot(arguments, found) if arguments.command == "plot" else _changes(arguments, found)
    except LeptonError as error:
        print(error, file=sys.stderr)
        return 1


def _collect(arguments: argparse.Namespace) -> int:
    roots = [_where(path) for path in arguments.paths] or [
        Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")) / "bazel-testlogs"
    ]
    known = store.read(arguments.file)
    found, wrong = [], []
    for root in roots:
        collected = outputs.collect(root)
        found += [store.record(one.measurement, one.time, arguments.commit) for one in collected.outputs]
        wrong += collected.unreadable
    for error in wrong:
        print(error, file=sys.stderr)
    fresh = store.new(known, found)
    store.append(arguments.file, fresh)
    print(
        f"{arguments.file}: {len(fresh)} measurements added, {len(found) - len(fresh)} known, {len(wrong)} unreadable"
    )
    return 1 if wrong else 0


def _found(arguments: argparse.Namespace) -> list[tuple[Series, list[Change]]]:
    if arguments.smallest < 2 or not 0 < arguments.significance < 1 or arguments.permutations < 1:
        raise LeptonError(
            "history",
            "--smallest is under 2, --permutations under 1, or --significance outside of (0, 1)",
            "Give values within",
        )
    series = all_series(store.read(arguments.file), arguments.only)
    if not series:
        what = f"no series has {arguments.only!r} in its name" if arguments.only else "there are no measurements"
        raise LeptonError(f"history {arguments.file}", what, "Collect some first, or correct --only")
    return [
        (
            one,
            changes(
                one,
                significance=arguments.significance,
                permutations=arguments.permutations,
                seed=arguments.seed,
                smallest=arguments.smallest,
                least=arguments.least,
            ),
        )
        for one in series
    ]


def _plot(arguments: argparse.Namespace, found: Sequence[tuple[Series, Sequence[Change]]]) -> int:
    if arguments.output is None:
        print("\n\n".join(chart(series, changed) for series, changed in found))
        return 0
    if arguments.output.suffix != ".svg":
        raise LeptonError("history", f"--output is {arguments.output.name}", "Name an .svg file")
    from lepton_rules.tools.history.plot import svg

    output = _where(arguments.output)
    write_atomically(output, svg(found))
    print(f"{output}: {len(found)} series")
    return 0


def _changes(arguments: argparse.Namespace, found: Sequence[tuple[Series, Sequence[Change]]]) -> int:
    for change in (change for _, changed in found for change in changed):
        print(told(change))
    worse = [changed[-1] for _, changed in found if changed and changed[-1].worse]
    total = sum(len(changed) for _, changed in found)
    print(f"{total} changes in {len(found)} series; the last one is for the worse in {len(worse)}")
    return 1 if worse and arguments.fail_on_worse else 0


def _where(path: Path) -> Path:
    """A path of the user, who stands where `bazel run` was typed."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", ".")) / path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
