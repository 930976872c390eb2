"""What a training function is called with: see `lepton_checkpoint`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy


@dataclass(frozen=True, kw_only=True)
class TrainingContext:
    """A training function's call: `function(context) -> Mapping[str, torch.Tensor | numpy.ndarray]`, weights by name.

    Equal contexts must give equal bytes. Before the call the global generators of Python, numpy and torch are seeded,
    torch's algorithms are set to deterministic ones and its threads to `threads`.

    Args:
        label: the target that is built, for messages.
        datasets: the splits that the target names, by split name, each as its arrays by name, first axis the sample.
        config: the target's configuration; a BUILD file gives strings.
        seed: what every random generator of the function's own must be seeded with.
        threads: number of threads to compute with; the outcome may depend on it.
    """

    label: str
    datasets: Mapping[str, Mapping[str, numpy.ndarray[Any, Any]]]
    config: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    threads: int = 1
