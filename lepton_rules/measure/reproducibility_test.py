"""Judges for `lepton_reproducibility_test` whether actions that ran again under other keys gave the same bytes.

    verdict_action.py reproducibility --label=//x:y_reproducibility_test --artifact_label=//x:y --manifest=…
        --step=onnx.quantize --first=<manifest> --again=<manifest> [… for each step]
        [--predictions=<npz> --predictions=<npz>] --budget=max_differing_files=0

Files are told apart by the digests in the two manifests of each step. Where only facts differ, the manifest itself
counts as a file.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import read
from lepton_rules.measure import gate
from lepton_rules.measure.budget import REPRODUCIBILITY, parse_all
from lepton_rules.measure.measurement import Measured
from lepton_rules.measure.verdict import judge

_FIX = (
    "Seed every generator, sort every set, and leave out times and paths; the plugin's contract test finds which in "
    "seconds"
)


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("reproducibility")
    made.add_argument("--manifest", type=Path, required=True)
    made.add_argument("--step", action="append", default=[])
    for flag in ("first", "again", "predictions"):
        made.add_argument(f"--{flag}", type=Path, action="append", default=[])
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Compares, and judges. Raises LeptonError for a file that is none."""
    budget = parse_all(arguments.budget, REPRODUCIBILITY)[0]
    compared, differing = 0, []
    for step, first, again in zip(arguments.step, arguments.first, arguments.again, strict=True):
        names, different = differences(first, again)
        compared += names
        differing += [f"{name} of {step}" for name in different]
    if arguments.predictions:
        first, again = arguments.predictions
        compared += 1
        if _digest(first) != _digest(again):
            differing.append("the predictions")
    what = f"{compared} files of {len(arguments.step)} actions again, with another hash seed, in processes of their own"
    if differing:
        what += f"; what differs is {', '.join(differing[:5])}{', …' if len(differing) > 5 else ''}"
    return gate.Result(
        artifact=Measured(label=arguments.artifact_label, digest=read(arguments.manifest)["digest"]),
        outcomes=[judge(budget, Decimal(len(differing)), what, _FIX)],
        samples={"files": compared, "differing": differing, "steps": arguments.step},
    )


def differences(first: Path, again: Path) -> tuple[int, list[str]]:
    """How many files two manifests of one step tell of, and the names of those that differ.

    Args:
      first: a manifest.
      again: the other.
    """
    one, other = read(first), read(again)
    names = sorted({*one["files"], *other["files"]})
    differing = [name for name in names if one["files"].get(name) != other["files"].get(name)]
    if not differing and one != other:
        differing = ["manifest.json"]
    return len(names) + 1, differing


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


if __name__ == "__main__":
    gate.run(parser(), measure)
