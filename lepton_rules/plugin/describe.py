"""A plugin's descriptors as JSON: what its `passes.bzl` carries and what Starlark plans with."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from lepton_rules.plugin.config import config_schema
from lepton_rules.plugin.descriptors import API_VERSION, KINDS, Descriptor, Packager, Pass, Target
from lepton_rules.plugin.manager import LoadedPlugin


def describe(plugin: LoadedPlugin) -> dict[str, Any]:
    """Returns {"name", "api_version", and for each kind of KINDS a table of descriptors by name}, JSON types only.

    A table of packagers is there only where there are any: a passes.bzl from before the hook stays as it is.
    A descriptor's entry holds its own fields, "doc", and for all but targets "config", as `config_schema` gives it.
    """
    described: dict[str, Any] = {"name": plugin.name, "api_version": API_VERSION}
    for kind in KINDS:
        described[kind] = {name: _entry(d) for name, d in sorted(getattr(plugin, kind).items())}
    if not described["packagers"]:
        del described["packagers"]
    return described


def to_json(described: dict[str, Any]) -> str:
    """Returns the one spelling of a description: sorted keys, 1-space indent, no quote ' and no NaN.

    So it can stand between ''' and ''' in a raw Starlark string. What is not ASCII stays as it is: Bazel takes a file's
    UTF-8 byte by byte and writes it out again, while an escaped character becomes one that it cannot write.
    """
    text = json.dumps(described, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return text.replace("'", r"\u0027")


def doc_of(descriptor: Descriptor) -> str:
    """Returns the descriptor's doc, or the first line of its configuration's docstring, or an empty string."""
    if descriptor.doc or isinstance(descriptor, Target):
        return descriptor.doc
    written = descriptor.config.__doc__ or ""
    # A dataclass without a docstring gets its signature for one.
    if written.startswith(f"{descriptor.config.__name__}("):
        return ""
    return next((line.strip() for line in written.splitlines() if line.strip()), "")


def _plain(value: Any) -> Any:
    """Returns `value` with tuples as lists and mappings as dicts."""
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if hasattr(value, "items"):
        return {key: _plain(v) for key, v in value.items()}
    return value


def _entry(descriptor: Descriptor) -> dict[str, Any]:
    own = {f.name: getattr(descriptor, f.name) for f in dataclasses.fields(descriptor)}
    for left_out in ("name", "api_version", "implementation", "config", "slots", "saves", "loads"):
        own.pop(left_out, None)
    entry = {key: _plain(value) for key, value in own.items()}
    entry["doc"] = doc_of(descriptor)
    if isinstance(descriptor, Target):
        entry["capabilities"] = sorted(entry["capabilities"])
        return entry
    if isinstance(descriptor, Pass):
        entry["requires"] = sorted(entry["requires"])
        entry["slots"] = {s.name: {"kind": s.kind, "required": s.required, "doc": s.doc} for s in descriptor.slots}
    if isinstance(descriptor, Packager):
        # A list: keys are written sorted, and the layers have an order.
        entry["layers"] = [{"name": name, "sources": list(sources)} for name, sources in descriptor.layers.items()]
    entry["config"] = config_schema(descriptor.config)
    return entry
