"""How sure metrics are: confidence intervals from the same predictions that the metrics were computed from. An action.

    launch -s -P lepton_rules/measure/interval_action.py --plugin=metrics --plugin_entry=lepton_plugin_metrics
        --python_path=… --metrics=[{"name": "accuracy", "config": {}}] --dataset=<npz> --predictions=<npz>
        [--baseline_predictions=<npz>] --confidence=0.95 --output=<json>

The output: {"confidence": 0.95, "samples": n, "metrics": {"accuracy": {"value": [low, high], "drop": [low, high],
"method": "score"}}}; `drop` is the baseline's metric less the artifact's, where there is a baseline and the metric does
not itself compare. A metric of which no interval can be given is left out.

A metric that is the mean of what it gives for each sample alone, 0 or 1 each, has score intervals (`intervals`). Any
other has those of the paired bootstrap: samples are drawn with replacement, the same ones for artifact and baseline,
and the metric is computed again (B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13; P.
Koehn, Statistical significance tests for machine translation evaluation, EMNLP 2004). Where a metric's option `pairs`
names an array, the samples that share a number in it are drawn together. The generator is seeded: equal inputs, equal
bytes.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.measure.intervals import Interval, paired_difference, share
from lepton_rules.plugin import MetricContext, parse_config
from lepton_rules.plugin.arrays import read_npz
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.manager import load

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_RESAMPLES = 1000
_FEWEST = 200
_ELEMENTS = 400_000_000
_SEED = 20_260_101


class Metric:
    """One metric over samples of the evaluation split."""

    def __init__(
        self,
        compute: Callable[[MetricContext], float],
        config: Any,
        arrays: Mapping[str, Array],
        compares: bool,
    ) -> None:
        self._compute = compute
        self._config = config
        self._arrays = arrays
        self.compares = compares
        self.pairs = arrays.get(getattr(config, "pairs", "")) if hasattr(config, "pairs") else None

    def value(
        self,
        outputs: Mapping[str, Array],
        baseline: Mapping[str, Array] | None,
        rows: Array | slice,
        pairs: Array | None,
    ) -> float:
        """The metric on some rows; `pairs` replaces the numbers that say which of them belong together."""
        arrays = {name: array[rows] for name, array in self._arrays.items()}
        if pairs is not None:
            arrays[self._config.pairs] = pairs
        return float(
            self._compute(
                MetricContext(
                    config=self._config,
                    outputs={name: array[rows] for name, array in outputs.items()},
                    arrays=arrays,
                    baseline=None if baseline is None else {name: array[rows] for name, array in baseline.items()},
                )
            )
        )


def intervals(
    metric: Metric, outputs: Mapping[str, Array], baseline: Mapping[str, Array] | None, samples: int, confidence: float
) -> dict[str, Any] | None:
    """The entry of one metric in the output, or None where there is none to give."""
    sides = [(outputs, baseline if metric.compares else None)]
    if baseline is not None and not metric.compares:
        sides.append((baseline, None))
    each = [_each(metric, side, other, samples) for side, other in sides]
    if all(values is not None and set(values) <= {0.0, 1.0} for values in each):
        return _by_score([values for values in each if values is not None], samples, confidence)
    return _by_bootstrap(metric, sides, samples, confidence)


def _each(
    metric: Metric, outputs: Mapping[str, Array], baseline: Mapping[str, Array] | None, samples: int
) -> list[float] | None:
    """What the metric gives for each sample alone, where it is the mean of that."""
    try:
        values = [metric.value(outputs, baseline, slice(row, row + 1), None) for row in range(samples)]
        whole = metric.value(outputs, baseline, slice(0, samples), None)
    except Exception:
        # What a metric says to a single sample is its own affair: there is the bootstrap.
        return None
    return values if abs(sum(values) / samples - whole) <= 1e-9 * max(1.0, abs(whole)) else None


def _by_score(each: Sequence[Sequence[float]], samples: int, confidence: float) -> dict[str, Any]:
    mine = each[0]
    found: dict[str, Any] = {"method": "score", "value": list(share(round(sum(mine)), samples, confidence))}
    if len(each) == 2:
        lost = sum(one < other for one, other in zip(mine, each[1], strict=True))
        won = sum(one > other for one, other in zip(mine, each[1], strict=True))
        found["drop"] = list(paired_difference(lost, won, samples, confidence))
        found["discordant"] = [lost, won]
    return found


def _by_bootstrap(
    metric: Metric,
    sides: Sequence[tuple[Mapping[str, Array], Mapping[str, Array] | None]],
    samples: int,
    confidence: float,
) -> dict[str, Any] | None:
    import numpy

    generator = numpy.random.default_rng(_SEED)
    elements = sum(array.size for outputs, _ in sides for array in outputs.values())
    count = max(_FEWEST, min(_RESAMPLES, _ELEMENTS // max(elements, 1)))
    groups = (
        None if metric.pairs is None else [numpy.flatnonzero(metric.pairs == n) for n in numpy.unique(metric.pairs)]
    )
    drawn: list[list[float]] = []
    for _ in range(count):
        pairs = None
        if groups is None:
            rows = generator.integers(0, samples, samples)
        else:
            chosen = [groups[number] for number in generator.integers(0, len(groups), len(groups))]
            rows = numpy.concatenate(chosen)
            pairs = numpy.repeat(numpy.arange(len(chosen)), [len(group) for group in chosen])
        try:
            values = [metric.value(outputs, baseline, rows, pairs) for outputs, baseline in sides]
        except Exception:
            # A sample without one of the classes, say. Few of them do not matter; many leave no interval.
            continue
        if all(map(math.isfinite, values)):
            drawn.append(values)
    if len(drawn) < 0.9 * count:
        return None
    found: dict[str, Any] = {
        "method": f"bootstrap of {count}",
        "value": _quantiles([one[0] for one in drawn], confidence),
    }
    if len(sides) == 2:
        found["drop"] = _quantiles([one[1] - one[0] for one in drawn], confidence)
    return found


def _quantiles(values: Sequence[float], confidence: float) -> list[float]:
    import numpy

    low, high = numpy.quantile(numpy.asarray(values), [0.5 - confidence / 2, 0.5 + confidence / 2])
    bounds: Interval = float(low), float(high)
    return list(bounds)


def main(words: Sequence[str]) -> int:
    """Writes the file; a LeptonError is the last line and the exit status 1."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for flag in ("plugin", "plugin_entry", "metrics", "label"):
        parser.add_argument(f"--{flag}", required=True)
    parser.add_argument("--python_path", action="append", default=[])
    for flag in ("dataset", "predictions", "output"):
        parser.add_argument(f"--{flag}", type=Path, required=True)
    parser.add_argument("--baseline_predictions", type=Path)
    parser.add_argument("--confidence", type=float, default=0.95)
    arguments = parser.parse_args(words)
    sys.path[:0] = [str(Path(path).absolute()) for path in arguments.python_path]
    try:
        plugin = load(arguments.plugin, arguments.plugin_entry)
        arrays, outputs = read_npz(arguments.dataset), read_npz(arguments.predictions)
        baseline = None if arguments.baseline_predictions is None else read_npz(arguments.baseline_predictions)
        samples = len(next(iter(outputs.values())))
        found = {}
        for wanted in parse_json(arguments.metrics):
            descriptor: Any = plugin.find("metrics", wanted["name"])
            config = parse_config(descriptor.config, wanted["config"])
            metric = Metric(plugin.resolve(descriptor), config, arrays, descriptor.needs_baseline)
            if metric.compares and baseline is None:
                continue
            entry = intervals(metric, outputs, baseline, samples, arguments.confidence)
            if entry is not None:
                found[wanted["name"]] = entry
    except LeptonError as error:
        print(error.with_label(arguments.label))
        return 1
    content = {"confidence": arguments.confidence, "samples": samples, "metrics": found}
    arguments.output.write_text(canonical_json(content), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
