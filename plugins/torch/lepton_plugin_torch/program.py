"""A PyTorch model on disk: the user's sources, `program.json`, `weights.safetensors`.

`program.json` is the factory, its arguments, the signature and, of a pruned model, the sizes of the layers that are
smaller than the factory makes them (`resized.py`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file

from lepton_plugin_torch.resized import Resized
from lepton_plugin_torch.tensors import dtype_name
from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.source_program import WEIGHTS_FILE, SourceProgram, importable


@dataclass(frozen=True, kw_only=True)
class Program(SourceProgram):
    """How a model is built, as `program.json` says it.

    Args:
        resized: what is smaller than the factory makes it.
    """

    resized: Resized = field(default_factory=Resized)

    def to_json(self) -> dict[str, Any]:
        """The content of `program.json`."""
        return super().to_json() | ({"resized": self.resized.to_json()} if self.resized else {})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`. Raises LeptonError where what is resized is not that."""
        resized = Resized.from_json(value["resized"]) if "resized" in value else Resized()
        return super().from_json({**value, "resized": resized})


@contextlib.contextmanager
def built(directory: Path, program: Program) -> Iterator[torch.nn.Module]:
    """Builds the module of the model in `directory`, filled with its weights, ready for inference.

    This runs the user's sources, which can be imported while the context lasts.

    Raises:
        LeptonError: the factory is not there, fails, or gives no module; or the weights are not those of the module.
    """
    with importable(directory) as root:
        torch.manual_seed(0)
        module = program.call(root)
        if not isinstance(module, torch.nn.Module):
            raise LeptonError(
                f"factory {program.factory!r}", f"it gives a {type(module).__name__}", "Give a torch.nn.Module"
            )
        program.resized.apply(module)
        _fill(module, load_file(directory / WEIGHTS_FILE))
        yield module.eval()


def _fill(module: torch.nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Loads the weights, each of which must be one of the module's tensors, with its shape and dtype, and none lack."""
    what, fix = "weights", "Give the weights of this module, or the kwargs that they were trained with"
    own = module.state_dict()
    missing = sorted(own.keys() - weights.keys())
    if missing:
        raise LeptonError(what, f"they lack {_listed(missing)}, which the module has", fix)
    unknown = sorted(weights.keys() - own.keys())
    if unknown:
        raise LeptonError(what, f"they have {_listed(unknown)}, which the module has not", fix)
    for name in sorted(own):
        got, wanted = _spelled(weights[name]), _spelled(own[name])
        if got != wanted:
            raise LeptonError(what, f"{name!r} is {got}, in the module it is {wanted}", fix)
    module.load_state_dict(weights, strict=True)
    for name, parameter in module.named_parameters():
        if parameter.is_floating_point() and not torch.isfinite(parameter).all():
            raise LeptonError(what, f"parameter {name!r} has NaN or infinite values", "Train again with a smaller rate")


def _spelled(tensor: torch.Tensor) -> str:
    return f"{dtype_name(tensor.dtype)}{list(tensor.shape)}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
