"""Compares what two models answered on the same samples: the action before a test of compatibility or parity.

    launch -s -P lepton_rules/measure/comparison.py --label=//x:y_parity_test --predictions=<npz>
        --baseline_predictions=<npz> --output_comparison=<json>

It writes, for each output that both have (see `lepton_rules.measure.comparison_file`), the largest difference and the
sample it is on, absolute and relative, and how many samples have the same answer. It needs numpy, and so runs in the
environment that made the predictions; who judges needs none.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import canonical_json
from lepton_rules.measure.comparison_file import SCHEMA_VERSION
from lepton_rules.plugin.arrays import read_npz
from lepton_rules.plugin.errors import LeptonError

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

# Elements compared at once: bounds memory whatever the samples' size.
_ELEMENTS = 1 << 22


def compare(predictions: Mapping[str, Array], baseline: Mapping[str, Array]) -> dict[str, Any]:
    """The content of comparison.json.

    Args:
      predictions: outputs by name, the first axis the sample.
      baseline: the same of the model that is compared with.

    Raises:
      LeptonError: they are of other numbers of samples.
    """
    samples = {len(array) for array in [*predictions.values(), *baseline.values()]}
    if len(samples) != 1:
        raise LeptonError(
            "predictions", f"they are of {sorted(samples)} samples", "Make both from the same split of one dataset"
        )
    shared = [name for name in baseline if name in predictions]
    return {
        "schema_version": SCHEMA_VERSION,
        "samples": samples.pop(),
        "only_model": sorted(set(predictions) - set(baseline)),
        "only_baseline": sorted(set(baseline) - set(predictions)),
        "outputs": {name: _compare_output(predictions[name], baseline[name]) for name in shared},
    }


def _compare_output(mine: Array, other: Array) -> dict[str, Any]:
    if mine.shape != other.shape:
        return {"shapes": [list(mine.shape), list(other.shape)], "absolute": None, "relative": None, "agreement": None}
    rows = max(1, _ELEMENTS // max(1, mine[0].size))
    nothing = {"value": 0.0, "sample": 0, "element": [], "model": "nothing", "baseline": "nothing"}
    worst: dict[str, Any] = {"absolute": nothing, "relative": nothing}
    same, first = 0, None
    for start in range(0, len(mine), rows):
        chunk, against = mine[start : start + rows], other[start : start + rows]
        absolute, relative = _differences(chunk, against)
        for kind, difference in (("absolute", absolute), ("relative", relative)):
            if difference.size:
                found = _worst(difference, start, chunk, against)
                if worst[kind] is nothing or _size(found) > _size(worst[kind]):
                    worst[kind] = found
        agrees = _agrees(chunk, against)
        same += int(agrees.sum())
        if first is None and not agrees.all():
            first = start + int(agrees.argmin())
    return {
        "shapes": [list(mine.shape), list(other.shape)],
        **worst,
        "agreement": {"same": same, "first": first},
    }


def _differences(mine: Array, other: Array) -> tuple[Array, Array]:
    """For each element |mine - other|, and that divided by the largest |other| of its sample. Infinite where one of the
    two is not a number or they are other infinities; 0 where they are the same, whatever they are."""
    import numpy

    wide = numpy.complex128 if mine.dtype.kind == "c" else numpy.float64
    one, two = mine.astype(wide), other.astype(wide)
    same = (mine == other) | ((mine != mine) & (other != other))
    with numpy.errstate(invalid="ignore", divide="ignore", over="ignore"):
        absolute = numpy.abs(one - two)
        absolute[numpy.isnan(absolute)] = math.inf
        absolute[same] = 0
        sizes = numpy.abs(two).reshape(len(two), -1)
        scale = numpy.where(numpy.isfinite(sizes), sizes, 0).max(axis=1, initial=0)
        relative = absolute / scale.reshape(-1, *[1] * (absolute.ndim - 1))
    relative[absolute == 0] = 0
    return absolute, relative


def _worst(difference: Array, start: int, mine: Array, other: Array) -> dict[str, Any]:
    """The first of the largest differences."""
    import numpy

    place = numpy.unravel_index(int(difference.argmax()), difference.shape)
    value = float(difference[place])
    return {
        "value": value if math.isfinite(value) else None,
        "sample": start + int(place[0]),
        "element": [int(index) for index in place[1:]],
        "model": _show(mine[place]),
        "baseline": _show(other[place]),
    }


def _size(worst: Mapping[str, Any]) -> float:
    return math.inf if worst["value"] is None else float(worst["value"])


def _show(value: Any) -> str:
    return str(value.item())


def _agrees(mine: Array, other: Array) -> Array:
    """For each sample, whether both give the same answer: the same class on the last axis where there are scores, else
    equal elements."""
    if mine.dtype.kind == "f" and mine.ndim >= 2 and mine.shape[-1] >= 2:
        equal = mine.argmax(axis=-1) == other.argmax(axis=-1)
    else:
        equal = (mine == other) | ((mine != mine) & (other != other))
    agrees: Array = equal.reshape(len(equal), -1).all(axis=1)
    return agrees


def main(words: Sequence[str]) -> int:
    """Writes the comparison; a LeptonError is printed, and the exit status is 1."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--label", required=True)
    for flag in ("predictions", "baseline_predictions", "output_comparison"):
        parser.add_argument(f"--{flag}", type=Path, required=True)
    arguments = parser.parse_args(words)
    try:
        content = compare(read_npz(arguments.predictions), read_npz(arguments.baseline_predictions))
    except LeptonError as error:
        print(error.with_label(arguments.label))
        return 1
    arguments.output_comparison.write_text(canonical_json(content), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
