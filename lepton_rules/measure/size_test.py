"""The program of `lepton_size_test`: compares the bytes in manifests with budgets.

    launch -s -P lepton_rules/measure/size_test.py --label=//x:y_size_test --artifact_label=//x:y --manifest=…
        [--compressed=…] [--image=…] [--baseline_label=//x:b --baseline_manifest=… [--baseline_compressed=…]]
        --budget=max_size_ratio=0.27 --budget=max_size_bytes=12000000 --budget=max_compressed_size_bytes=9000000

The size of a model is that of all its files, external data included. `--compressed` is what compressed_size.py wrote,
and `--image` an OCI image manifest: its layers as they are stored, its configuration and itself. Reads no weights and
needs no numerical library.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import parse_json, read
from lepton_rules.measure import gate
from lepton_rules.measure.budget import SIZE, Budget, parse_all
from lepton_rules.measure.measurement import Measured
from lepton_rules.measure.verdict import Outcome, judge
from lepton_rules.plugin.errors import LeptonError

_COMPRESS = "Compress the model further, or raise the budget"
# For each budget without its unit: where its figure stands, what it is, and what to do when it is broken.
_OF = {
    "max_size": ("bytes", "all files of the model", _COMPRESS),
    "max_compressed_size": ("compressed_bytes", "all files of the model after gzip -6", _COMPRESS),
    "max_image_size": (
        "image_bytes",
        "layers, configuration and manifest of the image",
        "Take a smaller base or environment, compress its layers, or raise the budget",
    ),
}


def parser() -> gate.Parser:
    """The command line."""
    made = gate.Parser("size")
    made.add_argument("--manifest", type=Path, required=True)
    made.add_argument("--baseline_manifest", type=Path)
    for flag in ("compressed", "baseline_compressed", "image"):
        made.add_argument(f"--{flag}", type=Path)
    return made


def measure(arguments: argparse.Namespace) -> gate.Result:
    """Judges every budget.

    Raises:
      LeptonError: a budget or a manifest is none.
    """
    budgets = parse_all(arguments.budget, SIZE)
    artifact, size = _model(arguments.artifact_label, arguments.manifest)
    baseline, baseline_size = None, None
    if arguments.baseline_manifest is not None:
        baseline, baseline_size = _model(arguments.baseline_label, arguments.baseline_manifest)
    sizes = {"bytes": size}
    if arguments.compressed is not None:
        sizes["compressed_bytes"] = _json(arguments.compressed)["bytes"]
    if arguments.image is not None:
        sizes["image_bytes"] = _image(arguments.image)
    others = {} if baseline_size is None else {"bytes": baseline_size}
    if arguments.baseline_compressed is not None:
        others["compressed_bytes"] = _json(arguments.baseline_compressed)["bytes"]
    return gate.Result(
        artifact=artifact,
        baseline=baseline,
        outcomes=[_judge(budget, sizes, others) for budget in budgets],
        samples=sizes | {f"baseline_{name}": value for name, value in others.items()},
    )


def _judge(budget: Budget, sizes: Mapping[str, int], others: Mapping[str, int]) -> Outcome:
    field, what, fix = _OF[budget.name.removesuffix("_bytes").removesuffix("_ratio")]
    if field not in sizes:
        raise LeptonError(f"budget {budget.name}", f"there is no figure for {what}", "Report this to lepton_rules")
    size = sizes[field]
    if budget.name.endswith("_bytes"):
        return judge(budget, Decimal(size), what, fix)
    if field not in others:
        raise LeptonError(
            f"budget {budget.name}", "it compares with a baseline and there is none", "Set the test's baseline"
        )
    return judge(budget, Decimal(size) / Decimal(others[field]), f"{size} bytes of {others[field]}", fix)


def _image(path: Path) -> int:
    """The bytes that a pull moves."""
    manifest = _json(path)
    try:
        return path.stat().st_size + sum(int(blob["size"]) for blob in [manifest["config"], *manifest["layers"]])
    except (KeyError, TypeError, ValueError) as error:
        raise LeptonError(
            "image", f"{path.name} is no manifest of an OCI image ({error!r})", "Build it again"
        ) from error


def _json(path: Path) -> Any:
    try:
        return parse_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LeptonError("size", f"{path.name} cannot be read ({error})", "Build it again") from error


def _model(label: str, path: Path) -> tuple[Measured, int]:
    manifest = read(path)
    if not manifest["bytes"]:
        raise LeptonError(f"manifest of {label}", "the model has no bytes", "Build it again")
    return Measured(label=label, digest=manifest["digest"]), manifest["bytes"]


if __name__ == "__main__":
    gate.run(parser(), measure)
