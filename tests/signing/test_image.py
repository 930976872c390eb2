"""An image's signature: as cosign makes it, and refused where anything in it is another."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pairs import Pair, make

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.signing import image

DIGEST = "sha256:" + "a" * 64
REPOSITORY = "registry.example.com/team/tiny"


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make(tmp_path)


@pytest.fixture
def layout(pair: Pair, tmp_path: Path) -> Path:
    image.sign(DIGEST, REPOSITORY, pair.private, tmp_path / "signature")
    return tmp_path / "signature"


def blob(layout: Path, descriptor: dict[str, Any]) -> bytes:
    return (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()


def signed(layout: Path) -> tuple[bytes, bytes]:
    """The payload and its signature."""
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    (layer,) = json.loads(blob(layout, entry))["layers"]
    return blob(layout, layer), base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"])


def test_the_form_of_cosign(layout: Path) -> None:
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": f"sha256-{'a' * 64}.sig"}
    manifest = json.loads(blob(layout, entry))
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    assert manifest["layers"][0]["mediaType"] == "application/vnd.dev.cosign.simplesigning.v1+json"
    assert json.loads(signed(layout)[0]) == {
        "critical": {
            "identity": {"docker-reference": REPOSITORY},
            "image": {"docker-manifest-digest": DIGEST},
            "type": "cosign container image signature",
        },
        "optional": None,
    }
    for file in (layout / "blobs" / "sha256").iterdir():
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_takes_it(layout: Path, pair: Pair, tmp_path: Path) -> None:
    payload, signature = signed(layout)
    (tmp_path / "payload").write_bytes(payload)
    (tmp_path / "der").write_bytes(signature)
    command = ["openssl", "dgst", "-sha256", "-verify", str(pair.public), "-signature", str(tmp_path / "der")]
    result = subprocess.run([*command, str(tmp_path / "payload")], capture_output=True, text=True, check=False)
    assert result.stdout == "Verified OK\n", result.stderr


def test_verify(layout: Path, pair: Pair) -> None:
    image.verify(DIGEST, REPOSITORY, pair.public, layout)
    image.verify(DIGEST, "", pair.public, layout)


@pytest.mark.parametrize(
    ("digest", "repository", "says"),
    [
        ("sha256:" + "b" * 64, REPOSITORY, "it is of the image sha256:aaa"),
        (DIGEST, "registry.example.com/other", "it is of an image in registry.example.com/team/tiny, not in"),
    ],
)
def test_of_something_else(digest: str, repository: str, says: str, layout: Path, pair: Pair) -> None:
    with pytest.raises(LeptonError, match=f"lepton: signature signature: {says}"):
        image.verify(digest, repository, pair.public, layout)


def test_another_key(layout: Path, tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="it is not of this key, or was changed"):
        image.verify(DIGEST, "", make(tmp_path, "other").public, layout)


def test_every_changed_file_is_noticed(layout: Path, pair: Pair) -> None:
    """A bit anywhere but in the configuration, which says nothing."""
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads(blob(layout, entry))
    for descriptor in (entry, manifest["layers"][0]):
        file = layout / "blobs" / descriptor["digest"].replace(":", "/")
        content = file.read_bytes()
        file.write_bytes(content.replace(b"a", b"b", 1))
        with pytest.raises(LeptonError, match="has other bytes"):
            image.verify(DIGEST, "", pair.public, layout)
        file.write_bytes(content)
    image.verify(DIGEST, "", pair.public, layout)


@pytest.mark.parametrize(
    "index", ["", "{}", "[]", '{"manifests": []}', '{"manifests": [{"digest": "sha256:../../../etc/passwd"}]}']
)
def test_no_layout(index: str, layout: Path, pair: Pair) -> None:
    (layout / "index.json").write_text(index)
    with pytest.raises(LeptonError, match=r"lepton: signature signature: it (is no layout|holds no signature)"):
        image.verify(DIGEST, "", pair.public, layout)


def test_nothing_is_written_over(layout: Path, pair: Pair) -> None:
    with pytest.raises(LeptonError, match="it is there already"):
        image.sign(DIGEST, REPOSITORY, pair.private, layout)
