"""The program `bazel run //lepton_rules/tools/costs -- --output costs.bzl`. See docs/compression.md."""

from __future__ import annotations

import argparse
import itertools
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from lepton_rules.measure.files import write_atomically
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tools.costs.graphs import LENGTH, SIZES, network
from lepton_rules.tools.costs.timing import microseconds
from lepton_rules.worker import isa

_MOST = min(map(len, SIZES.values()))
_FIX = "See --help"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LeptonError("costs", message, _FIX)


def _parsed(flags: Sequence[str]) -> argparse.Namespace:
    made = _Parser(prog="costs", allow_abbrev=False, description="Measures what layers cost on this machine.")
    made.add_argument(
        "--dtype", choices=("float32", "int8"), default="float32", help="what layers compute in (float32)"
    )
    made.add_argument("--threads", type=int, default=1, help="of a call (1)")
    made.add_argument("--points", type=int, default=_MOST, help=f"of each kind, the smallest first ({_MOST})")
    made.add_argument("--repeats", type=int, default=51, help="samples of which a point is the median (51)")
    made.add_argument("--channel_multiple", type=int, default=16, help="channels that a kernel works on at once (16)")
    made.add_argument("--output", type=Path, required=True, help="the .bzl file to write")
    arguments = made.parse_args(flags)
    cores = len(os.sched_getaffinity(0))
    for name, most in {"threads": cores, "repeats": 10000, "channel_multiple": 4096}.items():
        _within(name, getattr(arguments, name), 1, most)
    _within("points", arguments.points, 2, _MOST)
    if arguments.output.suffix != ".bzl":
        raise LeptonError("costs", f"--output is {arguments.output.name}", "Name a .bzl file")
    return arguments


def _within(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise LeptonError("costs", f"--{name} is {value}, and is from {least} to {most} here", _FIX)


def table(times: Sequence[float], points: int, channel_multiple: int) -> dict[str, Any]:
    """The cost table of an empty network's microseconds and, kind by kind in SIZES' order, those of `points` networks.

    A layer never costs less than a smaller one, as the table's form demands: where it was faster, it is told as the
    smaller one, so that a goal in time is not met by a figure that is too low.
    """
    overhead, *rest = times
    made: dict[str, Any] = {"channel_multiple": channel_multiple, "overhead_us": round(overhead, 3), "version": 1}
    for number, (kind, sizes) in enumerate(SIZES.items()):
        costs = [max(0.0, time - overhead) / LENGTH for time in rest[number * points : (number + 1) * points]]
        rising = itertools.accumulate(costs, max)
        made[kind] = [[size.macs, round(cost, 3)] for size, cost in zip(sizes[:points], rising, strict=True)]
    return made


def text(made: Mapping[str, Any], head: Sequence[str]) -> str:
    """The .bzl file, as buildifier writes it; `head` is its lines of comment."""
    lines = [f"# {line}" for line in head]
    lines += ['"""What layers cost on a chip, in the form that docs/compression.md of lepton_rules tells."""', ""]
    lines.append("COSTS = {")
    for key, value in sorted(made.items()):
        if isinstance(value, list):
            lines += [f'    "{key}": [', *(f"        {point}," for point in value), "    ],"]
        else:
            lines.append(f'    "{key}": {value},')
    return "\n".join([*lines, "}", ""])


def main(flags: Sequence[str]) -> int:
    """Measures and writes the file; the exit status is 1 where something is wrong."""
    import onnxruntime

    try:
        arguments = _parsed(flags)
        sizes = [None, *(size for kind in SIZES.values() for size in kind[: arguments.points])]
        models = [network(size, arguments.dtype) for size in sizes]
        times = microseconds(models, arguments.threads, arguments.repeats)
        head = [
            f"Measured on {isa.cpu_name()} ({isa.detect()}) in onnxruntime {onnxruntime.__version__}:",
            f"{arguments.dtype}, threads: {arguments.threads}. Written by",
            "bazel run @lepton_rules//lepton_rules/tools/costs -- " + ascii(shlex.join(flags))[1:-1],
        ]
        output = Path(os.environ.get("BUILD_WORKING_DIRECTORY", ".")) / arguments.output
        try:
            write_atomically(output, text(table(times, arguments.points, arguments.channel_multiple), head).encode())
        except OSError as error:
            raise LeptonError("costs", f"{output} cannot be written ({error.strerror})", "Name another file") from error
    except LeptonError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{output}: {len(models) - 1} points, overhead {times[0]:.3g} us")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
