"""`<name>.lock.bzl`: what a search found, as an ordinary recipe that people review and check in."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lepton_rules.tune.space import Candidate, Space
from lepton_rules.tune.targets import starlark

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_WIDTH = 118


def recipe(space: Space, candidate: Candidate) -> list[tuple[Mapping[str, Any], dict[str, Any]]]:
    """The steps of the recipe, each with the options that it sets: the recipe's own, and the candidate's.

    What comes from the chip, from the plugin or from the artifact's overrides stays theirs.
    """
    found = []
    for position, step in enumerate(space.steps):
        if not step["declared"] or position in candidate.without:
            continue
        changes = dict(candidate.changes.get(position, {}))
        own = {k: v for k, v in step["config"].items() if step["origins"].get(k) == "the recipe"}
        found.append((step, dict(sorted((own | changes).items()))))
    return found


def lock_text(space: Space, candidate: Candidate, *, found: Sequence[str], has_constructor: Mapping[str, bool]) -> str:
    """The file.

    Args:
      found: lines of the docstring: what was searched for, and what the choice is good for.
      has_constructor: by plugin's label, whether passes.bzl beside it has the plugin's constructors.
    """
    steps = recipe(space, candidate)
    lines = ['"""' + found[0], ""]
    for paragraph in found[1:]:
        if paragraph.startswith(" "):
            lines.append(paragraph)  # a command, to be copied
            continue
        lines += textwrap.wrap(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    lines += ['"""', ""]
    loads = {}
    for step, _ in steps:
        if has_constructor[step["plugin_label"]]:
            loads[_passes_file(step["plugin_label"])] = step["plugin"]
        else:
            loads["@lepton_rules//lepton_rules:pass.bzl"] = "lepton_pass"
    # As buildifier sorts them: those of other modules first.
    ordered = sorted(loads.items(), key=lambda load: (not load[0].startswith("@"), load))
    lines += [f'load("{file}", "{symbol}")' for file, symbol in ordered]
    lines += ["", "RECIPE = ["] if loads else ["RECIPE = ["]
    for step, config in steps:
        lines += _step(step, config, constructor=has_constructor[step["plugin_label"]])
    lines.append("]")
    return "\n".join(lines) + "\n"


def constructor_file(label: str, *, workspace: Path, output_base: Path) -> Path | None:
    """Where the constructors of a plugin stand, by custom passes.bzl in its package; None where that is not known."""
    repository, _, rest = label.partition("//")
    package = rest.partition(":")[0]
    if not repository:
        return workspace / package / "passes.bzl"
    name = repository.lstrip("@")
    for folder in (name, f"{name}~", f"{name}+"):
        if (place := output_base / "external" / folder / package / "passes.bzl").exists():
            return place
    return None


def has_constructors(file: Path | None, plugin: str) -> bool:
    """Whether a passes.bzl defines the plugin's symbol."""
    if file is None or not file.exists():
        return False
    return f"\n{plugin} = struct(" in file.read_text("utf-8", "replace")


def _passes_file(label: str) -> str:
    return label.partition(":")[0] + ":passes.bzl"


def _step(step: Mapping[str, Any], config: Mapping[str, Any], *, constructor: bool) -> list[str]:
    if constructor and all(_PLAIN.fullmatch(name) for name in config):
        call = f"{step['plugin']}.{step['name']}"
        arguments = [f"{name} = {starlark(value)}" for name, value in config.items()]
        if len(arguments) < 2:
            return [f"    {call}({''.join(arguments)}),"]
    else:
        call = "lepton_pass"
        arguments = [
            f"plugin = Label({starlark(step['plugin_label'])})",
            f"name = {starlark(step['name'])}",
            f"config = {starlark(dict(config))}",
        ]
    return [f"    {call}(", *(f"        {argument}," for argument in arguments), "    ),"]
