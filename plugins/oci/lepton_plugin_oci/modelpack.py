"""The packager `modelpack`: the model as an artifact of the CNCF's ModelPack, weights in a layer that is only a tar.

https://github.com/modelpack/model-spec (docs/spec.md, docs/config.md, schema/config-schema.json)
"""

from __future__ import annotations

from typing import Any

from lepton_rules.plugin import Package, PackageContext, PackedEntry, PackedLayer

_TYPE = "application/vnd.cncf.model"
_FILEPATH = "org.cncf.model.filepath"


def modelpack(context: PackageContext) -> Package:
    """Returns the package. No date is in it: the same model is the same artifact on another day."""
    config, model = context.config, context.model
    descriptor: dict[str, Any] = {
        "name": context.name,
        "version": context.version,
        "title": context.name,
        "family": config.family,
        "vendor": config.vendor,
        "licenses": [config.license] if config.license else None,
        "sourceURL": config.source_url,
        "docURL": config.doc_url,
        "description": config.description,
    }
    technical = {
        "architecture": config.architecture,
        "format": model["format"],
        "paramSize": _parameters(model["parameters"]),
        "quantization": _quantization(model),
    }
    weights = tuple(PackedEntry(path=f"/{file}", source=f"model/{file}") for file in sorted(model["files"]))
    manifest = PackedEntry(path="/manifest.json", source="manifest")
    return Package(
        layers={
            "weights": PackedLayer(
                entries=weights, media_type=f"{_TYPE}.weight.v1.tar", annotations={_FILEPATH: context.name}
            ),
            "manifest": PackedLayer(
                entries=(manifest,),
                media_type=f"{_TYPE}.weight.config.v1.tar",
                annotations={_FILEPATH: "manifest.json"},
            ),
        },
        artifact_type=f"{_TYPE}.manifest.v1+json",
        config_media_type=f"{_TYPE}.config.v1+json",
        config={
            "descriptor": {key: value for key, value in descriptor.items() if value is not None},
            "config": {key: value for key, value in technical.items() if value is not None},
            "modelfs": {"type": "layers", "diffIds": "${diff_ids}"},
        },
    )


def _parameters(count: int) -> str:
    """Returns a number of parameters as the specification's examples write it, such as 8b."""
    for unit, letter in ((10**12, "t"), (10**9, "b"), (10**6, "m"), (10**3, "k")):
        if count >= unit:
            return f"{count / unit:.3g}{letter}"
    return str(count)


def _quantization(model: Any) -> str | None:
    """Returns what was done to the numbers: the passes that say so by their names, in their order."""
    words = ("quantize", "fp16", "bf16", "smooth_quant")
    names = [step["pass"] for step in model["steps"] if any(word in step["pass"] for word in words)]
    return ",".join(names) or None
