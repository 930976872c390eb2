"""jax2onnx (https://github.com/enpasos/jax2onnx) for plain JAX.

It knows several libraries of layers, and imports them all when it first converts something, which takes 20 seconds and
a gigabyte. A function of JAX needs none of them, and this environment leaves them out: only the converters of JAX's own
operators are loaded, and what they would replace in the libraries that are absent is a stand-in.
"""

from __future__ import annotations

import functools
import importlib
import logging
from pathlib import Path
from typing import Any

import onnx
from jax2onnx import to_onnx
from jax2onnx.plugins import _patching, plugin_system

__all__ = ["convert"]


class _Absent:
    """A module that is not installed: whatever is looked up in it does nothing, and is called by nobody."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **options: None


@functools.cache
def _load() -> None:
    logging.getLogger("jax2onnx").setLevel(logging.ERROR)
    resolve = _patching._resolve

    def lenient(target: Any) -> Any:
        try:
            return resolve(target)
        except ModuleNotFoundError:
            return _Absent()

    _patching._resolve = lenient
    root = Path(plugin_system.__file__).parent
    for file in sorted((root / "jax").rglob("*.py")):
        name = ".".join(("jax2onnx.plugins", *file.relative_to(root).with_suffix("").parts))
        try:
            importlib.import_module(name.removesuffix(".__init__"))
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith(("jax", "onnx", "numpy")):
                raise
    plugin_system._already_imported_plugins = True


def convert(function: Any, inputs: list[Any], names: list[str], outputs: list[str], opset: int) -> onnx.ModelProto:
    """A function of JAX as ONNX. `inputs` are jax.ShapeDtypeStruct, whose dimensions may be symbols. Raises whatever
    jax2onnx raises."""
    _load()
    model = to_onnx(function, inputs, input_names=names, output_names=outputs, opset=opset)
    assert isinstance(model, onnx.ModelProto)
    return model
