"""Writes a plugin's `passes.bzl`: its descriptors for Starlark, and a constructor for each component that a user names.

    python -m lepton_rules.plugin.generate --entry lepton_plugin_onnx --name onnx --label //plugins/onnx \\
        --output passes.bzl

It imports the plugin's entry module and nothing behind it, so that the plugin's libraries need not be installed. With
`--check` it writes nothing and fails where the file differs, with the command that mends it.
"""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lepton_rules.plugin.config import json_key
from lepton_rules.plugin.describe import describe, to_json
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.manager import LoadedPlugin, load

# Kinds that a BUILD file names with a configuration, to what `lepton_component` calls them. Runtimes and targets come
# with `lepton_hardware`, by name.
_CONSTRUCTED = {
    "importers": "importer",
    "passes": "pass",
    "exporters": "exporter",
    "metrics": "metric",
    "packagers": "packager",
}
_LABEL = re.compile(r"(@@?[A-Za-z0-9._+~-]*)?//[A-Za-z0-9_./+=@-]*(:[A-Za-z0-9_./+=@-]+)?", re.ASCII)
_WIDTH = 100
# What the generated file itself calls; a plugin of that name would define it anew.
_TAKEN = frozenset({"json", "struct", "lepton_pass", "lepton_component"})


def generate(plugin: LoadedPlugin, label: str) -> str:
    """Returns the text of the plugin's `passes.bzl`, formatted as buildifier formats it.

    Args:
        plugin: a loaded plugin.
        label: of its `lepton_plugin` target, seen from the package that the file is in.

    Raises:
        LeptonError: two components of different kinds have one name, which the file's struct has room for once; or the
            plugin is called like a function of the file.
    """
    if plugin.name in _TAKEN:
        raise LeptonError(str(plugin), f"{plugin.name!r} is what Starlark calls a function", "Rename the plugin")
    described = describe(plugin)
    constructors: dict[str, tuple[str, dict[str, Any]]] = {}
    for kind, singular in _CONSTRUCTED.items():
        for name, entry in described.get(kind, {}).items():
            if name in constructors:
                raise LeptonError(
                    str(plugin),
                    f"{constructors[name][0]} and {singular} are both called {name!r}",
                    "Rename one: a recipe's author finds both under the plugin's name",
                )
            constructors[name] = (singular, entry)
    functions = [_function(name, kind, entry, label) for name, (kind, entry) in sorted(constructors.items())]
    loads = sorted({"lepton_pass" if kind == "pass" else "lepton_component" for kind, _ in constructors.values()})
    blocks = [f'"""What the plugin {plugin.name} offers. Generated from its descriptors: do not edit."""']
    if loads:
        blocks.append(
            f'load("@lepton_rules//lepton_rules:pass.bzl", {", ".join(f"{s!r}" for s in loads)})'.replace("'", '"')
        )
    blocks.append(f"DESCRIPTORS = json.decode(r'''{to_json(described)}''')")
    blocks.extend(functions)
    if constructors:
        members = "".join(f"    {name} = _{name},\n" for name in sorted(constructors))
        blocks.append(f"{plugin.name} = struct(\n{members})")
    return "\n\n".join(blocks) + "\n"


def _function(name: str, kind: str, entry: dict[str, Any], label: str) -> str:
    fields = entry["config"]["fields"]
    parameters = [f"        {field} = None,\n" for field in sorted(fields)]
    given = [f'            "{field}": {field},\n' for field in sorted(fields)]
    signature = "(\n        *,\n" + "".join(parameters) + "        **unknown)" if fields else "(**unknown)"
    config = "{\n" + "".join(given) + "        }" if fields else "{}"
    constructor = "lepton_pass(\n" if kind == "pass" else f'lepton_component(\n        kind = "{kind}",\n'
    return (
        f"def _{name}{signature}:\n"
        f"{_docstring(kind, entry)}"
        f"    return {constructor}"
        f'        plugin = Label("{label}"),\n'
        f'        name = "{name}",\n'
        f"        config = {config},\n"
        f"        unknown = unknown,\n"
        f"    )"
    )


def _docstring(kind: str, entry: dict[str, Any]) -> str:
    summary = _sentence(entry["doc"]) or f"The {kind}'s configuration."
    lines = [f'    """{_escape(summary)}', ""]
    facts = []
    if kind == "packager":
        layers = ", ".join(layer["name"] for layer in entry["layers"])
        facts.append(f"Packs {', '.join(entry['consumes']) or 'any format'}, in the layers {layers}.")
    elif "consumes" in entry:
        facts.append(f"Consumes {entry['consumes']}, produces {entry['produces']}.")
    elif "produces" in entry:
        facts.append(f"Produces {entry['produces']}.")
    for slot, about in entry.get("slots", {}).items():
        need = "must" if about["required"] else "may"
        facts.append(f"The artifact {need} bind the {about['kind']} slot {slot}. {_sentence(about['doc'])}".strip())
    if entry.get("requires"):
        facts.append(f"Requires hardware with {', '.join(entry['requires'])}.")
    for fact in facts:
        lines += _wrap(fact, "    ", "    ")
    if facts:
        lines.append("")
    lines.append("    Args:")
    for field, schema in sorted(entry["config"]["fields"].items()):
        lines += _wrap(f"{field}: {_field_doc(schema)}", "      ", "        ")
    lines.append("      **unknown: an error, which names the option that was meant.")
    article = "an" if kind[0] in "aeiou" else "a"
    lines += ["", "    Returns:", f"      A struct that rules take as {article} {kind}.", '    """']
    return "\n".join(lines) + "\n"


def _field_doc(schema: dict[str, Any]) -> str:
    parts = [_sentence(schema["doc"])]
    if "choices" in schema:
        parts.append(f"One of {', '.join(json_key(c) for c in schema['choices'])}.")
    bounds = [
        f"{word} {schema[key]}" for key, word in (("minimum", "at least"), ("maximum", "at most")) if key in schema
    ]
    if bounds:
        parts.append(f"{' and '.join(bounds)[0].upper()}{' and '.join(bounds)[1:]}.")
    if "default" not in schema:
        parts.append("It must be given.")
    elif schema["default"] is not None:
        parts.append(f"Default {_starlark(schema['default'])}.")
    for value, capability in schema.get("requires", {}).items():
        parts.append(f"The value {value} requires {capability}.")
    return " ".join(part for part in parts if part)


def _starlark(value: Any) -> str:
    """Returns a JSON value as a BUILD file would write it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_starlark, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_starlark(k)}: {_starlark(v)}" for k, v in sorted(value.items())) + "}"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _sentence(text: str) -> str:
    """Returns `text` on one line with a full stop."""
    text = " ".join(text.split())
    return text if not text or text.endswith((".", "!", "?")) else text + "."


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _wrap(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        _escape(text),
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def main(argv: Sequence[str]) -> int:
    """Runs the command line; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m lepton_rules.plugin.generate", description=__doc__.splitlines()[0])
    parser.add_argument("--name", required=True, help="the plugin's name")
    parser.add_argument("--entry", default="", help="its entry module; left out for a distribution's entry point")
    parser.add_argument("--label", required=True, help="label of its lepton_plugin target")
    parser.add_argument("--output", required=True, type=Path, help="the file to write, or to check")
    parser.add_argument("--path", action="append", default=[], help="a directory to import the entry module from")
    parser.add_argument("--check", action="store_true", help="fail where the file differs, and write nothing")
    parser.add_argument("--mend", help="the command that a failed --check tells to run")
    arguments = parser.parse_args(argv)
    sys.path[:0] = [str(Path(path).absolute()) for path in arguments.path]
    try:
        if not _LABEL.fullmatch(arguments.label):
            raise LeptonError(
                f"label {arguments.label!r}", "it is no absolute label", "Write //package or //package:name"
            )
        text = generate(load(arguments.name, arguments.entry), arguments.label)
        if not arguments.check:
            arguments.output.write_text(text, "utf-8")
            return 0
        old = arguments.output.read_text("utf-8") if arguments.output.is_file() else ""
        if old == text:
            return 0
        mend = arguments.mend or shlex.join(
            [sys.executable, "-m", "lepton_rules.plugin.generate", *(a for a in argv if a != "--check")]
        )
        sys.stdout.writelines(
            difflib.unified_diff(old.splitlines(True), text.splitlines(True), "in the tree", "generated")
        )
        raise LeptonError(f"{arguments.output}", "it is not what the plugin's descriptors generate", f"Run {mend}")
    except LeptonError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
