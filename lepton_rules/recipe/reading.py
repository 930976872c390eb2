"""Reads a recipe file, strictly."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from lepton_rules.manifest import schema
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import suggestion
from lepton_rules.recipe import yaml_text

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class RecipeStep:
    """One pass or exporter, as a recipe writes it.

    Args:
        name: `<plugin>.<pass or exporter>`.
        config: the options that the recipe sets.
        config_version: the VERSION that they were written for, where it is said.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    config_version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A recipe.

    Args:
        steps: in order.
        hardware: a target's name, the facts of a chip, or None where it names none.
        isa: the instruction set class that its bytes are of, or None.
        seed: of every pass.
        threads: of every pass.
    """

    steps: tuple[RecipeStep, ...]
    hardware: str | Mapping[str, Any] | None = None
    isa: str | None = None
    seed: int = 0
    threads: int = 1


@functools.cache
def load_schema() -> Mapping[str, Any]:
    """Returns recipe.schema.json."""
    text = Path(__file__).with_name("recipe.schema.json").read_text("utf-8")
    return cast("Mapping[str, Any]", json.loads(text))


def read(path: Path) -> Recipe:
    """Reads the recipe at `path`. Raises LeptonError: it cannot be read, or is none."""
    what = f"recipe {path}"
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise LeptonError(what, f"it cannot be read: {error.strerror}", "Give the path of a recipe.yaml") from None
    except UnicodeDecodeError:
        raise LeptonError(what, "it is not UTF-8", "Give a recipe.yaml") from None
    return from_value(yaml_text.parse(text, what), what)


def from_value(value: Any, what: str) -> Recipe:
    """Returns the recipe that a YAML value says. Raises LeptonError about `what` where it says none."""
    if not isinstance(value, dict):
        raise LeptonError(what, "it holds no keys", f"Begin it with `version: {VERSION}` and `steps:`")
    if value.get("version", VERSION) != VERSION:
        raise LeptonError(
            what, f"its version is {value['version']!r}, accepted is {VERSION}", "Write it anew with this lepton_rules"
        )
    _check_keys(value, load_schema(), what, "it")
    for problem in schema.problems(value, load_schema()):
        raise LeptonError(what, problem, "See lepton_rules/recipe/recipe.schema.json")
    steps = tuple(
        RecipeStep(name=step["pass"], config=step.get("config", {}), config_version=step.get("config_version"))
        for step in value["steps"]
    )
    rest = {key: value[key] for key in ("hardware", "isa", "seed", "threads") if key in value}
    return Recipe(steps=steps, **rest)


def _check_keys(value: Any, known: Mapping[str, Any], what: str, where: str) -> None:
    """Raises LeptonError, with the near miss, for a key that the schema does not have."""
    if isinstance(value, list):
        for number, element in enumerate(value, 1):
            _check_keys(element, known.get("items", {}), what, f"{where} {number}")
    if not isinstance(value, dict) or "properties" not in known:
        return
    for key, element in value.items():
        if key not in known["properties"]:
            raise LeptonError(what, f"{where} has the unknown key {key!r}", suggestion(str(key), known["properties"]))
        _check_keys(element, known["properties"][key], what, key.removesuffix("s") if key == "steps" else key)
