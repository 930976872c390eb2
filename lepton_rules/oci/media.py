"""The media types of images, and what their layers are compressed with."""

from __future__ import annotations

from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

MANIFESTS = (MANIFEST, DOCKER_MANIFEST)
INDEXES = (INDEX, DOCKER_INDEX)

# No clock is read: what is made from equal inputs is the same on another day.
CREATED = "1970-01-01T00:00:00Z"

# Of an attribute `compression` to what a layer's media type ends with.
COMPRESSIONS = {"none": "", "gzip": "+gzip", "zstd": "+zstd"}

# The same layers in Docker's words, which old tools give a base.
_DOCKER_LAYERS = {
    "application/vnd.docker.image.rootfs.diff.tar": LAYER,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": f"{LAYER}+gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd": f"{LAYER}+zstd",
}


def layer_type(media_type: str) -> str:
    """Returns the media type of a layer in OCI's words."""
    return _DOCKER_LAYERS.get(media_type, media_type)


def platform_text(platform: dict[str, Any]) -> str:
    """Returns a platform as `os/architecture[/variant]`."""
    return "/".join(str(platform[key]) for key in ("os", "architecture", "variant") if platform.get(key))
