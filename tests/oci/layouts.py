"""Small images and layouts for the tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lepton_rules.oci.descriptor import document
from lepton_rules.oci.flags import compact_json
from lepton_rules.oci.image import Image, Layer
from lepton_rules.oci.layer import write_layer
from lepton_rules.oci.media import CONFIG, INDEX, MANIFEST
from lepton_rules.oci.store import Store
from lepton_rules.oci.tar import Member

AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64", "variant": "v8"}

PACKAGE: dict[str, Any] = {
    "layers": ["model"],
    "entrypoint": ["/usr/bin/python3"],
    "command": ["--model=/m"],
    "environment": {"A": "package"},
    "user": "65532:65532",
    "working_directory": "",
    "ports": ["8080/tcp"],
    "stop_signal": "SIGTERM",
    "labels": {"from": "package"},
    "annotations": {},
    "artifact_type": "",
    "config_media_type": "",
    "config": None,
}


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def put(layout: Path, data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    """Writes a blob; returns its descriptor."""
    descriptor = document(data, media_type, **more)
    path = layout / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return descriptor


def write_layout(
    path: Path, platforms: Sequence[dict[str, Any]] = (AMD64,), *, nested: bool = False, layer_type: str = ""
) -> Path:
    """Writes a layout as other tools do, an image of one layer for each platform."""
    manifests = []
    for platform in platforms:
        layer_file = path.with_name("layer")
        layer = write_layer(
            [Member(path="etc/arch", content=platform["architecture"].encode())], layer_file, compression="gzip"
        )
        put(path, layer_file.read_bytes(), layer["mediaType"])
        config = {
            **platform,
            "config": {
                "Env": ["PATH=/usr/bin", "A=base"],
                "Entrypoint": ["/bin/sh"],
                "Cmd": ["-c"],
                "Labels": {"b": "1"},
            },
            "rootfs": {"type": "layers", "diff_ids": [layer["diff_id"]]},
            "history": [{"created_by": "debootstrap"}],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": put(path, compact_json(config), CONFIG),
            "layers": [
                {"mediaType": layer_type or layer["mediaType"], "digest": layer["digest"], "size": layer["size"]}
            ],
        }
        manifests.append(put(path, compact_json(manifest), MANIFEST, platform=platform))
    if nested:
        inner = compact_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
        manifests = [put(path, inner, INDEX)]
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    return path


def write_store(directory: Path, size: int = 10, platform: dict[str, Any] = AMD64, compression: str = "none") -> Store:
    """Writes an image of two layers, and returns all of it."""
    directory.mkdir(parents=True, exist_ok=True)
    layers = []
    blobs = {}
    for name, content in (("server", b"server"), ("model", platform["architecture"].encode() * size)):
        path = directory / f"{name}.layer"
        descriptor = write_layer([Member(path=f"opt/{name}", content=content)], path, compression=compression)
        layers.append(Layer(descriptor=descriptor, created_by=name))
        blobs[descriptor["digest"]] = path
    config, manifest = Image(package=PACKAGE, platform=platform, layers=layers).documents()
    documents = {sha256(config): config, sha256(manifest): manifest}
    return Store(document(manifest, MANIFEST), documents, blobs)
