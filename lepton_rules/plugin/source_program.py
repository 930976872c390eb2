"""A model whose program is the user's own Python: `program/`, the sources; `program.json`, how they make the model;
`weights.safetensors`, what fills it."""

from __future__ import annotations

import contextlib
import importlib
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import lepton_rules
from lepton_rules.manifest.canonical import canonical_json, parse_json
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.facts import TensorSpec
from lepton_rules.plugin.names import suggestion

PROGRAM = "program"
PROGRAM_FILE = "program.json"
WEIGHTS_FILE = "weights.safetensors"


@dataclass(frozen=True, kw_only=True)
class SourceProgram:
    """How a model is made, as `program.json` says it.

    Args:
        factory: `module:attribute` below `program/`.
        kwargs: the factory's keyword arguments.
        inputs: what the model takes, in order.
        outputs: names of what it gives.
    """

    factory: str
    kwargs: Mapping[str, Any]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The content of `program.json`."""
        return {
            "factory": self.factory,
            "kwargs": dict(self.kwargs),
            "inputs": [spec.to_json() for spec in self.inputs],
            "outputs": list(self.outputs),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The reverse of `to_json`."""
        return cls(
            **{
                **value,
                "inputs": tuple(TensorSpec.from_json(spec) for spec in value["inputs"]),
                "outputs": tuple(value["outputs"]),
            }
        )

    def write(self, directory: Path) -> None:
        """Writes `program.json` into a model's directory."""
        (directory / PROGRAM_FILE).write_text(canonical_json(self.to_json()), "utf-8")

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Reads what `write` wrote."""
        return cls.from_json(parse_json((directory / PROGRAM_FILE).read_text("utf-8")))

    def call(self, root: Path) -> Any:
        """What the factory gives. Only inside of `importable(root)`.

        Raises:
            LeptonError: the factory is not among the sources below `root`, or fails.
        """
        factory = _find(self.factory, root)
        try:
            return factory(**self.kwargs)
        except Exception as error:  # the user's code may raise anything
            raise LeptonError(
                f"factory {self.factory!r}",
                f"called with {dict(self.kwargs)} it raises {type(error).__name__}: {error}",
                "Correct the factory, or kwargs",
            ) from error


def parse_kwargs(text: str) -> dict[str, Any]:
    """The factory's keyword arguments. LeptonError where the text is no JSON object."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise LeptonError("kwargs", f"it is not JSON ({error})", "Write json.encode({…})") from None
    if not isinstance(value, dict):
        raise LeptonError("kwargs", f"it is a JSON {type(value).__name__}", "Write json.encode({…})")
    return value


def copy_sources(sources: Sequence[Path], directory: Path) -> None:
    """Copies each source to every name under which sys.path lets it be imported, or else to its own name.

    Raises:
        LeptonError: no source is Python, or two have one name.
    """
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


@contextlib.contextmanager
def importable(directory: Path) -> Iterator[Path]:
    """Puts the sources of the model in `directory` first on sys.path while the context lasts, and gives their place.

    Afterwards their modules are forgotten, so that another model may have modules of the same names. Contexts nest: the
    outer model's modules are set aside while the inner one lasts.
    """
    root = (directory / PROGRAM).resolve()
    aside = {name: sys.modules.pop(name) for name in [n for n, m in sys.modules.items() if _is_user_code(m)]}
    _roots.append(root)
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        yield root
    finally:
        sys.path.remove(str(root))
        sys.dont_write_bytecode = kept
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
    # A package without __init__.py has no file, only places.
    places = [file] if isinstance(file, str) else list(getattr(module, "__path__", None) or ())
    return any(Path(place).is_relative_to(root) for place in places)


def _find(factory: str, root: Path) -> Any:
    """The object that `module:attribute` names; the attribute may have dots. LeptonError where there is none."""
    what = f"factory {factory!r}"
    module_name, _, attribute = factory.partition(":")
    if not module_name or not all(part.isidentifier() for part in attribute.split(".")):
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
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [name for name, value in vars(found).items() if callable(value) and not name.startswith("_")]
            raise LeptonError(what, f"there is no {part!r} in it", suggestion(part, names))
        found = getattr(found, part)
    return found
