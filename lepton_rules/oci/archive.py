"""An image as one tar that Docker, podman, containerd and skopeo take: an OCI layout with Docker's manifest.json.

Docker before its containerd store does not read a layout; it reads manifest.json, whose paths may lead into blobs/.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from lepton_rules.oci.decompression import decompress_zstd
from lepton_rules.oci.flags import compact_json
from lepton_rules.oci.media import INDEX
from lepton_rules.oci.store import Store
from lepton_rules.oci.tar import Member, Sink, write_tar
from lepton_rules.plugin.errors import LeptonError

# https://github.com/distribution/reference: host, path of lower case parts, tag.
_REFERENCE = re.compile(
    r"(?P<repository>(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
    r":(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})",
    re.ASCII,
)


def split_reference(name: str) -> tuple[str, str]:
    """Returns repository and tag of `repository:tag`. Raises LeptonError where it is none."""
    found = _REFERENCE.fullmatch(name)
    if not found:
        raise LeptonError(
            f"image name {name!r}",
            "accepted is repository:tag, the repository's path in lower case",
            "Write for example localhost/resnet:1",
        )
    return found["repository"], found["tag"]


def reference_annotations(name: str) -> dict[str, str]:
    """Returns what an index says of an image's name, for those who load it."""
    _, tag = split_reference(name)
    return {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag}


def has_zstd(store: Store) -> bool:
    """Returns whether the image that Docker gets has layers in zstd."""
    _, manifest = store.images[0]
    return any(layer["mediaType"].endswith("+zstd") for layer in manifest["layers"])


def write_archive(store: Store, name: str, sink: Sink) -> None:
    """Writes the tar.

    Args:
        store: the image; of several, Docker gets the first, who reads the index gets all.
        name: `repository:tag`.
        sink: where it goes.

    Raises:
        LeptonError: a layer is not there.
    """
    root = {**store.root, "annotations": reference_annotations(name)}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [root]}
    _, manifest = store.images[0]
    members = [
        Member(path="index.json", content=compact_json(index)),
        _docker_manifest(name, manifest, [_path(layer) for layer in manifest["layers"]]),
        Member(path="oci-layout", content=compact_json({"imageLayoutVersion": "1.0.0"})),
        *(Member(path=_path({"digest": digest}), content=data) for digest, data in store.documents.items()),
        *(Member(path=_path(layer), source=store.blob(layer)) for layer in store.layers()),
    ]
    write_tar(members, sink)


def write_docker_archive(store: Store, name: str, sink: Sink, scratch: Path) -> None:
    """Writes the tar for a Docker that knows no zstd, in Docker's own form alone.

    It is the same image: the same configuration, by whose digest Docker before 23 knows an image, and with whose
    digests it compares each layer. The manifest, which has the digests of layers in zstd, is not in it: such a
    Docker neither reads nor keeps one.

    Args:
        store: the image; of several the first.
        name: `repository:tag`.
        sink: where it goes.
        scratch: an empty folder for layers without compression.

    Raises:
        LeptonError: a layer is not there, or is not what the configuration says.
    """
    _, manifest = store.images[0]
    config = store.documents[manifest["config"]["digest"]]
    members, paths = [Member(path=_path(manifest["config"]), content=config)], []
    for layer, diff_id in zip(manifest["layers"], json.loads(config)["rootfs"]["diff_ids"], strict=True):
        blob, path = store.blob(layer), _path(layer)
        if layer["mediaType"].endswith("+zstd"):
            path = _path({"digest": diff_id})
            plain = scratch / path.rpartition("/")[2]
            if not plain.exists():
                decompress_zstd(blob, diff_id, plain)
            blob = plain
        if path not in paths:
            members.append(Member(path=path, source=blob))
        paths.append(path)
    write_tar([*members, _docker_manifest(name, manifest, paths)], sink)


def _docker_manifest(name: str, manifest: dict[str, Any], layers: list[str]) -> Member:
    docker = [{"Config": _path(manifest["config"]), "RepoTags": [name], "Layers": layers}]
    return Member(path="manifest.json", content=json.dumps(docker, sort_keys=True).encode())


def _path(descriptor: dict[str, Any]) -> str:
    return f"blobs/sha256/{descriptor['digest'].removeprefix('sha256:')}"
