"""Quantization under control of accuracy: the worst layers return to floating point until the accuracy holds.

As in NNCF's accuracy-aware quantization (https://docs.openvino.ai, "Quantizing with accuracy control"): everything is
quantized; while the accuracy on validation samples falls by more than is allowed, the layers that suffer most when
quantized alone (see `sensitivity`) go back. Their number doubles from try to try until the accuracy holds, and the
tries that are left search between the last that failed and the first that held for fewer.

The validation samples come from a slot with labels. The split that an artifact is judged on is bound to no slot, so the
accuracy that is promised here is never measured on what was tuned for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.calibration import Calibration
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.quantize import StaticQuantizer
from lepton_plugin_onnx.sensitivity import rank
from lepton_rules.plugin import DatasetFile, LeptonError, ModelFacts, PassContext
from lepton_rules.plugin.arrays import require_fit
from lepton_rules.plugin.names import suggestion

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from lepton_plugin_onnx.configs import QuantizeToAccuracyConfig

    Array = np.ndarray[Any, Any]

_WHAT = "pass onnx.quantize_to_accuracy"


def quantize_to_accuracy(context: PassContext) -> ModelFacts:
    """Writes the model with as many layers quantized as the accuracy allows. LeptonError as onnx.quantize, where the
    validation samples do not fit, and where no try holds `max_accuracy_drop`.

    The notes list every try.
    """
    config: QuantizeToAccuracyConfig = context.config
    quantizer = StaticQuantizer(context, "quantize_to_accuracy")
    judge = _Judge(context, quantizer)
    reference = judge.accuracy(quantizer.model)
    tries: list[dict[str, Any]] = []
    order: list[str] = []

    def holds(count: int) -> bool:
        """Tries the `count` worst layers in floating point."""
        if count and not order:
            samples = min(config.ranking_samples, quantizer.samples)
            layers = rank(quantizer, config.metric, samples, set(config.exclude), context.threads)
            order.extend(layer.name for layer in layers)
        exclude = [*order[:count], *config.exclude]
        accuracy = judge.accuracy(quantizer.quantized(exclude))
        drop = round(reference - accuracy, 9)
        tries.append({"float": order[:count], "accuracy": accuracy, "drop": drop})
        return drop <= config.max_accuracy_drop

    count = search(holds, lambda: len(order), config.max_tries)
    if count is None:
        best = min(tried["drop"] for tried in tries)
        allowed = config.max_accuracy_drop
        why = f"after {len(tries)} tries the accuracy falls by {best:.4g} at least, {allowed:g} is allowed"
        fix = "Allow more tries or a larger drop, take another calibrator, or train with torch.quantize_aware_training"
        raise LeptonError(_WHAT, why, fix)
    exclude = [*order[:count], *config.exclude]
    model = quantizer.take(exclude)
    notes = quantizer.notes(model, exclude) | {
        "validation_samples": judge.samples,
        "accuracy_before": reference,
        "max_accuracy_drop": config.max_accuracy_drop,
        "tries": tries,
        "kept_in_float": order[:count],
    }
    return finish(model, context.output, notes)


def search(holds: Callable[[int], bool], known: Callable[[], int], tries: int) -> int | None:
    """The least count found that holds, in at most so many tries; None when none does.

    Counts 0, 1, 2, 4, ... up to `known()`, which is only asked after the first layers were tried; then halving.
    """
    failed, count, done = -1, 0, 0
    while done < tries:
        done += 1
        if holds(count):
            break
        failed = count
        if count and count >= known():
            return None
        count = max(1, min(2 * count, known() if count else 1))
    else:
        return None
    while done < tries and count - failed > 1:
        middle = (failed + count) // 2
        done += 1
        if holds(middle):
            count = middle
        else:
            failed = middle
    return count


class _Judge:
    """Accuracy of models on the validation samples."""

    def __init__(self, context: PassContext, quantizer: StaticQuantizer) -> None:
        import numpy as np

        config: QuantizeToAccuracyConfig = context.config
        slot = context.slots["validation"]
        assert isinstance(slot, DatasetFile)
        self._arrays = slot.arrays()
        self._threads = context.threads
        what = f"slot validation of {_WHAT}"
        self.samples = min(require_fit(self._arrays, quantizer.specs, what), config.max_validation_samples)
        labels = self._arrays.get("labels")
        if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iu":
            got = "none" if labels is None else f"{labels.dtype}{list(labels.shape)}"
            why = f"it has no labels, a class for each sample (got {got})"
            raise LeptonError(what, why, "Bind a dataset whose array 'labels' is int64 [samples]")
        self._labels: Array = np.asarray(labels)
        outputs = [value.name for value in quantizer.model.graph.output]
        if config.output and config.output not in outputs:
            raise LeptonError(
                _WHAT, f"output names {config.output!r}, which is none", suggestion(config.output, outputs)
            )
        self._output = config.output or outputs[0]

    def accuracy(self, model: onnx.ModelProto) -> float:
        """The share of samples whose greatest output is that of the label's class."""
        running = Calibration(model, [self._output], self._arrays, self.samples, self._threads)
        values = running.values()[self._output]
        if values.ndim != 2:
            why = f"its output {self._output!r} is {list(values.shape)}, where [samples, classes] is judged"
            raise LeptonError(_WHAT, why, "Name the output that classifies")
        right = values.argmax(-1) == self._labels[: len(values)]
        return float(right.mean())
