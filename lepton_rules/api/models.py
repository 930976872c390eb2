"""Models as Python holds them: directories with a manifest, and the way there from memory and back."""

from __future__ import annotations

import importlib
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lepton_rules.api.session import SESSION
from lepton_rules.plugin.contexts import ModelDirectory, SavedModel
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.recipe.plan import resolve
from lepton_rules.recipe.reading import RecipeStep
from lepton_rules.recipe.running import Call, OnDisk, Sources, import_to


class Model:
    """A model on disk. One that a function made lives as long as this object, unless it was told where to be.

    Args:
        directory: holds `model` and `manifest.json`.
    """

    def __init__(self, directory: Path) -> None:
        self._on_disk = OnDisk.find(directory)

    def __repr__(self) -> str:
        manifest = self.manifest
        return f"<{manifest['format']} model, {manifest['bytes']:,} bytes, {manifest['digest'][:19]}>"

    @property
    def path(self) -> Path:
        """The directory with the model's files."""
        return self._on_disk.path

    @property
    def on_disk(self) -> OnDisk:
        """The model as steps read it."""
        return self._on_disk

    @property
    def manifest(self) -> dict[str, Any]:
        """What the model is and how it came to be."""
        return self._on_disk.manifest()

    def save(self, directory: str | Path) -> Path:
        """Copies the model with its manifest to a directory that is not there. Returns its path."""
        target = Path(directory).absolute()
        if target.exists():
            raise LeptonError(f"directory {target.name}", "it is there already", "Give one that is not there")
        shutil.copytree(self._on_disk.directory, target, ignore=shutil.ignore_patterns("steps"))
        return target

    def load(self) -> Any:
        """Returns the model as its library has it in memory, such as an `onnx.ModelProto`.

        Raises:
            LeptonError: no plugin brings this format into memory.
        """
        format = self.manifest["format"]
        reference = SESSION.catalog().loader_of(format)
        if reference is None:
            raise LeptonError(
                f"model in format {format}", "no plugin here brings it into memory", "Read the files at its path"
            )
        return _function(reference)(ModelDirectory(path=self.path, manifest=self.manifest))


def temporary() -> tuple[Path, Callable[[Model], Model]]:
    """Returns a directory that is not there yet, and what ties its life to a model's."""
    holder = tempfile.mkdtemp(prefix="lepton-model-")

    def keep(made: Model) -> Model:
        weakref.finalize(made, shutil.rmtree, holder, ignore_errors=True)
        return made

    return Path(holder, "model"), keep


def model(
    thing: object = None,
    *,
    importer: str | None = None,
    sources: Sequence[str | Path] = (),
    weights: Sequence[str | Path] = (),
    roots: Sequence[str | Path] = (),
    allow_code: bool = False,
    out: str | Path | None = None,
    **config: Any,
) -> Model:
    """Makes a model of an object in memory, of a step's directory, or of files that an importer reads.

    Args:
        thing: a model in memory, a step's directory, or a file for the importer.
        importer: `<plugin>.<importer>`; needed for files.
        sources: the model's files, besides `thing`.
        weights: the files of weights.
        roots: directories that Python sources are imported from.
        allow_code: whether code that is stored in the files may run.
        out: a directory, not there yet, for the model; without it, it vanishes with what is returned.
        **config: the importer's options.

    Raises:
        LeptonError: there is no such importer, or it fails.
    """
    if isinstance(thing, Model):
        return thing
    catalog = SESSION.catalog()
    if importer is None:
        if isinstance(thing, str | Path):
            return Model(Path(thing))
        taken = catalog.importer_of(type(thing)) if thing is not None else None
        if taken is None:
            kind = type(thing)
            what = "model" if thing is None else f"model of class {kind.__module__}.{kind.__qualname__}"
            raise LeptonError(what, "no plugin here takes it", "Save it, and name the importer of its files")
        found, reference = taken
        with tempfile.TemporaryDirectory(prefix="lepton-save-") as directory:
            saved: SavedModel = _function(reference)(thing, Path(directory), config)
            read = Sources(
                sources=saved.sources,
                weights=saved.weights,
                roots=[*map(Path, roots), *dict.fromkeys(path.parent for path in saved.sources)],
                allow_code=allow_code,
            )
            return _import(found.name, saved.config, read, out)
    first = [thing] if isinstance(thing, str | Path) else []
    read = Sources(
        sources=[Path(path) for path in (*first, *sources)],
        weights=[Path(path) for path in weights],
        roots=[Path(path) for path in roots] or [Path()],
        allow_code=allow_code,
    )
    return _import(importer, config, read, out)


def _import(name: str, config: Mapping[str, Any], sources: Sources, out: str | Path | None) -> Model:
    found = SESSION.catalog().find(name, ("importers",))
    planned = resolve(found, RecipeStep(name=name, config=config), None)
    place, keep = (Path(out).absolute(), lambda made: made) if out is not None else temporary()
    return keep(Model(import_to(Call(label="lepton.model"), found, planned.config, sources, place).directory))


def _function(reference: str) -> Callable[..., Any]:
    module, _, attribute = reference.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return found
