"""OCI image layouts as others write them: finds the image for a platform and checks all of it.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lepton_rules.oci.configuration import misshapen
from lepton_rules.oci.descriptor import check_descriptor, check_digest
from lepton_rules.oci.media import INDEXES, MANIFESTS, layer_type, platform_text
from lepton_rules.plugin.errors import LeptonError

# Documents are read whole: one that claims to be larger is none.
_DOCUMENT_LIMIT = 4 << 20
_DEPTH_LIMIT = 4


class Layout:
    """A layout directory."""

    def __init__(self, path: Path) -> None:
        """Takes the directory. Raises LeptonError where it is no layout."""
        self.path = path
        self.what = f"OCI layout {path.name}"
        if not path.is_dir():
            raise self._error("it is no directory", "Name a directory with index.json and blobs/")
        for name in ("oci-layout", "index.json"):
            if not (path / name).is_file():
                raise self._error(
                    f"it has no {name}", "Name the directory that an image's layout is in, not one above it"
                )
        version = self._parse(self._read(path / "oci-layout"), "oci-layout").get("imageLayoutVersion")
        if version != "1.0.0":
            raise self._error(f"its imageLayoutVersion is {version!r}, accepted is 1.0.0", "Write it with another tool")

    def blob(self, digest: str) -> Path:
        """Returns where a blob is."""
        return self.path / "blobs" / "sha256" / check_digest(self.what, digest).removeprefix("sha256:")

    def image(self, platform: dict[str, Any]) -> dict[str, Any]:
        """Finds the image for a platform and reads every byte of it once.

        Args:
            platform: `os`, `architecture`, and `variant` where it matters.

        Returns:
            {"layers": descriptors with diff_id, "config": of the configuration, "history", "platform"}, JSON types.

        Raises:
            LeptonError: there is no image for the platform, or more than one; a blob is missing, or is not what its
                digest and size say; the image does not fit together.
        """
        index = self._parse(self._read(self.path / "index.json"), "index.json")
        found = list(self._images(index, 0))
        if not found:
            raise self._error("its index names no image", "Build or fetch it again")
        fitting = [(manifest, config) for manifest, config in found if _fits(config, platform)]
        wanted = platform_text(platform)
        if not fitting:
            there = ", ".join(sorted({platform_text(config) or "none" for _, config in found}))
            raise self._error(f"it has no image for {wanted}; it has {there}", "Take a base for the image's platform")
        if len({manifest["config"]["digest"] for manifest, _ in fitting}) > 1:
            raise self._error(
                f"it has {len(fitting)} images for {wanted}", "Take a layout with one image for each platform"
            )
        manifest, config = fitting[0]
        diff_ids = (config.get("rootfs") or {}).get("diff_ids") or []
        layers = [check_descriptor(self.what, layer) for layer in manifest["layers"]]
        if len(diff_ids) != len(layers):
            raise self._error(
                f"its manifest has {len(layers)} layers and its configuration {len(diff_ids)}",
                "Build or fetch it again",
            )
        result = []
        for layer, diff_id in zip(layers, diff_ids, strict=True):
            self._check_blob(layer)
            result.append(
                {
                    "mediaType": layer_type(layer["mediaType"]),
                    "digest": layer["digest"],
                    "size": layer["size"],
                    "diff_id": check_digest(self.what, diff_id),
                }
            )
        return {
            "layers": result,
            "config": config.get("config") or {},
            "history": config.get("history") or [],
            "platform": {key: config[key] for key in ("os", "architecture", "variant") if config.get(key)},
        }

    def _images(self, index: dict[str, Any], depth: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yields manifest and configuration of every image that an index leads to."""
        if depth > _DEPTH_LIMIT:
            raise self._error("its indexes are nested too deep", "Take a layout with a plain index")
        entries = index.get("manifests")
        if not isinstance(entries, list):
            raise self._error("its index has no list of manifests", "Build or fetch it again")
        for entry in entries:
            descriptor = check_descriptor(self.what, entry)
            if descriptor["mediaType"] in INDEXES:
                yield from self._images(self._document(descriptor), depth + 1)
            elif descriptor["mediaType"] in MANIFESTS:
                manifest = self._document(descriptor)
                config = manifest.get("config")
                # Attestations of a build are manifests too, with a configuration for no platform.
                if not isinstance(manifest.get("layers"), list) or not isinstance(config, dict):
                    raise self._error("a manifest has no layers or no config", "Build or fetch it again")
                platform = descriptor.get("platform")
                unknown = isinstance(platform, dict) and platform.get("os") == "unknown"
                if unknown or manifest.get("artifactType"):
                    continue
                configuration = self._document(check_descriptor(self.what, config))
                if why := misshapen(configuration):
                    raise self._error(why, "Build it with another tool, or fetch it again")
                yield manifest, configuration

    def _document(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        if descriptor["size"] > _DOCUMENT_LIMIT:
            raise self._error(f"{descriptor['digest']} claims {descriptor['size']} bytes of JSON", "Fetch it again")
        self._check_blob(descriptor)
        return self._parse(self._read(self.blob(descriptor["digest"])), descriptor["digest"])

    def _check_blob(self, descriptor: dict[str, Any]) -> None:
        """Raises LeptonError unless a blob is there and is what its descriptor says."""
        path = self.blob(descriptor["digest"])
        if not path.is_file():
            raise self._error(f"it has no blob {descriptor['digest']}", "Fetch the layout whole")
        size = path.stat().st_size
        if size != descriptor["size"]:
            raise self._error(
                f"the blob {descriptor['digest']} has {size} bytes and should have {descriptor['size']}",
                "Fetch it again",
            )
        with path.open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        if digest != descriptor["digest"]:
            raise self._error(f"the blob {descriptor['digest']} is {digest}", "It is corrupt: fetch it again")

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(_DOCUMENT_LIMIT + 1)
        except OSError as error:
            raise self._error(f"{path.name} cannot be read: {error.strerror}", "Fetch it again") from error

    def _parse(self, data: bytes, name: str) -> dict[str, Any]:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._error(f"{name} is no JSON: {error}", "Fetch it again") from error
        if not isinstance(value, dict):
            raise self._error(f"{name} is no object", "Fetch it again")
        return value

    def _error(self, why: str, fix: str) -> LeptonError:
        return LeptonError(self.what, why, fix)


def _fits(config: dict[str, Any], platform: dict[str, Any]) -> bool:
    return all(config.get(key) == platform[key] for key in ("os", "architecture", "variant") if platform.get(key))
