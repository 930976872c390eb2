"""Builds, checks, writes and reads a model's manifest."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from lepton_rules.manifest import schema
from lepton_rules.manifest.canonical import canonical_json, check_plain, parse_json
from lepton_rules.manifest.directory import digest_directory, table_digest, weights_digest
from lepton_rules.plugin.config import config_to_dict
from lepton_rules.plugin.contexts import HardwareFacts
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.facts import ModelFacts

SCHEMA_VERSION = 1

_LIMIT = 64 << 20  # bytes; a manifest of 100,000 files has 15 MB


@functools.cache
def load_schema() -> Mapping[str, Any]:
    """Returns manifest.schema.json, its patterns compiled."""
    found: Mapping[str, Any] = json.loads(Path(__file__).with_name("manifest.schema.json").read_text("utf-8"))
    schema.compile_patterns(found)
    return found


def step(
    *, component: str, config: Any, plugin: str, version: str, libraries: Mapping[str, str], command: str = ""
) -> dict[str, Any]:
    """Returns one entry of a manifest's `steps`.

    Args:
        component: `<plugin>.<importer, pass or exporter>`, such as `onnx.quantize`.
        config: the configuration object, written in full.
        plugin: the plugin's name.
        version: the plugin's version.
        libraries: distribution to version, of the environment that it ran in.
        command: what repeats the step by hand; empty where it was no action's.
    """
    return {
        "pass": component,
        "config": config_to_dict(config),
        "config_version": type(config).VERSION,
        "plugin": {"name": plugin, "version": version},
        "libraries": dict(libraries),
        **({"command": command} if command else {}),
    }


def build(
    *,
    format: str,
    facts: ModelFacts,
    directory: Path,
    step: Mapping[str, Any],
    parent: Mapping[str, Any] | None = None,
    hardware: HardwareFacts | None = None,
) -> dict[str, Any]:
    """Returns the manifest of the model that an action has just written, as `write` checks it.

    Args:
        format: of the model in `directory`.
        facts: what the implementation said of it.
        directory: the model's files, hashed here.
        step: what `step()` returned for the action.
        parent: the manifest of the model that it was made from, whose steps and notes go on; None for an import.
        hardware: the chip that the artifact is for.

    Raises:
        LeptonError: the directory holds what a model may not.
    """
    files, digest = digest_directory(directory)
    notes = dict(parent["notes"]) if parent else {}
    if facts.notes:
        notes[step["pass"]] = dict(facts.notes)
    return {
        "schema_version": SCHEMA_VERSION,
        "format": format,
        "inputs": [t.to_json() for t in facts.inputs],
        "outputs": [t.to_json() for t in facts.outputs],
        "parameters": facts.parameters,
        "macs": facts.macs,
        "bytes": sum(f["bytes"] for f in files.values()),
        "files": files,
        "digest": digest,
        "weights_digest": weights_digest(format, files),
        "parent": parent["digest"] if parent else None,
        "steps": [*(parent["steps"] if parent else []), dict(step)],
        "hardware": None
        if hardware is None
        else {
            "target": hardware.target,
            "capabilities": sorted(hardware.capabilities),
            "options": dict(hardware.options),
        },
        "notes": notes,
    }


def validate(manifest: object, what: str = "manifest") -> None:
    """Checks a manifest against the schema, and its sums and digests against its own files table.

    Raises:
        LeptonError: names the place as a JSON path, what was got and what is accepted.
    """
    fix = "Build it again with this version of lepton_rules"
    for problem in schema.problems(manifest, load_schema()):
        raise LeptonError(what, problem, fix)
    found = cast("dict[str, Any]", manifest)
    try:
        check_plain(found)
    except (TypeError, ValueError, RecursionError) as error:
        raise LeptonError(
            what, f"it is not plain JSON ({error})", "Use JSON types and finite numbers in notes"
        ) from error
    total = sum(f["bytes"] for f in found["files"].values())
    if found["bytes"] != total:
        raise LeptonError(what, f"$.bytes: {found['bytes']} is not {total}, the sum over its files", fix)
    digest = table_digest(found["files"])
    if found["digest"] != digest:
        raise LeptonError(what, f"$.digest: {found['digest']} is not {digest}, the digest of its files", fix)
    weights = weights_digest(found["format"], found["files"])
    if found["weights_digest"] != weights:
        raise LeptonError(what, f"$.weights_digest: {found['weights_digest']} is not {weights}", fix)
    for side in ("inputs", "outputs"):
        names = [tensor["name"] for tensor in found[side]]
        for name in names:
            if names.count(name) > 1:
                raise LeptonError(what, f"$.{side}: {name!r} is there twice", "Name every tensor once")
    if found["hardware"] and found["hardware"]["capabilities"] != sorted(found["hardware"]["capabilities"]):
        raise LeptonError(what, "$.hardware.capabilities: they are not sorted", fix)
    if (found["parent"] is None) != (len(found["steps"]) == 1):
        raise LeptonError(what, f"$.parent: {found['parent']} does not go with {len(found['steps'])} steps", fix)


def write(manifest: Mapping[str, Any], path: Path) -> None:
    """Writes a manifest in its canonical form. Raises LeptonError, and writes nothing, where it is not valid."""
    validate(manifest, f"manifest {path.name}")
    path.write_bytes(canonical_json(manifest).encode())


def read(path: Path) -> dict[str, Any]:
    """Reads and checks a manifest. Raises LeptonError where it cannot be read or is not valid."""
    what = f"manifest {path.name}"
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
        if len(data) > _LIMIT:
            raise ValueError(f"it is larger than {_LIMIT} bytes")
        manifest = parse_json(data.decode("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise LeptonError(what, f"it cannot be read: {reason}", "Build it again") from error
    validate(manifest, what)
    return cast("dict[str, Any]", manifest)
