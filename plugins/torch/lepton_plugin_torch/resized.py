"""What pruning changed of a module: which of its layers are smaller than the factory makes them.

A pruned model stays a factory and weights. Between the two stands this record: the factory's module is cut down to
it, and then filled. Layers only shrink, so that a record never costs more memory than the factory does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from lepton_rules.plugin import LeptonError

_WHAT = "program.json"
_FIX = "Build the model again"
_LENGTH_LIMIT = 1 << 31

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class _Kind:
    """A kind of layer: its classes, the attributes that say its size, and the shapes that its tensors then have."""

    classes: tuple[type[nn.Module], ...]
    fields: tuple[str, ...]
    shapes: Callable[[Any], Shapes]


def _convolution(layer: Any) -> Shapes:
    inputs, outputs = layer.in_channels, layer.out_channels
    if inputs % layer.groups or outputs % layer.groups:
        raise ValueError(f"{inputs} and {outputs} channels do not divide into {layer.groups} groups")
    first, second = (inputs, outputs) if layer.transposed else (outputs, inputs)
    return {"weight": (first, second // layer.groups, *layer.kernel_size), "bias": (outputs,)}


def _of_channels(attribute: str, names: Sequence[str]) -> Callable[[Any], Shapes]:
    return lambda layer: {name: (getattr(layer, attribute),) for name in names}


_NORM = ("weight", "bias", "running_mean", "running_var")
_KINDS = (
    _Kind((nn.modules.conv._ConvNd,), ("in_channels", "out_channels", "groups"), _convolution),
    _Kind(
        (nn.Linear,),
        ("in_features", "out_features"),
        lambda layer: {"weight": (layer.out_features, layer.in_features), "bias": (layer.out_features,)},
    ),
    _Kind(
        (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm),
        ("num_features",),
        _of_channels("num_features", _NORM),
    ),
    _Kind((nn.PReLU,), ("num_parameters",), _of_channels("num_parameters", ("weight",))),
)


@dataclass(frozen=True)
class Resized:
    """The layers and the free parameters that are not as the factory makes them.

    Args:
        layers: by a layer's name, its sizes, such as `{"in_channels": 16, "out_channels": 24, "groups": 1}`.
        parameters: by name, the shape of a parameter that a module of the user's own holds.
    """

    layers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.layers or self.parameters)

    def to_json(self) -> dict[str, Any]:
        """The record as `program.json` holds it."""
        return {
            "layers": {name: dict(sizes) for name, sizes in self.layers.items()},
            "parameters": {name: list(shape) for name, shape in self.parameters.items()},
        }

    @classmethod
    def from_json(cls, value: object) -> Resized:
        """What `to_json` wrote.

        Raises:
            LeptonError: it is nothing that `to_json` writes.
        """
        if not isinstance(value, dict) or value.keys() != {"layers", "parameters"}:
            raise LeptonError(_WHAT, "`resized` does not have the keys layers and parameters", _FIX)
        layers, parameters = value["layers"], value["parameters"]
        if not isinstance(layers, dict) or not all(isinstance(sizes, dict) for sizes in layers.values()):
            raise LeptonError(_WHAT, "`resized.layers` is no object of objects", _FIX)
        if not isinstance(parameters, dict) or not all(isinstance(shape, list) for shape in parameters.values()):
            raise LeptonError(_WHAT, "`resized.parameters` is no object of lists", _FIX)
        numbers = [n for sizes in layers.values() for n in sizes.values()] + [n for s in parameters.values() for n in s]
        if not all(type(number) is int and 0 < number < _LENGTH_LIMIT for number in numbers):
            raise LeptonError(_WHAT, f"a size in `resized` is no whole number from 1 to {_LENGTH_LIMIT - 1}", _FIX)
        return cls(
            {name: dict(sizes) for name, sizes in layers.items()},
            {name: tuple(shape) for name, shape in parameters.items()},
        )

    def apply(self, module: nn.Module) -> None:
        """Cuts the factory's module down. What its tensors hold is then undefined.

        Raises:
            LeptonError: the module has no such layer, or it would grow.
        """
        modules, own = dict(module.named_modules()), dict(module.named_parameters(remove_duplicate=False))
        for name, sizes in self.layers.items():
            if name not in modules:
                raise LeptonError(_WHAT, f"`resized` names the layer {name!r}, which the factory does not make", _FIX)
            _resize_layer(name, modules[name], sizes)
        for name, shape in self.parameters.items():
            if name not in own:
                raise LeptonError(
                    _WHAT, f"`resized` names the parameter {name!r}, which the factory does not make", _FIX
                )
            _resize_tensor(name, own[name], shape)


def difference(before: Shapes, module: nn.Module, original: Resized) -> Resized:
    """What changed of a module since its tensors had the shapes `before`.

    Args:
        before: shape by name of each tensor in the state dictionary.
        module: as it is now.
        original: what had been changed already.

    Raises:
        LeptonError: a tensor changed that is of no layer whose size can be recorded.
    """
    modules, parameters = dict(module.named_modules()), dict(module.named_parameters(remove_duplicate=False))
    layers, free = dict(original.layers), dict(original.parameters)
    for name, tensor in module.state_dict().items():
        if tuple(tensor.shape) == before[name]:
            continue
        owner = name.rpartition(".")[0]
        kind = _kind_of(modules[owner])
        if kind is not None:
            layers[owner] = {attribute: int(getattr(modules[owner], attribute)) for attribute in kind.fields}
        elif name in parameters and not type(modules[owner]).__module__.startswith("torch."):
            free[name] = tuple(tensor.shape)
        else:
            raise LeptonError(
                f"layer {owner!r}",
                f"a {type(modules[owner]).__name__} cannot be kept in another size",
                "Exclude it, or what it reads",
            )
    return Resized(dict(sorted(layers.items())), dict(sorted(free.items())))


def _kind_of(layer: nn.Module) -> _Kind | None:
    return next((kind for kind in _KINDS if isinstance(layer, kind.classes)), None)


def _resize_layer(name: str, layer: nn.Module, sizes: Mapping[str, int]) -> None:
    kind = _kind_of(layer)
    if kind is None or sizes.keys() != set(kind.fields):
        accepted = "it cannot be resized" if kind is None else f"it has {', '.join(kind.fields)}"
        raise LeptonError(
            _WHAT, f"`resized` gives {', '.join(sorted(sizes)) or 'nothing'} of {name!r}, and {accepted}", _FIX
        )
    for attribute, size in sizes.items():
        if size > getattr(layer, attribute):
            raise LeptonError(
                _WHAT,
                f"`resized` makes {attribute} of {name!r} {size}, the factory makes {getattr(layer, attribute)}",
                _FIX,
            )
        setattr(layer, attribute, size)
    try:
        shapes = kind.shapes(layer)
    except ValueError as error:
        raise LeptonError(_WHAT, f"`resized` does not fit {name!r}: {error}", _FIX) from None
    for tensor_name, shape in shapes.items():
        tensor = getattr(layer, tensor_name, None)
        if tensor is not None:
            _resize_tensor(f"{name}.{tensor_name}", tensor, shape)


def _resize_tensor(name: str, tensor: torch.Tensor, shape: tuple[int, ...]) -> None:
    if len(shape) != tensor.dim() or any(new > old for new, old in zip(shape, tensor.shape, strict=True)):
        raise LeptonError(
            _WHAT, f"`resized` makes {name!r} {list(shape)}, the factory makes {list(tensor.shape)}", _FIX
        )
    # Through `data`, so that tied parameters stay one.
    tensor.data = torch.zeros(shape, dtype=tensor.dtype)
