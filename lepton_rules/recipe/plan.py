"""Planning outside Bazel: from a recipe, a model's format and a chip to steps whose configuration is whole.

The rules are those of `lepton_artifact` (private/plan.bzl and private/config.bzl): an option comes from the recipe,
else from the chip's defaults, else from the plugin's; where a format changes, the one exporter that leads there is put
in; what the chip cannot do is an error before anything runs. A recipe that an artifact wrote is planned already, and
comes out as it went in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lepton_rules.plugin.config import config_schema, config_to_dict, json_key, parse_config
from lepton_rules.plugin.descriptors import Exporter, Pass
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.recipe.catalog import Catalog, Chip, Found
from lepton_rules.recipe.reading import Recipe, RecipeStep


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """A pass or an exporter with all of its options."""

    found: Found
    config: Mapping[str, Any]


def plan(
    recipe: Recipe, format: str, chip: Chip | None, catalog: Catalog, made: Sequence[Mapping[str, Any]] = ()
) -> list[PlannedStep]:
    """Returns the steps that take a model of `format` through the recipe to what the chip takes.

    `made` are the steps in the model's manifest: what it needs of a chip because of them, it needs still.

    Raises:
        LeptonError: a pass is unknown, an option does not fit, no exporter or more than one leads where a pass needs
            it, or the chip cannot do what a step asks for.
    """
    if chip is not None:
        _check_made(made, chip, catalog)
    planned: list[PlannedStep] = []
    for step in recipe.steps:
        found = catalog.find(step.name, ("passes", "exporters"))
        assert isinstance(found.component, Pass | Exporter)
        if found.component.consumes != format:
            hop = exporter(catalog, format, [found.component.consumes], found.name)
            planned.append(resolve(hop, RecipeStep(name=hop.name), chip))
        planned.append(resolve(found, step, chip))
        format = found.component.produces
    if chip is not None and chip.accepts and format not in chip.accepts:
        hop = exporter(catalog, format, chip.accepts, f"hardware {chip.facts.target}")
        planned.append(resolve(hop, RecipeStep(name=hop.name), chip))
    return planned


def exporter(catalog: Catalog, have: str, want: Sequence[str], who: str) -> Found:
    """Returns the one exporter from a format to one of those that `who` takes. Raises LeptonError: none, or several."""
    candidates = [
        found
        for found in catalog.steps(["exporters"])
        if isinstance(found.component, Exporter)
        and found.component.consumes == have
        and found.component.produces in want
    ]
    if len(candidates) == 1:
        return candidates[0]
    takes = f"{who} takes {' or '.join(want)}, the model is {have}"
    if candidates:
        names = " and ".join(found.name for found in candidates)
        raise LeptonError("format", f"{takes}, and several exporters lead there: {names}", "Write one into the recipe")
    plugins = ", ".join(plugin.name for plugin in catalog.plugins) or "there is none"
    raise LeptonError(
        "format",
        f"{takes}, and none of the plugins here ({plugins}) exports one to the other",
        f"Name a plugin with an exporter from {have} to {' or '.join(want)}",
    )


def resolve(found: Found, step: RecipeStep, chip: Chip | None) -> PlannedStep:
    """Fills in what the recipe leaves open, and checks it all. Raises LeptonError where an option does not fit."""
    what = f"configuration of {found.name}"
    defaults = chip.pass_defaults.get(found.name, {}) if chip else {}
    config: Any = parse_config(
        found.component.config, {**defaults, **step.config}, what=what, version=step.config_version
    )
    whole = config_to_dict(config)
    if chip is not None:
        _check_capabilities(found, whole, chip)
    return PlannedStep(found=found, config=whole)


def _needed(found: Found, config: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """What a chip must have for a component with these options: each capability, and the option that needs it."""
    needed: list[tuple[str, str | None]] = [(name, None) for name in getattr(found.component, "requires", ())]
    for name, field in config_schema(found.component.config)["fields"].items():
        capability = field.get("requires", {}).get(json_key(config[name])) if name in config else None
        if capability:
            needed.append((capability, name))
    return needed


def _lacks(chip: Chip) -> str:
    has = ", ".join(sorted(chip.facts.capabilities)) or "nothing"
    return f"hardware {chip.facts.target} does not have; it has {has}"


def _check_capabilities(found: Found, config: Mapping[str, Any], chip: Chip) -> None:
    for capability, option in _needed(found, config):
        if capability in chip.facts.capabilities:
            continue
        if option is None:
            fix = f"Take the pass out of the recipe, or choose hardware with {capability}"
            raise LeptonError(found.name, f"it needs {capability}, which {_lacks(chip)}", fix)
        raise LeptonError(
            f"{option} = {json_key(config[option])} of {found.name}",
            f"it needs {capability}, which {_lacks(chip)}",
            f"Set {option} to a value that the hardware supports, or choose hardware with {capability}",
        )


def _check_made(made: Sequence[Mapping[str, Any]], chip: Chip, catalog: Catalog) -> None:
    """Raises LeptonError where the model is one, by what was done to it, that the chip cannot run."""
    steps = {found.name: found for found in catalog.steps(("passes", "exporters"))}
    for step in made:
        for capability, _ in _needed(steps[step["pass"]], step["config"]) if step["pass"] in steps else ():
            if capability not in chip.facts.capabilities:
                raise LeptonError(
                    "model",
                    f"it comes from {step['pass']} and needs {capability}, which {_lacks(chip)}",
                    f"Choose hardware with {capability}, or a model without that pass",
                )
