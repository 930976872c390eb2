"""The statement of in-toto with SLSA's provenance.

Sources: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, https://slsa.dev/spec/v1.1/provenance.
What SLSA leaves open and would change from build to build (invocation, times) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lepton_rules.provenance.facts import Facts, hexadecimal

BUILD_TYPE = "urn:lepton-rules:build:image:v1"


def statement(facts: Facts, builder: str, byproducts: Mapping[str, bytes]) -> dict[str, Any]:
    """Returns the statement.

    Args:
        facts: of the image.
        builder: the URI of who builds, which the user trusts or not.
        byproducts: SHA-256 digests of what was written beside the image, in bytes, by name.
    """
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": facts.name, "digest": {"sha256": hexadecimal(facts.digest)}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"target": facts.label, "platform": facts.platform, **facts.parameters},
                "internalParameters": {"steps": [_step(step) for step in facts.model["steps"]]},
                "resolvedDependencies": _dependencies(facts),
            },
            "runDetails": {
                "builder": {"id": builder, "version": {"lepton_rules": facts.version}},
                "byproducts": [
                    {"name": name, "digest": {"sha256": digest.hex()}} for name, digest in sorted(byproducts.items())
                ],
            },
        },
    }


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step without what a list of dependencies says better, and without the command by hand."""
    return {key: step[key] for key in ("pass", "config", "config_version", "plugin")}


def _dependencies(facts: Facts) -> list[dict[str, Any]]:
    files = [
        {
            "name": f"model/{path}",
            "digest": {"sha256": entry["sha256"]},
            "annotations": {
                "model_digest": facts.model["digest"],
                **({"parent_digest": facts.model["parent"]} if facts.model["parent"] else {}),
            },
        }
        for path, entry in sorted(facts.model["files"].items())
    ]
    layers = [
        {"name": f"layer {index}", "digest": {"sha256": hexadecimal(layer["digest"])}, "mediaType": layer["mediaType"]}
        for index, layer in enumerate(facts.image["layers"])
    ]
    installed = [{"uri": package.purl, "annotations": {"use": "installed"}} for package in sorted(facts.packages)]
    built = [
        {"uri": package.purl, "annotations": {"use": "build", "steps": steps}}
        for package, steps in facts.build_packages().items()
    ]
    return [*files, *layers, *installed, *built]
