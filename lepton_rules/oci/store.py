"""An image, or several under one index, as what is to be sent: documents by their digest, and where the blobs are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lepton_rules.oci.descriptor import check_descriptor, document, read_layer_descriptor
from lepton_rules.oci.flags import Flags
from lepton_rules.oci.media import INDEX, MANIFEST
from lepton_rules.plugin.errors import LeptonError


@dataclass(frozen=True)
class Store:
    """All of an image.

    Args:
        root: descriptor of the index, or of the one manifest.
        documents: index, manifests and configurations by digest.
        blobs: files of layers by digest.
        layouts: layout directories that hold further blobs.
    """

    root: dict[str, Any]
    documents: dict[str, bytes] = field(default_factory=dict)
    blobs: dict[str, Path] = field(default_factory=dict)
    layouts: tuple[Path, ...] = ()

    @classmethod
    def from_flags(cls, flags: Flags) -> Store:
        """Reads --index, or one --manifest; --manifest, --config, --blob with --descriptor, and --layout."""
        documents: dict[str, bytes] = {}
        index = flags.optional("index")
        manifests = flags.paths("manifest")
        roots = []
        for path, media_type in [*([(Path(index), INDEX)] if index else []), *((path, MANIFEST) for path in manifests)]:
            data = path.read_bytes()
            roots.append(document(data, media_type))
            documents[roots[-1]["digest"]] = data
        for path in flags.paths("config"):
            data = path.read_bytes()
            documents[document(data, "")["digest"]] = data
        blobs = {}
        for blob, descriptor in zip(flags.paths("blob"), flags.paths("descriptor"), strict=True):
            blobs[read_layer_descriptor(descriptor)["digest"]] = blob
        layouts = [path if path.is_dir() else path.parent for path in flags.paths("layout")]
        return cls(roots[0], documents, blobs, tuple(layouts))

    @property
    def images(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Each image's descriptor and manifest."""
        root = json.loads(self.documents[self.root["digest"]])
        if self.root["mediaType"] != INDEX:
            return [(self.root, root)]
        return [(entry, json.loads(self.documents[entry["digest"]])) for entry in root["manifests"]]

    def layers(self) -> Iterator[dict[str, Any]]:
        """Yields the descriptor of each layer once."""
        seen = set()
        for _, manifest in self.images:
            for layer in manifest["layers"]:
                if layer["digest"] not in seen:
                    seen.add(layer["digest"])
                    yield layer

    def configs(self) -> Iterator[dict[str, Any]]:
        """Yields the descriptor of each configuration once."""
        yield from {manifest["config"]["digest"]: manifest["config"] for _, manifest in self.images}.values()

    def blob(self, descriptor: dict[str, Any]) -> Path:
        """Returns the file of a layer.

        Raises:
            LeptonError: it is nowhere, or has another size.
        """
        digest = check_descriptor("image", descriptor)["digest"]
        below = Path("blobs", "sha256", digest.removeprefix("sha256:"))
        candidates = [*([self.blobs[digest]] if digest in self.blobs else []), *(d / below for d in self.layouts)]
        for path in candidates:
            if path.is_file():
                if path.stat().st_size != descriptor["size"]:
                    raise LeptonError(
                        f"layer {digest}",
                        f"{path.name} has {path.stat().st_size} bytes and should have {descriptor['size']}",
                        "Build the image again",
                    )
                return path
        raise LeptonError(f"layer {digest}", "there is no file of it", "Build the image with all its layers")
