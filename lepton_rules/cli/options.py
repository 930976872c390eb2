"""What the subcommands share: which plugins there are, what is bound to slots, which chip."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from lepton_rules.manifest import parse_json, schema
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.recipe.catalog import Catalog, Chip, PluginSource, installed
from lepton_rules.recipe.reading import load_schema
from lepton_rules.recipe.running import OnDisk


class Parser(argparse.ArgumentParser):
    """Speaks as the rest of lepton_rules does."""

    def error(self, message: str) -> NoReturn:
        """Prints one line, and leaves with status 2."""
        self.exit(2, f"{LeptonError('command line', message, f'See {self.prog} --help')}\n")


def add_plugins(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say where plugins are. Those of installed distributions need none."""
    group = parser.add_argument_group("plugins, besides those of installed distributions")
    group.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="NAME=DIRECTORY",
        help=f"a plugin and the directory to import it from; several are separated by {os.pathsep!r}",
    )
    for key, metavar, about in (
        ("entry", "NAME=MODULE", "its entry module, if that is not lepton_plugin_NAME"),
        ("python", "NAME=EXECUTABLE", "the Python that has its libraries, if that is not this one"),
        ("preload", "NAME=MODULE,…", "modules to import before a step, as its lepton_plugin target says"),
    ):
        group.add_argument(f"--{key}", action="append", default=[], metavar=metavar, help=about)


def catalog(arguments: argparse.Namespace) -> Catalog:
    """The plugins that the options name, and the installed ones."""
    sources = {source.name: source for source in installed()}
    for name, text in _pairs("plugin", arguments.plugin).items():
        paths = tuple(Path(part).absolute() for part in text.split(os.pathsep) if part)
        sources[name] = PluginSource(name=name, entry=f"lepton_plugin_{name}", paths=paths)
    for key in ("entry", "python", "preload"):
        for name, text in _pairs(key, getattr(arguments, key)).items():
            if name not in sources:
                raise LeptonError(f"--{key}={name}={text}", f"there is no plugin {name!r}", "Name it with --plugin")
            value: Any = tuple(part for part in text.split(",") if part) if key == "preload" else text
            if key == "python" and os.sep in text:
                value = str(Path(text).absolute())
            sources[name] = dataclasses.replace(sources[name], **{key: value})
    return Catalog(sources[name] for name in sorted(sources))


def add_bindings(parser: argparse.ArgumentParser) -> None:
    """Adds --dataset and --slot."""
    parser.add_argument(
        "--dataset",
        action="append",
        default=[],
        metavar="SLOT=FILE.npz",
        help="what a slot for data, such as calibration, is bound to",
    )
    parser.add_argument(
        "--slot",
        action="append",
        default=[],
        metavar="SLOT=DIR",
        help="what a slot for a model, such as teacher, is bound to",
    )


def bindings(arguments: argparse.Namespace) -> dict[str, Path | OnDisk]:
    """What --dataset and --slot bind."""
    bound: dict[str, Path | OnDisk] = {name: Path(text) for name, text in _pairs("dataset", arguments.dataset).items()}
    for name, text in _pairs("slot", arguments.slot).items():
        if name in bound:
            raise LeptonError(f"slot {name}", "it is bound twice", "Bind it once")
        bound[name] = OnDisk.find(Path(text))
    return bound


def add_hardware(parser: argparse.ArgumentParser) -> None:
    """Adds --hardware."""
    parser.add_argument(
        "--hardware", metavar="TARGET", help="the chip: a target's name, such as cpu_vnni, or its facts as JSON"
    )


def chip(given: str | None, plugins: Catalog) -> Chip | None:
    """The chip that --hardware names or describes."""
    if given is None:
        return None
    if not given.lstrip().startswith("{"):
        return plugins.chip(given)
    what = "--hardware"
    try:
        facts = parse_json(given)
    except ValueError as error:
        raise LeptonError(
            what, f"it is no JSON: {error}", "Give a target's name, or JSON as a manifest has it"
        ) from None
    for problem in schema.problems(facts, load_schema()["properties"]["hardware"] | {"$defs": load_schema()["$defs"]}):
        raise LeptonError(what, problem, "Give a target's name, or JSON as a manifest's command has it")
    return Chip.from_json(facts)


def json_object(given: str, what: str) -> dict[str, Any]:
    """The JSON object that an option gives."""
    try:
        value = parse_json(given)
    except ValueError as error:
        raise LeptonError(what, f"it is no JSON: {error}", "Write it as '{\"option\": value}'") from None
    if not isinstance(value, dict):
        raise LeptonError(what, f"{given} is no JSON object", "Write it as '{\"option\": value}'")
    return value


def _pairs(key: str, values: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not (name and equals and text):
            raise LeptonError(f"--{key}={value}", "it is not NAME=VALUE", f"Write it as --{key} NAME=VALUE")
        if name in found:
            raise LeptonError(f"--{key}={value}", f"{name} is there twice", "Give it once")
        found[name] = text
    return found
