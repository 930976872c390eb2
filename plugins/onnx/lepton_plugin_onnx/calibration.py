"""Runs calibration samples through a model and keeps, of every activation, only what its range is computed from.

The unfused graph runs on the CPU with every wanted tensor as an output, a few samples at a time: memory is bounded by
`_BATCH_BYTES` whatever the number of samples. Least and greatest values come first; histograms, where a calibrator
wants them, come from a second run with the range then known, so that they do not depend on how samples are batched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.external import write_apart
from lepton_plugin_onnx.native import session
from lepton_plugin_onnx.ranges import HISTOGRAM_BINS, entropy_range, percentile_range
from lepton_rules.plugin import LeptonError

if TYPE_CHECKING:
    import numpy as np
    import onnx

    Array = np.ndarray[Any, Any]

_BATCH_BYTES = 64 << 20  # of activations alive at once
_WHAT = "calibration"


class Calibration:
    """The ranges of a model's activations over samples.

    Args:
        model: its main graph's tensors are observed.
        tensors: names of the tensors to observe, inputs and what nodes make.
        arrays: [samples, ...] for each input of the model.
        samples: how many of them to use, the first ones.
        threads: for one operator.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        tensors: Sequence[str],
        arrays: Mapping[str, Array],
        samples: int,
        threads: int,
    ) -> None:
        self._inputs = [value.name for value in model.graph.input]
        self._tensors = [name for name in tensors if name not in self._inputs]
        self._observed_inputs = [name for name in tensors if name in self._inputs]
        self._arrays = arrays
        self._session = _observing_session(model, self._tensors, threads)
        self._fixed = _fixed_batch(model)
        if self._fixed:
            if samples < self._fixed:
                why = f"the model takes {self._fixed} samples at a time and calibration has {samples}"
                raise LeptonError(_WHAT, why, "Give a larger calibration split, or a model with a symbolic batch")
            samples -= samples % self._fixed
        self.samples = samples
        self._step = self._fixed or 1

    def ranges(self, calibrator: str, percentile: float, symmetric: bool, unsigned: bool) -> dict[str, tuple[Any, Any]]:
        """Tensor name to (low, high), numpy scalars of the tensor's own type.

        Args:
            calibrator: MinMax, Entropy or Percentile.
            percentile: of the values that Percentile keeps.
            symmetric: whether activations are quantized symmetrically.
            unsigned: whether they are of an unsigned type.

        LeptonError when an activation is NaN or infinite.
        """
        extremes = self._extremes()
        if calibrator == "MinMax":
            return extremes
        by_magnitude = symmetric or calibrator == "Entropy"
        histograms = self._histograms(extremes, by_magnitude)
        found = {}
        for name, histogram in histograms.items():
            kind = extremes[name][0].dtype.type
            low, high = (float(value) for value in extremes[name])
            if low == high or not histogram.any():
                found[name] = extremes[name]
                continue
            if calibrator == "Entropy":
                levels = 256 if unsigned and not symmetric and low >= 0 else 128
                low, high = entropy_range(histogram, low, high, levels)
            else:
                low, high = percentile_range(histogram, low, high, percentile, symmetric)
            found[name] = (kind(low), kind(high))
        return found

    def values(self) -> dict[str, Array]:
        """Tensor name to its values over all samples, [samples, ...]."""
        import numpy as np

        found: dict[str, list[Array]] = {}
        self._run(lambda name, values: found.setdefault(name, []).append(values.copy()))
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def channel_magnitudes(self) -> dict[str, Array]:
        """Tensor name to [channels], float64: the greatest magnitude of each channel, the last axis.

        LeptonError when an activation is NaN or infinite.
        """
        import numpy as np

        found: dict[str, Array] = {}

        def observe(name: str, values: Array) -> None:
            if not values.size:
                return
            magnitudes = np.abs(values).reshape(-1, values.shape[-1]).max(0).astype(np.float64)
            _require_finite(name, magnitudes)
            found[name] = np.maximum(found[name], magnitudes) if name in found else magnitudes

        self._run(observe)
        return found

    def _extremes(self) -> dict[str, tuple[Any, Any]]:
        import numpy as np

        found: dict[str, tuple[Any, Any]] = {}

        def observe(name: str, values: Array) -> None:
            if not values.size:
                return
            low, high = values.min(), values.max()
            _require_finite(name, np.array([low, high]))
            if name in found:
                low, high = min(low, found[name][0]), max(high, found[name][1])
            found[name] = (low, high)

        self._run(observe)
        return found

    def _histograms(self, extremes: Mapping[str, tuple[Any, Any]], by_magnitude: bool) -> dict[str, Array]:
        """[HISTOGRAM_BINS] counts of every tensor, between its extremes or from 0 to its greatest magnitude."""
        import numpy as np

        found = {name: np.zeros(HISTOGRAM_BINS, np.int64) for name in extremes}

        def observe(name: str, values: Array) -> None:
            low, high = (float(value) for value in extremes[name])
            if by_magnitude:
                low, high = 0.0, max(abs(low), abs(high))
            if high <= low:
                return
            flat = values.reshape(-1).astype(np.float32, copy=by_magnitude)
            if by_magnitude:
                np.abs(flat, out=flat)
            bins = ((flat - np.float32(low)) * np.float32(HISTOGRAM_BINS / (high - low))).astype(np.intp)
            np.clip(bins, 0, HISTOGRAM_BINS - 1, out=bins)
            found[name] += np.bincount(bins, minlength=HISTOGRAM_BINS)

        self._run(observe)
        return found

    def _run(self, observe: Callable[[str, Array], None]) -> None:
        for feed in self._batches():
            for name in self._observed_inputs:
                observe(name, feed[name])
            if not self._tensors:
                continue
            try:
                values = self._session.run(self._tensors, feed)
            except Exception as error:  # onnxruntime's own classes share no base but Exception
                why = f"onnxruntime cannot run a calibration sample ({' '.join(str(error).split())[:300]})"
                raise LeptonError(_WHAT, why, "Give samples that fit the model") from None
            size = sum(value.nbytes for value in values)
            for name, value in zip(self._tensors, values, strict=True):
                observe(name, value)
            if not self._fixed:  # the next batch is as large as memory allows
                self._step = max(1, int(_BATCH_BYTES * len(feed[self._inputs[0]]) // max(size, 1)))

    def _batches(self) -> Iterator[dict[str, Array]]:
        start = 0
        while start < self.samples:
            end = min(self.samples, start + self._step)
            yield {name: self._arrays[name][start:end] for name in self._inputs}
            start = end


def _require_finite(name: str, values: Array) -> None:
    import numpy as np

    if not np.isfinite(values).all():
        why = f"the activation {name!r} is NaN or infinite for some calibration sample"
        raise LeptonError(_WHAT, why, "Mend the model or the calibration data")


def _observing_session(model: onnx.ModelProto, tensors: Sequence[str], threads: int) -> Any:
    """A session with `tensors` among its outputs."""
    with tempfile.TemporaryDirectory() as scratch:
        return session(write_apart(model, Path(scratch), tensors), threads=threads)


def _fixed_batch(model: onnx.ModelProto) -> int:
    """The number of samples that every input is declared to take; 0 where it is free."""
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        if dims and dims[0].HasField("dim_value") and dims[0].dim_value > 0:
            return int(dims[0].dim_value)
    return 0
