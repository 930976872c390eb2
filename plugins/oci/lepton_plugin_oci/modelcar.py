"""The packager `modelcar`: the model in one layer of an image, for KServe's modelcars and for volumes of kind image.

https://kserve.github.io/website/docs/model-serving/storage/providers/oci
"""

from __future__ import annotations

from lepton_rules.plugin import Package, PackageContext, PackedEntry, PackedLayer


def modelcar(context: PackageContext) -> Package:
    """Returns the package.

    A volume of kind image mounts it as it is. KServe's sidecar runs a shell in it: give the target a base with one.
    """
    home = context.config.directory.rstrip("/")
    entries = (
        *(PackedEntry(path=f"{home}/{file}", source=f"model/{file}") for file in sorted(context.model["files"])),
        PackedEntry(path=f"{home}/manifest.json", source="manifest"),
    )
    return Package(layers={"model": PackedLayer(entries=entries)}, user="65532:65532")
