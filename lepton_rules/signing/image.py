"""The signature of an image: cosign's simple signing, as an OCI artifact in a layout.

Sources: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md and
https://github.com/opencontainers/image-spec/blob/main/image-layout.md. `skopeo copy` sends the layout to the registry,
under the tag that cosign looks for: `sha256-<digest>.sig`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.signing import keys

_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_SIGNATURE = "dev.cosignproject.cosign/signature"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def payload(digest: str, repository: str) -> bytes:
    """What is signed: that an image of this digest is this repository's."""
    content = {
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    return _compact(content)


def tag(digest: str) -> str:
    """Where cosign looks for the signature of an image, in the image's repository."""
    return digest.replace(":", "-") + ".sig"


def sign(digest: str, repository: str, key: Path, layout: Path) -> None:
    """Signs an image's digest and writes the signature as an OCI layout.

    Raises:
        LeptonError: the key is none, or the layout is there already.
    """
    private = keys.private_key(key)
    if layout.exists():
        raise LeptonError(f"layout {layout.name}", "it is there already", "Remove it, or name another folder")
    signed = payload(digest, repository)
    signature = base64.b64encode(keys.sign(private, signed)).decode()
    layer = {**_descriptor(_SIMPLE_SIGNING, signed), "annotations": {_SIGNATURE: signature}}
    config = _compact({
        "architecture": "",
        "config": {},
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    })  # fmt: skip
    manifest = _compact({
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _descriptor(_CONFIG, config),
        "layers": [layer],
    })  # fmt: skip
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {**_descriptor(_MANIFEST, manifest), "annotations": {"org.opencontainers.image.ref.name": tag(digest)}}
        ],
    }
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for content in (signed, config, manifest):
        (blobs / hashlib.sha256(content).hexdigest()).write_bytes(content)
    (layout / "index.json").write_bytes(_compact(index))
    (layout / "oci-layout").write_bytes(_compact({"imageLayoutVersion": "1.0.0"}))


def verify(digest: str, repository: str, key: Path, layout: Path) -> None:
    """Checks that a layout holds this key's signature of an image.

    Args:
        digest: of the image.
        repository: that the image is of; empty for any.
        key: the public key.
        layout: what `sign` wrote, or skopeo fetched.

    Raises:
        LeptonError: it does not.
    """
    public = keys.public_key(key)
    what = f"signature {layout.name}"
    try:
        reasons = [_refusal(digest, repository, public, layout, layer) for layer in _layers(layout)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        why = f"it is no layout with a signature ({type(error).__name__}: {error})"
        raise LeptonError(what, why, "Name the folder that .sign wrote") from error
    if not reasons:
        raise LeptonError(what, "it holds no signature", "Name the folder that .sign wrote")
    if all(reasons):
        raise LeptonError(what, reasons[0], "Sign the image again, or ask who signed for the key")


def _layers(layout: Path) -> list[Mapping[str, Any]]:
    index = json.loads((layout / "index.json").read_bytes())
    manifests = [json.loads(_blob(layout, entry)) for entry in index["manifests"]]
    return [layer for manifest in manifests for layer in manifest["layers"] if layer["mediaType"] == _SIMPLE_SIGNING]


def _refusal(digest: str, repository: str, public: Any, layout: Path, layer: Mapping[str, Any]) -> str:
    """Why a signature does not count; empty where it does."""
    signed = _blob(layout, layer)
    signature = base64.b64decode(layer["annotations"][_SIGNATURE], validate=True)
    if not keys.is_signed(public, signature, signed):
        return "it is not of this key, or was changed"
    critical = json.loads(signed)["critical"]
    if critical["image"]["docker-manifest-digest"] != digest:
        return f"it is of the image {critical['image']['docker-manifest-digest']}, and this one is {digest}"
    if repository and critical["identity"]["docker-reference"] != repository:
        return f"it is of an image in {critical['identity']['docker-reference']}, not in {repository}"
    return ""


def _blob(layout: Path, descriptor: Mapping[str, Any]) -> bytes:
    """Reads a blob, and holds it to its name."""
    if _DIGEST.fullmatch(descriptor["digest"]) is None:
        raise ValueError(f"{descriptor['digest']!r} is no digest")
    name = descriptor["digest"].removeprefix("sha256:")
    content: bytes = (layout / "blobs" / "sha256" / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != name:
        raise ValueError(f"the blob {name} has other bytes")
    return content


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _compact(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
