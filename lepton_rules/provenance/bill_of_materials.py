"""The bill of materials of CycloneDX 1.6 with a model card.

Source: https://cyclonedx.org/docs/1.6/json/. Its serial number follows from the image's digest: the same image has the
same one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from lepton_rules.provenance.facts import Facts, Package, hexadecimal

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:lepton-rules:bill-of-materials")
_IMAGE = "image"
_MODEL = "model"


def bill_of_materials(facts: Facts) -> dict[str, Any]:
    """Returns the bill: the image, in it the model and what is installed, and what the model was built with."""
    installed = sorted(set(facts.packages))
    built = {package: steps for package, steps in facts.build_packages().items() if package not in installed}
    steps = facts.build_packages()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, facts.digest)}",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", "name": "lepton_rules", "version": facts.version}]},
            "component": _image(facts),
        },
        "components": [
            _model(facts),
            *(_package(package, "required", steps.get(package, ())) for package in installed),
            *(_package(package, "excluded", used_by) for package, used_by in built.items()),
        ],
        "dependencies": [
            {"ref": _IMAGE, "dependsOn": [_MODEL, *(package.purl for package in installed)]},
            {"ref": _MODEL, **({"dependsOn": [package.purl for package in steps]} if steps else {})},
        ],
    }


def _image(facts: Facts) -> dict[str, Any]:
    name = facts.name.lower()
    return {
        "type": "container",
        "bom-ref": _IMAGE,
        "name": facts.name,
        "version": facts.digest,
        "hashes": [_hash(hexadecimal(facts.digest))],
        "purl": f"pkg:oci/{name}@sha256%3A{hexadecimal(facts.digest)}?arch={facts.architecture}",
        "properties": _properties({"lepton:target": facts.label, "lepton:platform": facts.platform}),
    }


def _model(facts: Facts) -> dict[str, Any]:
    model = facts.model
    hardware = model["hardware"] or {"target": "", "capabilities": []}
    steps = {
        f"lepton:step:{index}": f"{step['pass']} {json.dumps(step['config'], sort_keys=True)}"
        for index, step in enumerate(model["steps"], start=1)
    }
    ancestors = (
        {
            "pedigree": {
                "ancestors": [{"type": "machine-learning-model", "name": facts.name, "version": model["parent"]}]
            }
        }
        if model["parent"]
        else {}
    )
    return {
        "type": "machine-learning-model",
        "bom-ref": _MODEL,
        "name": facts.name,
        "version": model["digest"],
        "scope": "required",
        **ancestors,
        "components": [
            {"type": "file", "name": path, "hashes": [_hash(entry["sha256"])]}
            for path, entry in sorted(model["files"].items())
        ],
        "modelCard": _card(facts),
        "properties": _properties(
            {
                "lepton:format": model["format"],
                "lepton:parameters": model["parameters"],
                "lepton:macs": "" if model["macs"] is None else model["macs"],
                "lepton:bytes": model["bytes"],
                "lepton:weights_digest": model["weights_digest"],
                "lepton:hardware": hardware["target"],
                "lepton:capabilities": ",".join(hardware["capabilities"]),
                **steps,
            }
        ),
    }


def _card(facts: Facts) -> dict[str, Any]:
    """The model card: signature and what was measured of its answers. What a build cannot know, it does not say."""
    metrics = [
        {"type": name, "value": repr(value), "slice": f"evaluation split, {facts.metrics['samples']} samples"}
        for name, value in sorted(facts.metrics.get("metrics", {}).items())
    ]
    return {
        "modelParameters": {
            side: [{"format": _tensor(tensor)} for tensor in facts.model[side]] for side in ("inputs", "outputs")
        },
        **({"quantitativeAnalysis": {"performanceMetrics": metrics}} if metrics else {}),
    }


def _tensor(tensor: Mapping[str, Any]) -> str:
    return f"{tensor['name']}: {tensor['dtype']}[{', '.join(map(str, tensor['shape']))}]"


def _package(package: Package, scope: str, steps: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "scope": scope,
        "purl": package.purl,
        **({"properties": _properties({"lepton:used_by": ",".join(steps)})} if steps else {}),
    }


def _properties(values: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in values.items() if value != ""]


def _hash(digits: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digits}
