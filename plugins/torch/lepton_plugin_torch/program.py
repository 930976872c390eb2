"""A PyTorch model on disk: `program/`, the user's sources; `program.json`, how to build it; `weights.safetensors`.

`program.json` is the factory, its arguments, the signature and, of a pruned model, the sizes of the layers that are
smaller than the factory makes them (`resized.py`).
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from lepton_plugin_torch.resized import Resized
from lepton_plugin_torch.tensors import dtype_name
from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.plugin import LeptonError, TensorSpec
from lepton_rules.plugin.names import suggestion

PROGRAM = "program"
PROGRAM_FILE = "program.json"
WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True, kw_only=True)
class Program:
    """How a model is built, as `program.json` says it.

    Args:
        factory: `module:attribute` below `program/`.
        kwargs: the factory's keyword arguments.
        inputs: the arguments of `forward`, in order.
        outputs: names of what `forward` gives.
        resized: what is smaller than the factory makes it.
    """

    factory: str
    kwargs: Mapping[str, Any]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[str, ...]
    resized: Resized = field(default_factory=Resized)

    def write(self, directory: Path) -> None:
        """Writes `program.json` into a model's directory."""
        value: dict[str, Any] = {
            "factory": self.factory,
            "kwargs": dict(self.kwargs),
            "inputs": [spec.to_json() for spec in self.inputs],
            "outputs": list(self.outputs),
        }
        if self.resized:
            value["resized"] = self.resized.to_json()
        (directory / PROGRAM_FILE).write_text(canonical_json(value), "utf-8")

    @classmethod
    def read(cls, directory: Path) -> Program:
        """Reads what `write` wrote. Raises LeptonError where it is not that."""
        value = parse_json((directory / PROGRAM_FILE).read_text("utf-8"))
        return cls(
            factory=value["factory"],
            kwargs=value["kwargs"],
            inputs=tuple(TensorSpec.from_json(spec) for spec in value["inputs"]),
            outputs=tuple(value["outputs"]),
            resized=Resized.from_json(value["resized"]) if "resized" in value else Resized(),
        )


@contextlib.contextmanager
def built(directory: Path, program: Program) -> Iterator[torch.nn.Module]:
    """Builds the module of the model in `directory`, filled with its weights, ready for inference.

    This runs the user's sources. While the context lasts they are first on sys.path; afterwards their modules are
    forgotten, so that another model may have modules of the same names. Contexts nest: the outer model's modules are
    set aside while the inner one lasts.

    Raises:
        LeptonError: the factory is not there, fails, or gives no module; or the weights are not those of the module.
    """
    root = (directory / PROGRAM).resolve()
    aside = {name: sys.modules.pop(name) for name in [n for n, m in sys.modules.items() if _is_user_code(m)]}
    _roots.append(root)
    kept_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        torch.manual_seed(0)
        module = _call(_find(program.factory, root), program)
        program.resized.apply(module)
        _fill(module, load_file(directory / WEIGHTS_FILE))
        yield module.eval()
    finally:
        sys.path.remove(str(root))
        sys.dont_write_bytecode = kept_bytecode
        for name in [name for name, module in sys.modules.items() if _is_below(module, root)]:
            del sys.modules[name]
        _roots.remove(root)
        sys.modules.update(aside)


# The programs that are being run, the outermost first.
_roots: list[Path] = []


def _is_user_code(module: object) -> bool:
    return any(_is_below(module, root) for root in _roots)


def _is_below(module: object, root: Path) -> bool:
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return Path(file).is_relative_to(root)
    # A package without __init__.py has no file, only places.
    return any(Path(place).is_relative_to(root) for place in list(getattr(module, "__path__", None) or ()))


def _find(factory: str, root: Path) -> Any:
    what = f"factory {factory!r}"
    module_name, _, attribute = factory.partition(":")
    if not module_name or not attribute or ":" in attribute:
        raise LeptonError(what, "it is not module:attribute", "Write it as `resnet:ResNet18`")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise LeptonError(
                what,
                f"its module imports {error.name!r}, which is neither in srcs nor in the environment",
                "Add the file to srcs, or the library to the lock of `environment`",
            ) from error
        raise LeptonError(
            what, f"there is no module {error.name!r} among srcs", "Add its file to srcs, and its directory to imports"
        ) from None
    if not _is_below(module, root):
        raise LeptonError(
            what, f"module {module_name!r} is one of the environment's, not of srcs", "Give the source another name"
        )
    found = module
    for part in attribute.split("."):
        names = [name for name, value in vars(found).items() if callable(value) and not name.startswith("_")]
        if not hasattr(found, part):
            raise LeptonError(what, f"there is no {part!r} in it", suggestion(part, names))
        found = getattr(found, part)
    return found


def _call(factory: Any, program: Program) -> torch.nn.Module:
    what = f"factory {program.factory!r}"
    try:
        module = factory(**program.kwargs)
    except Exception as error:  # the user's code may raise anything
        raise LeptonError(
            what,
            f"called with {dict(program.kwargs)} it raises {type(error).__name__}: {error}",
            "Correct the factory, or kwargs",
        ) from error
    if not isinstance(module, torch.nn.Module):
        raise LeptonError(what, f"it gives a {type(module).__name__}", "Give a torch.nn.Module")
    return module


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
