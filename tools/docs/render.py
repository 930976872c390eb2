"""Renders what `starlark_doc_extract` found in .bzl files as Markdown, on standard output.

usage: render.py TITLE=MODULE.textproto…

The message is ModuleInfo of Bazel's stardoc_output.proto, in protobuf's text format as Bazel prints it: one field a
line.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Message = dict[str, list[Any]]

_TYPES = {
    "BOOLEAN": "bool",
    "INT": "int",
    "INT_LIST": "list of int",
    "LABEL": "label",
    "LABEL_DICT_UNARY": "dict of string to label",
    "LABEL_LIST": "list of labels",
    "LABEL_STRING_DICT": "dict of label to string",
    "NAME": "name",
    "OUTPUT": "output",
    "OUTPUT_LIST": "list of outputs",
    "STRING": "string",
    "STRING_DICT": "dict of string to string",
    "STRING_LIST": "list of strings",
    "STRING_LIST_DICT": "dict of string to list of strings",
}


def parse(text: str) -> Message:
    """A message as a dict of field name to its values: messages, strings, or bare words such as `true` and `LABEL`."""
    return _message(iter(text.splitlines()))


def _message(lines: Iterator[str]) -> Message:
    fields: Message = defaultdict(list)
    for line in lines:
        word = line.strip()
        if word == "}":
            break
        if word.endswith(" {"):
            fields[word[:-2]].append(_message(lines))
        elif word and not word.startswith("#"):
            name, _, value = word.partition(": ")
            fields[name].append(_string(value) if value.startswith('"') else value)
    return fields


def _string(literal: str) -> str:
    """Its escapes are those of a bytes literal of Python: UTF-8, byte by byte.

    Bazel 7 takes each byte of a .bzl file for a character of Latin-1, and so encodes what is not ASCII twice.
    """
    content: bytes = ast.literal_eval("b" + "".join(c if c.isascii() else _octal(c) for c in literal))
    text = content.decode("utf-8")
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8"))


def _one(message: Message, field: str, default: str = "") -> str:
    value: str = message[field][0] if message.get(field) else default
    return value


def _paragraphs(doc: str) -> str:
    """A docstring without its indentation. Blocks of code, which are indented further, keep theirs."""
    lines = doc.strip().expandtabs().splitlines()
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    cut = min(indents, default=0)
    return "\n".join([*lines[:1], *(line[cut:] for line in lines[1:])])


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(rows)
    if not rows:
        return
    yield ""
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"


def _default(of: Message) -> str:
    if _one(of, "mandatory") == "true":
        return "required"
    value = _one(of, "default_value")
    return f"`{value}`" if value else ""


def _attributes(owner: Message) -> Iterator[str]:
    rows = (
        (f"`{_one(a, 'name')}`", _TYPES[_one(a, "type", "NAME")], _one(a, "doc_string"), _default(a))
        for a in owner["attribute"]
    )
    yield from _table(("attribute", "type", "meaning", "default"), rows)


def _rule(rule: Message) -> Iterator[str]:
    yield from ("", f"### {_one(rule, 'rule_name')}", "", _paragraphs(_one(rule, "doc_string")))
    yield from _attributes(rule)


def _function(function: Message) -> Iterator[str]:
    yield from ("", f"### {_one(function, 'function_name')}", "", _paragraphs(_one(function, "doc_string")))
    rows = ((f"`{_star(p)}{_one(p, 'name')}`", _one(p, "doc_string"), _default(p)) for p in function["parameter"])
    yield from _table(("argument", "meaning", "default"), rows)


def _star(parameter: Message) -> str:
    return "**" if _one(parameter, "name") == "kwargs" else ""


def _provider(provider: Message) -> Iterator[str]:
    yield from ("", f"### {_one(provider, 'provider_name')}", "", _paragraphs(_one(provider, "doc_string")))
    rows = ((f"`{_one(f, 'name')}`", _one(f, "doc_string")) for f in provider["field_info"])
    yield from _table(("field", "meaning"), rows)


def _extension(extension: Message) -> Iterator[str]:
    name = _one(extension, "extension_name")
    yield from ("", f"### {name}", "", _paragraphs(_one(extension, "doc_string")))
    for tag in extension["tag_class"]:
        yield from ("", f"#### {name}.{_one(tag, 'tag_name')}", "", _paragraphs(_one(tag, "doc_string")))
        yield from _attributes(tag)


def _module(title: str, module: Message) -> Iterator[str]:
    yield from ("", f"## {title}", "", _paragraphs(_one(module, "module_docstring")))
    symbols = [
        *((_one(m, "rule_name"), _rule(m)) for m in module["rule_info"]),
        *((_one(m, "function_name"), _function(m)) for m in module["func_info"]),
        *((_one(m, "provider_name"), _provider(m)) for m in module["provider_info"]),
        *((_one(m, "extension_name"), _extension(m)) for m in module["module_extension_info"]),
    ]
    for _, lines in sorted(symbols, key=lambda symbol: symbol[0]):
        yield from lines


def render(modules: Iterable[tuple[str, Message]]) -> str:
    """The reference: a section for each module, its symbols by name."""
    lines = [
        "<!-- Written by `bazel run //docs:rules.update` from the docstrings; not edited by hand. -->",
        "# Rule reference",
    ]
    for title, module in modules:
        lines += _module(title, module)
    return "\n".join(line.rstrip() for line in lines) + "\n"


if __name__ == "__main__":
    pairs = (argument.partition("=") for argument in sys.argv[1:])
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # it is a text file
    sys.stdout.write(render((title, parse(Path(path).read_text("utf-8"))) for title, _, path in pairs))
