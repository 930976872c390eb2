"""The proof that an exported ONNX graph computes what its framework computes.

The graph is run by ONNX's reference implementation, which shares no code with any framework. numpy and onnx are
imported inside the functions: the SDK needs neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin.errors import LeptonError, reason

if TYPE_CHECKING:
    import numpy as np
    import onnx

WHAT = "ONNX export"


def run_reference(
    model: onnx.ModelProto,
    feeds: Mapping[str, np.ndarray[Any, Any]],
    outputs: Sequence[str],
    converter: str,
) -> list[np.ndarray[Any, Any]]:
    """What ONNX's reference implementation gives for `feeds`, inputs by name, in the order of `outputs`.

    Raises:
        LeptonError: it fails on the graph, which `converter` (a library's name) made.
    """
    from onnx.reference import ReferenceEvaluator

    try:
        return list(ReferenceEvaluator(model).run(list(outputs), dict(feeds)))
    except Exception as error:  # the evaluator raises whatever numpy raises
        raise LeptonError(
            WHAT,
            f"ONNX's reference implementation fails on the graph ({reason(error)})",
            f"Report it to {converter}",
        ) from error


def check_outputs(
    model: onnx.ModelProto,
    feeds: Mapping[str, np.ndarray[Any, Any]],
    expected: Mapping[str, np.ndarray[Any, Any]],
    tolerance: float,
    *,
    framework: str,
    converter: str,
) -> None:
    """Compares the graph's outputs with the framework's.

    Args:
        model: the graph.
        feeds: its inputs by name.
        expected: what the framework gives for them, by name.
        tolerance: of a difference, relative to the greatest magnitude of an output (at least 1).
        framework: what messages call it, such as `JAX`.
        converter: the library that made the graph.

    Raises:
        LeptonError: an output has another dtype or shape, or differs by more than the tolerance.
    """
    import numpy as np

    found = run_reference(model, feeds, list(expected), converter)
    for (name, wanted), array in zip(expected.items(), found, strict=True):
        if array.dtype != wanted.dtype or array.shape != wanted.shape:
            raise LeptonError(
                WHAT,
                f"output {name!r} is {array.dtype}{list(array.shape)}, "
                f"{framework} gives {wanted.dtype}{list(wanted.shape)}",
                "Keep the named dimensions free in the model",
            )
        if not wanted.size:
            continue
        difference = np.abs(array.astype(np.float64) - wanted.astype(np.float64)).max()
        scale = max(1.0, float(np.abs(wanted.astype(np.float64)).max()))
        if not difference <= tolerance * scale:
            raise LeptonError(
                WHAT,
                f"output {name!r} differs from {framework}'s by {difference:.3g}, accepted is {tolerance * scale:.3g}",
                "Write the model without random or data-dependent steps, or allow a greater tolerance",
            )
