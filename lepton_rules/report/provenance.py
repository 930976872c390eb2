"""Where an artifact comes from, for its page: the model's files and packages, and what images of it say of themselves.

An image's statement (in-toto with SLSA's provenance) and its bill of materials (CycloneDX) are those that
docs/provenance.md describes; they are read here as others would read them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lepton_rules.manifest import parse_json
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.provenance.facts import Facts

_STATEMENT = "https://slsa.dev/provenance/v1"
_SHA = "sha256:"


def of_model(label: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a model's manifest.json knows: its files, what it was made from, the packages that its steps ran with."""
    facts = Facts(label=label, name="", digest="", image={}, platform="", model=manifest, version="")
    return {
        "parent": manifest["parent"],
        "files": [
            {"name": name, "digest": _SHA + entry["sha256"], "bytes": entry["bytes"]}
            for name, entry in sorted(manifest["files"].items())
        ],
        "packages": [{"purl": package.purl, "used_by": steps} for package, steps in facts.build_packages().items()],
        "images": [],
    }


def images(statements: Sequence[Path], bills: Sequence[Path]) -> list[tuple[str, dict[str, Any]]]:
    """(digest of the model, what the image of it says) for each statement.

    Raises:
      LeptonError: a file is none, or a statement has not the bill of materials that it names.
    """
    by_image = {}
    for path in bills:
        bill = _read(path, "bill of materials", lambda value: value["bomFormat"] == "CycloneDX")
        by_image[bill["metadata"]["component"]["version"]] = (path, bill)
    found = []
    for path in statements:
        statement = _read(path, "statement", lambda value: value["predicateType"] == _STATEMENT)
        digest = _SHA + statement["subject"][0]["digest"]["sha256"]
        if digest not in by_image:
            raise LeptonError(f"statement {path.name}", f"no bill of materials is of {digest}", "Build the image again")
        found.append(_image(digest, statement, by_image[digest][1]))
    return found


def _image(digest: str, statement: Mapping[str, Any], bill: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    build, run = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
    dependencies = build["resolvedDependencies"]
    model = next(entry for entry in dependencies if "model_digest" in entry.get("annotations", {}))
    label = build["externalParameters"]["target"]
    components = [one for one in bill["components"] if one["type"] != "machine-learning-model"]
    return model["annotations"]["model_digest"], {
        "label": label,
        "digest": digest,
        "platform": build["externalParameters"]["platform"],
        "builder": run["builder"]["id"],
        "build_type": build["buildType"],
        "materials": [_material(entry) for entry in dependencies],
        "serial_number": bill["serialNumber"],
        "components": [
            {
                "type": one["type"],
                "name": one["name"],
                "version": one.get("version", ""),
                "scope": one.get("scope", "required"),
                "purl": one.get("purl", ""),
            }
            for one in components
        ],
        "commands": {
            "files": f"bazel build {label} --output_groups=provenance,sbom,checksums",
            "verify": f"bazel run {label}.verify -- --help",
        },
    }


def _material(entry: Mapping[str, Any]) -> dict[str, Any]:
    digest = entry.get("digest", {}).get("sha256")
    use = entry.get("annotations", {}).get("use")
    return {
        "name": entry.get("name") or entry["uri"],
        "digest": _SHA + digest if digest else None,
        "use": use or ("model" if "annotations" in entry else "image"),
    }


def _read(path: Path, what: str, fits: Any) -> dict[str, Any]:
    try:
        value = parse_json(path.read_text(encoding="utf-8"))
        good = isinstance(value, dict) and fits(value)
    except (ValueError, KeyError) as error:
        raise LeptonError(f"{what} {path.name}", f"it is none ({error})", "Build the image again") from error
    if not good:
        raise LeptonError(f"{what} {path.name}", "it is none", "Build the image again")
    return dict(value)
