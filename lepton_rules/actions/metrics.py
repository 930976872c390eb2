"""metrics: how good predictions are, as numbers that tests compare with budgets."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_rules import manifest as manifests
from lepton_rules.actions.arguments import Arguments
from lepton_rules.measure import metrics_file
from lepton_rules.plugin import LeptonError, MetricContext, parse_config
from lepton_rules.plugin.arrays import read_npz
from lepton_rules.plugin.manager import LoadedPlugin, load


def run(arguments: Arguments) -> None:
    """Writes --output_metrics (see `lepton_rules.measure.metrics_file`) for the metrics of one plugin.

    --metrics is JSON, [{"name": …, "config": {…}}, …]; --predictions and --baseline_predictions are outputs of
    `evaluate` on the split --dataset; --model_manifest is that of the model that made the predictions.

    Raises:
        LeptonError: a metric is unknown, named twice, refuses what it is given or gives no finite number; or the
            predictions are of another number of samples.
    """
    plugin = load(arguments.one("plugin"), arguments.one("plugin_entry"))
    dataset, predictions = arguments.path("dataset"), arguments.path("predictions")
    baseline_path = arguments.optional_path("baseline_predictions")
    arrays = read_npz(dataset)
    samples = _samples(arrays, "dataset")
    outputs = read_npz(predictions)
    baseline = None if baseline_path is None else read_npz(baseline_path)
    for what, found in (("predictions", outputs), ("baseline's predictions", baseline)):
        if found is not None and (rows := _samples(found, what)) != samples:
            raise LeptonError(what, f"they are of {rows} samples, and the dataset has {samples}", "Build them again")

    values: dict[str, float] = {}
    for wanted in arguments.json("metrics"):
        name = wanted["name"]
        if name in values:
            raise LeptonError(f"metric {plugin.name}.{name}", "it is asked for twice", "Keep one of the two")
        values[name] = _compute(plugin, name, wanted["config"], outputs, arrays, baseline)
    metrics_file.write(
        metrics_file.Metrics(
            metrics=values,
            samples=samples,
            model_digest=manifests.read(arguments.path("model_manifest"))["digest"],
            dataset_digest=_digest(dataset),
            predictions_digest=_digest(predictions),
            baseline_predictions_digest=None if baseline_path is None else _digest(baseline_path),
        ),
        arguments.path("output_metrics"),
    )


def _compute(
    plugin: LoadedPlugin,
    name: str,
    config: Mapping[str, Any],
    outputs: Mapping[str, Any],
    arrays: Mapping[str, Any],
    baseline: Mapping[str, Any] | None,
) -> float:
    descriptor: Any = plugin.find("metrics", name)
    what = f"metric {plugin.name}.{name} (plugin {plugin.name} {plugin.version})"
    if descriptor.needs_baseline and baseline is None:
        raise LeptonError(what, "it compares with a baseline and there is none", "Set the test's baseline")
    context = MetricContext(
        config=parse_config(descriptor.config, config, what=f"{plugin.name}.{name}"),
        outputs=outputs,
        arrays=arrays,
        baseline=baseline if descriptor.needs_baseline else None,
    )
    value = plugin.resolve(descriptor)(context)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise LeptonError(
            what, f"it returned {type(value).__name__}, accepted is a float", "Mend the metric"
        ) from error


def _samples(arrays: Mapping[str, Any], what: str) -> int:
    """The length of the first axis, the same in all arrays."""
    lengths = {array.shape[0] if array.ndim else 0 for array in arrays.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise LeptonError(what, f"its arrays have {sorted(lengths)} samples", "Give every array one row a sample")
    found: int = lengths.pop()
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
