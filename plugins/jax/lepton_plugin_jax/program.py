"""A JAX model on disk: `program/`, the user's sources; `program.json`, how to make it; `weights.safetensors`."""

from __future__ import annotations

import contextlib
import importlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import lepton_rules
from lepton_plugin_jax.libraries import jax
from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.plugin import LeptonError, TensorSpec, safetensors_file
from lepton_rules.plugin.arrays import read_npz
from lepton_rules.plugin.names import suggestion
from lepton_rules.plugin.safetensors_file import Blob

PROGRAM = "program"
PROGRAM_FILE = "program.json"
WEIGHTS_FILE = "weights.safetensors"

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

_DTYPES: Mapping[str, str] = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
_NAMES = {name: dtype for dtype, name in _DTYPES.items()}
_INPUT_DTYPES = ("bool", "float16", "float32", "int8", "uint8", "int32")
_FIX = "Write it as `name:dtype:shape`, such as `image:float32:batch,32,32,3`"


@dataclass(frozen=True, kw_only=True)
class Program:
    """How a model is made, as `program.json` says it.

    Args:
        factory: `module:attribute` below `program/`.
        kwargs: the factory's keyword arguments.
        inputs: what the function takes besides the weights, in order.
        outputs: names of what it gives.
    """

    factory: str
    kwargs: Mapping[str, Any]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[str, ...]

    def write(self, directory: Path) -> None:
        """Writes `program.json` into a model's directory."""
        value = {
            "factory": self.factory,
            "kwargs": dict(self.kwargs),
            "inputs": [spec.to_json() for spec in self.inputs],
            "outputs": list(self.outputs),
        }
        (directory / PROGRAM_FILE).write_text(canonical_json(value), "utf-8")

    @classmethod
    def read(cls, directory: Path) -> Program:
        """Reads what `write` wrote."""
        value = parse_json((directory / PROGRAM_FILE).read_text("utf-8"))
        return cls(
            factory=value["factory"],
            kwargs=value["kwargs"],
            inputs=tuple(TensorSpec.from_json(spec) for spec in value["inputs"]),
            outputs=tuple(value["outputs"]),
        )


def parse_kwargs(text: str) -> dict[str, Any]:
    """The factory's keyword arguments. LeptonError where the text is no JSON object."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise LeptonError("kwargs", f"it is not JSON ({error})", "Write json.encode({…})") from None
    if not isinstance(value, dict):
        raise LeptonError("kwargs", f"it is a JSON {type(value).__name__}", "Write json.encode({…})")
    return value


def parse_inputs(texts: Sequence[str]) -> tuple[TensorSpec, ...]:
    """The inputs that texts `name:dtype:shape` describe. LeptonError where one does not."""
    specs = tuple(_parse_input(text) for text in texts)
    names = [spec.name for spec in specs]
    if not names or len(set(names)) != len(names):
        raise LeptonError("inputs", "there is none" if not names else "two have one name", _FIX)
    return specs


def _parse_input(text: str) -> TensorSpec:
    what = f"input {text!r}"
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 3 or not parts[0].isidentifier():
        raise LeptonError(what, "it is no name, dtype and shape between colons", _FIX)
    if parts[1] not in _INPUT_DTYPES:
        raise LeptonError(what, f"its dtype is {parts[1]!r}", suggestion(parts[1], _INPUT_DTYPES))
    shape: list[int | str] = []
    for part in (part.strip() for part in parts[2].split(",") if parts[2]):
        if part.isascii() and part.isdigit() and 0 < int(part[:12]) < 1 << 31:
            shape.append(int(part))
        elif part.isascii() and part.isidentifier():
            shape.append(part)
        else:
            raise LeptonError(what, f"its dimension {part!r} is neither a length nor a name", _FIX)
    return TensorSpec(parts[0], parts[1], tuple(shape))


def copy_sources(sources: Sequence[Path], directory: Path) -> None:
    """Copies each source to every name under which sys.path lets it be imported, or else to its own name."""
    if not any(source.suffix == ".py" for source in sources):
        raise LeptonError("srcs", "there is no Python source", "Give the files that define the model")
    own = Path(lepton_rules.__file__).parent.parent
    for source in sources:
        places = [Path(place) for place in dict.fromkeys(sys.path) if place and source.is_relative_to(place)]
        # This package's root is on sys.path for itself; a model of this very repository lies below it by chance.
        named = [place for place in places if place.resolve() != own.resolve()] or places
        for name in [source.relative_to(place) for place in named] or [Path(source.name)]:
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists() and target.read_bytes() != source.read_bytes():
                raise LeptonError("srcs", f"two files are both imported as {name}", "Give one of them another name")
            shutil.copyfile(source, target)


def write_weights(files: Sequence[Path], output: Path) -> None:
    """Writes the weights in a safetensors or an npz file, told by its content, as safetensors. None makes an empty
    file: a function may have no weights.

    Raises:
        LeptonError: there are several files, or one is neither, or holds what is no finite number.
    """
    if len(files) > 1:
        raise LeptonError("weights", f"there are {len(files)} files, accepted is one", "Give one safetensors file")
    arrays: dict[str, Array] = {}
    if files:
        with safetensors_file.open_regular(files[0], f"weights {files[0].name!r}") as stream:
            archive = stream.read(4) == b"PK\x03\x04"
        arrays = read_npz(files[0]) if archive else read_weights(files[0])
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise LeptonError("weights", f"{name!r} has NaN or infinite values", "Train again with a smaller rate")
    safetensors_file.write(output, {name: _blob(name, array) for name, array in arrays.items()})


def read_weights(path: Path) -> dict[str, Array]:
    """The arrays of a safetensors file by name. LeptonError where it is none."""
    entries = safetensors_file.read_entries(path)
    found = {}
    with path.open("rb") as stream:
        for name, entry in entries.items():
            kind = _DTYPES.get(entry.dtype)
            if kind is None:
                raise LeptonError(f"tensor {name!r}", f"JAX has no dtype {entry.dtype}", "Convert it")
            dtype = np.dtype(ml_dtypes.bfloat16) if kind == "bfloat16" else np.dtype(kind).newbyteorder("<")
            stream.seek(entry.start)
            found[name] = np.frombuffer(stream.read(entry.end - entry.start), dtype).reshape(entry.shape)
    return found


def _blob(name: str, array: Array) -> Blob:
    dtype = _NAMES.get(array.dtype.name)
    if dtype is None:
        raise LeptonError(f"tensor {name!r}", f"it has dtype {array.dtype}", "Convert it to numbers")
    return Blob(dtype, tuple(array.shape), array.nbytes, (np.ascontiguousarray(array).tobytes(),))


@contextlib.contextmanager
def made(directory: Path, program: Program) -> Iterator[Function]:
    """Makes the function of the model in `directory`: it takes the inputs, the weights are bound.

    This runs the user's sources. While the context lasts they are first on sys.path; afterwards their modules are
    forgotten, so that another model may have modules of the same names.

    Raises:
        LeptonError: the factory is not there, fails, or gives no function.
    """
    root = (directory / PROGRAM).resolve()
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        function = _call(_find(program.factory, root), program)
        # JAX's own arrays: numpy's cannot be indexed by what is being traced.
        weights = {name: jax.numpy.asarray(array) for name, array in read_weights(directory / WEIGHTS_FILE).items()}
        yield lambda *inputs: function(weights, *inputs)
    finally:
        sys.path.remove(str(root))
        sys.dont_write_bytecode = kept
        for name in [name for name, module in sys.modules.items() if _is_below(module, root)]:
            del sys.modules[name]


def _is_below(module: object, root: Path) -> bool:
    file = getattr(module, "__file__", None)
    places = [file] if isinstance(file, str) else list(getattr(module, "__path__", None) or ())
    return any(Path(place).is_relative_to(root) for place in places)


def _find(factory: str, root: Path) -> Any:
    what = f"factory {factory!r}"
    module_name, _, attribute = factory.partition(":")
    if not module_name or not attribute.isidentifier():
        raise LeptonError(what, "it is not module:attribute", "Write it as `network:make`")
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
    if not hasattr(module, attribute):
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise LeptonError(what, f"there is no {attribute!r} in it", suggestion(attribute, names))
    return getattr(module, attribute)


def _call(factory: Any, program: Program) -> Function:
    what = f"factory {program.factory!r}"
    try:
        function = factory(**program.kwargs)
    except Exception as error:  # the user's code may raise anything
        raise LeptonError(
            what,
            f"called with {dict(program.kwargs)} it raises {type(error).__name__}: {error}",
            "Correct the factory, or kwargs",
        ) from error
    if not callable(function):
        raise LeptonError(what, f"it gives a {type(function).__name__}", "Give a function of weights and inputs")
    found: Function = function
    return found
