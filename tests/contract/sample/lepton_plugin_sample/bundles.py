"""The packager `bundle`."""

from __future__ import annotations

from lepton_rules.plugin import Package, PackageContext, PackedEntry, PackedLayer


def bundle(context: PackageContext) -> Package:
    """A script, and the model beside its manifest."""
    home = f"/bundle/{context.name}"
    script = PackedEntry(path=f"{home}/run", content="#!/bin/sh\n", executable=True)
    model = tuple(
        PackedEntry(path=f"{home}/model/{file}", source=f"model/{file}") for file in sorted(context.model["files"])
    )
    manifest = PackedEntry(path=f"{home}/manifest.json", source="manifest")
    return Package(
        layers={
            "program": PackedLayer(entries=(script,), compress=True),
            "model": PackedLayer(entries=(*model, manifest)),
        },
        entrypoint=(script.path,),
        command=("--verbose",) if context.config.verbose else (),
        environment={"HOME": "/nonexistent"},
        user="65532:65532",
    )
