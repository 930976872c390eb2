"""An image as one tar that Docker, podman, containerd and skopeo take: an OCI layout with Docker's manifest.json.

Docker before its containerd store does not read a layout; it reads manifest.json, whose paths may lead into blobs/.
"""

from __future__ import annotations

import json
import re
from typing import Any

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
    docker = [
        {
            "Config": _path(manifest["config"]),
            "RepoTags": [name],
            "Layers": [_path(layer) for layer in manifest["layers"]],
        }
    ]
    members = [
        Member(path="index.json", content=compact_json(index)),
        Member(path="manifest.json", content=json.dumps(docker, sort_keys=True).encode()),
        Member(path="oci-layout", content=compact_json({"imageLayoutVersion": "1.0.0"})),
        *(Member(path=_path({"digest": digest}), content=data) for digest, data in store.documents.items()),
        *(Member(path=_path(layer), source=store.blob(layer)) for layer in store.layers()),
    ]
    write_tar(members, sink)


def _path(descriptor: dict[str, Any]) -> str:
    return f"blobs/sha256/{descriptor['digest'].removeprefix('sha256:')}"
