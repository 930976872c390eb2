"""prints what a pass does, what it can be told, and what it reads and writes"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lepton_rules.cli import options
from lepton_rules.plugin.config import config_schema, json_key
from lepton_rules.plugin.descriptors import Exporter, Importer, Pass
from lepton_rules.recipe.catalog import STEP_KINDS, Found

_WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("step", metavar="PLUGIN.NAME", help="a pass, an exporter or an importer")
    options.add_plugins(parser)


def main(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    print("\n".join(explain(options.catalog(arguments).find(arguments.step))))
    return 0


def explain(found: Found) -> Iterator[str]:
    """Yields the lines."""
    component = found.component
    yield f"{found.name}: {STEP_KINDS[found.kind]} of {found.plugin}"
    yield ""
    written = inspect.getdoc(component.config) or ""
    if component.doc or not written.startswith(f"{component.config.__name__}("):
        yield from textwrap.wrap(component.doc or written, _WIDTH)
    if isinstance(component, Importer):
        yield f"Produces {component.produces}."
        if component.allows_code:
            yield "Runs code that is stored in the model's files where --allow_code says so."
    if isinstance(component, Pass | Exporter):
        yield f"Consumes {component.consumes}, produces {component.produces}."
    if isinstance(component, Pass):
        if not component.preserves_signature:
            yield "Changes the model's inputs or outputs."
        if component.requires:
            yield f"Requires hardware with {', '.join(sorted(component.requires))}."
        if component.slots:
            yield from ("", "slots:")
        for slot in component.slots:
            need = "required" if slot.required else "optional"
            yield from _entry(f"{slot.name}: {slot.kind}, {need}", slot.doc)
    fields = config_schema(component.config)["fields"]
    yield ""
    yield f"options (version {component.config.VERSION}):" if fields else "It has no options."  # type: ignore[attr-defined]
    for name, schema in fields.items():
        yield from _entry(f"{name}: {_type(schema)}{_default(schema)}", _about(schema))
    method = _module_docstring(component.implementation.partition(":")[0])
    if method:
        yield ""
        yield from method.splitlines()


def _entry(head: str, text: str) -> Iterator[str]:
    yield f"  {head}"
    yield from textwrap.wrap(text, _WIDTH, initial_indent="      ", subsequent_indent="      ")


def _type(schema: dict[str, Any]) -> str:
    if "choices" in schema:
        return " | ".join(json_key(choice) for choice in schema["choices"])
    return str(schema["type"])


def _default(schema: dict[str, Any]) -> str:
    if "default" not in schema:
        return ", must be given"
    return f" = {json_key(schema['default'])}"


def _about(schema: dict[str, Any]) -> str:
    parts = [schema["doc"].rstrip(".") + "."]
    bounds = [
        f"{word} {schema[key]}" for key, word in (("minimum", "at least"), ("maximum", "at most")) if key in schema
    ]
    if bounds:
        parts.append(f"{' and '.join(bounds).capitalize()}.")
    parts += [f"{value} requires {capability}." for value, capability in schema.get("requires", {}).items()]
    return " ".join(parts)


def _module_docstring(name: str) -> str:
    """What the module of an implementation says of its method, read without importing it and its libraries."""
    try:
        spec = importlib.util.find_spec(name)
        source = Path(spec.origin).read_text("utf-8") if spec and spec.origin else ""
        return ast.get_docstring(ast.parse(source)) or ""
    except (ImportError, OSError, SyntaxError, ValueError):
        return ""
