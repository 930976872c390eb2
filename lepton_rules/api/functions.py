"""Passes as functions. What there is, and what each takes, comes from the plugins' descriptors."""

from __future__ import annotations

import dataclasses
import inspect
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_rules.actions.npz import write_npz
from lepton_rules.api.models import Model, model, temporary
from lepton_rules.api.session import SESSION
from lepton_rules.plugin.config import config_schema
from lepton_rules.plugin.contexts import HardwareFacts
from lepton_rules.plugin.descriptors import Exporter, Pass, Slot
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import suggestion
from lepton_rules.recipe import plan, reading
from lepton_rules.recipe.catalog import Catalog, Chip, Found
from lepton_rules.recipe.running import Call, OnDisk, Run

if TYPE_CHECKING:
    import numpy

Hardware = str | HardwareFacts | Chip | None

_STEPS = ("passes", "exporters")


def names() -> set[str]:
    """What passes are called whatever their plugin and method: `quantize`, `quantize_dynamic`, `prune`."""
    found = [step.component.name for step in SESSION.catalog().steps(["passes"])]
    return {*found, *(name.partition("_")[0] for name in found)}


class PassFunction:
    """One pass or exporter as a function.

    Args:
        name: `<plugin>.<pass or exporter>`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        found = SESSION.catalog().find(name, _STEPS)
        self.__name__ = found.component.name
        self.__qualname__ = name
        self.__doc__ = "\n".join(_explained(found))
        self.__signature__ = _signature(found)

    def __repr__(self) -> str:
        return f"<{self._name}{self.__signature__}>"

    def __call__(
        self,
        thing: object,
        *,
        hardware: Hardware = None,
        seed: int = 0,
        threads: int = 1,
        out: str | Path | None = None,
        config: Mapping[str, Any] | None = None,
        **given: Any,
    ) -> Model:
        """Runs the pass; see `help`.

        Args:
            thing: the model: a `Model`, a step's directory, or an object in memory that a plugin takes.
            hardware: the chip: a target's name, or its facts.
            seed: of what draws random numbers.
            threads: to compute with; sums depend on it.
            out: a directory, not there yet, for the result; without it, it vanishes with what is returned.
            config: options, for one that is called as an argument here.
            **given: options, and what the slots are bound to.

        Raises:
            LeptonError: an option or a slot does not fit, the chip cannot do it, or the pass fails.
        """
        found = SESSION.catalog().find(self._name, _STEPS)
        slots = _slots(found)
        bound = {key: value for key, value in given.items() if key in slots and value is not None}
        options = {key: value for key, value in given.items() if key not in slots} | dict(config or {})
        fields = config_schema(found.component.config)["fields"]
        for key in options:
            if key not in fields:
                raise LeptonError(found.name, f"there is no option {key!r}", suggestion(key, {*fields, *slots}))
        recipe = reading.Recipe(
            steps=(reading.RecipeStep(name=found.name, config=options),), seed=seed, threads=threads
        )
        chip = _chip(hardware, SESSION.catalog())
        # What the chip takes in the end is no matter of one pass.
        alone = dataclasses.replace(chip, accepts=()) if chip else None
        return _run(recipe, model(thing), alone, bound, out, f"lepton.{found.name}")


class Verb:
    """What passes do, whatever their plugin: the one that takes the model's format runs.

    Args:
        name: a pass's name, or what stands before the first `_` in it, such as `prune`.
    """

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name
        meant = ", ".join(f"lepton.{found.name}" for found in self._all())
        self.__doc__ = f"One of {meant}: the one that takes the model. See their help."

    def __repr__(self) -> str:
        return f"<lepton.{self.__name__}: {self.__doc__}>"

    def __call__(self, thing: object, *, method: str | None = None, **given: Any) -> Model:
        """Runs the pass.

        Args:
            thing: the model; see `PassFunction.__call__`.
            method: the rest of the pass's name where several passes are called so: `prune(…, method="channels")`.
            **given: as the pass takes it.

        Raises:
            LeptonError: no pass takes the model, or several do.
        """
        held = model(thing)
        return PassFunction(self._choose(held.manifest["format"], method).name)(held, **given)

    def _all(self) -> list[Found]:
        verb = self.__name__
        return [
            found
            for found in SESSION.catalog().steps(["passes"])
            if found.component.name == verb or found.component.name.startswith(f"{verb}_")
        ]

    def _choose(self, format: str, method: str | None) -> Found:
        what = f"lepton.{self.__name__}"
        wanted = self.__name__ if method is None else f"{self.__name__}_{method}"
        found = self._all()
        named = [one for one in found if one.component.name == wanted]
        if method is not None and not named:
            methods = {one.component.name.removeprefix(f"{self.__name__}_") for one in found} - {self.__name__}
            raise LeptonError(what, f"there is no method {method!r}", suggestion(method, methods))
        exported = {
            one.component.produces
            for one in SESSION.catalog().steps(["exporters"])
            if isinstance(one.component, Exporter) and one.component.consumes == format
        }
        # A pass of that very name comes before one of a longer name, and one that takes the model as it is before one
        # that takes it exported.
        for among in (named, found):
            for formats in ({format}, exported):
                fit = [one for one in among if isinstance(one.component, Pass) and one.component.consumes in formats]
                if len(fit) == 1:
                    return fit[0]
                if fit:
                    listed = " or ".join(f"lepton.{one.name}" for one in fit)
                    raise LeptonError(what, f"several passes take a model in {format}", f"Call {listed}")
        takes = ", ".join(sorted({one.component.consumes for one in found if isinstance(one.component, Pass)}))
        raise LeptonError(
            what, f"the model is {format}; the passes of that name take {takes}", "Export the model first"
        )


class Namespace:
    """A plugin's passes and exporters.

    Args:
        plugin: the plugin's name.
    """

    def __init__(self, plugin: str) -> None:
        self._plugin = plugin

    def __repr__(self) -> str:
        return f"<lepton.{self._plugin}: {', '.join(self.__dir__())}>"

    def __dir__(self) -> list[str]:
        return [found.component.name for found in SESSION.catalog().steps(_STEPS) if found.plugin.name == self._plugin]

    def __getattr__(self, name: str) -> PassFunction:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self.__dir__():
            raise AttributeError(f"plugin {self._plugin} has no pass {name!r}. {suggestion(name, self.__dir__())}")
        return PassFunction(f"{self._plugin}.{name}")


def export(
    thing: object, to: str | None = None, *, hardware: Hardware = None, out: str | Path | None = None, **options: Any
) -> Model:
    """Takes a model into another format, by the one exporter that leads there.

    Args:
        thing: the model; see `PassFunction.__call__`.
        to: the format; without it, what the hardware takes.
        hardware: the chip.
        out: a directory, not there yet, for the result.
        **options: the exporter's.

    Raises:
        LeptonError: no exporter leads there, or several do.
    """
    held = model(thing)
    chip = _chip(hardware, SESSION.catalog())
    wanted = (to,) if to is not None else chip.accepts if chip else ()
    if not wanted:
        raise LeptonError("lepton.export", "there is neither a format nor hardware", "Give to= or hardware=")
    if held.manifest["format"] in wanted and to is not None:
        return held
    found = plan.exporter(SESSION.catalog(), held.manifest["format"], wanted, "lepton.export")
    return PassFunction(found.name)(held, hardware=chip, out=out, **options)


def run(
    recipe: str | Path | Mapping[str, Any],
    thing: object,
    *,
    hardware: Hardware = None,
    out: str | Path | None = None,
    **slots: Any,
) -> Model:
    """Runs a recipe.

    Args:
        recipe: the path of a recipe.yaml, or what one says: `{"steps": [{"pass": "onnx.quantize"}]}`.
        thing: the model; see `PassFunction.__call__`.
        hardware: the chip, in place of the recipe's.
        out: a directory, not there yet, for the result and, in `steps`, for what lies before it.
        **slots: what the slots are bound to.

    Raises:
        LeptonError: the recipe is none, does not fit, or a pass fails.
    """
    if isinstance(recipe, Mapping):
        read = reading.from_value({"version": reading.VERSION, **recipe}, "recipe")
    else:
        read = reading.read(Path(recipe))
    chip = _chip(hardware, SESSION.catalog()) or SESSION.catalog().chip(read.hardware)
    return _run(read, model(thing), chip, slots, out, "lepton.run")


def _run(
    recipe: reading.Recipe,
    held: Model,
    chip: Chip | None,
    bound: Mapping[str, Any],
    out: str | Path | None,
    label: str,
) -> Model:
    before = held.manifest
    steps = plan.plan(recipe, before["format"], chip, SESSION.catalog(), before["steps"])
    slots = {slot.name: slot for step in steps for slot in _slots(step.found).values()}
    place, keep = (Path(out).absolute(), lambda made: made) if out is not None else temporary()
    # The directory holds the arrays, and `models` the models, until the steps have read them.
    models: list[Model] = []
    with tempfile.TemporaryDirectory(prefix="lepton-slots-") as directory:
        bindings = {
            name: _binding(slots.get(name), name, value, held, Path(directory), models) for name, value in bound.items()
        }
        call = Call(label=label, chip=chip, isa=recipe.isa, seed=recipe.seed, threads=recipe.threads)
        list(Run(call=call, model=held.on_disk, steps=steps, bindings=bindings).write(place))
    return keep(Model(place))


def _binding(
    slot: Slot | None, name: str, value: Any, held: Model, directory: Path, models: list[Model]
) -> Path | OnDisk:
    """A slot's value as steps read it: arrays in a file, a model on disk."""
    if slot is not None and slot.kind == "model":
        models.append(model(value))
        return models[-1].on_disk
    if isinstance(value, str | Path):
        return Path(value)
    path = directory / f"{name}.npz"
    write_npz(_arrays(name, value, held), path)
    return path


def _arrays(name: str, value: Any, held: Model) -> Mapping[str, numpy.ndarray[Any, Any]]:
    if isinstance(value, Mapping):
        return value
    inputs = [tensor["name"] for tensor in held.manifest["inputs"]]
    if len(inputs) != 1:
        raise LeptonError(f"slot {name}", f"the model has {len(inputs)} inputs", f"Give a dict of {', '.join(inputs)}")
    return {inputs[0]: value}


def _slots(found: Found) -> dict[str, Slot]:
    return {slot.name: slot for slot in found.component.slots} if isinstance(found.component, Pass) else {}


def _chip(hardware: Hardware, catalog: Catalog) -> Chip | None:
    if isinstance(hardware, str):
        return catalog.chip(hardware)
    return Chip(facts=hardware) if isinstance(hardware, HardwareFacts) else hardware


def _explained(found: Found) -> list[str]:
    from lepton_rules.cli.explain import explain

    return list(explain(found))


def _signature(found: Found) -> inspect.Signature:
    named = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter("model", inspect.Parameter.POSITIONAL_ONLY)]
    for name, slot in _slots(found).items():
        default = inspect.Parameter.empty if slot.required else None
        parameters.append(inspect.Parameter(name, named, default=default))
    for name, schema in config_schema(found.component.config)["fields"].items():
        default = schema.get("default", inspect.Parameter.empty)
        parameters.append(inspect.Parameter(name, named, default=default))
    common: Mapping[str, int | None] = {"hardware": None, "seed": 0, "threads": 1, "out": None, "config": None}
    for name, value in common.items():
        if name not in {parameter.name for parameter in parameters}:
            parameters.append(inspect.Parameter(name, named, default=value))
    return inspect.Signature(parameters, return_annotation="Model")
