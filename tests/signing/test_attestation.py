"""A signed statement: as other libraries read it, and refused where anything in it is another."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from pairs import Pair, make
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.signing import attestation

DIGEST = "sha256:" + "a" * 64
STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "x", "digest": {"sha256": "a" * 64}}]}


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make(tmp_path)


@pytest.fixture
def envelope(pair: Pair, tmp_path: Path) -> Path:
    (tmp_path / "statement").write_text(json.dumps(STATEMENT))
    attestation.sign(tmp_path / "statement", pair.private, tmp_path / "x.dsse")
    return tmp_path / "x.dsse"


def test_another_library_takes_it(envelope: Path, pair: Pair) -> None:
    content = json.loads(envelope.read_text())
    assert json.loads(base64.b64decode(content["payload"])) == STATEMENT
    pem = pair.public.read_text()
    key = SSlibKey("", "ecdsa", "ecdsa-sha2-nistp256", {"public": pem})
    assert Envelope.from_dict(content).verify([key], 1)


def test_verify(envelope: Path, pair: Pair, tmp_path: Path) -> None:
    attestation.verify(DIGEST, pair.public, envelope)
    with pytest.raises(LeptonError, match=r"it is about the image sha256:aaa.*, and this one is sha256:bbb"):
        attestation.verify("sha256:" + "b" * 64, pair.public, envelope)
    with pytest.raises(LeptonError, match=r"lepton: attestation x\.dsse: it is not of other\.pub, or was changed"):
        attestation.verify(DIGEST, make(tmp_path, "other").public, envelope)


@pytest.mark.parametrize(
    "change",
    [
        {"payload": base64.b64encode(json.dumps(STATEMENT).encode() + b" ").decode()},
        {"payloadType": "text/plain"},
        {"signatures": []},
    ],
)
def test_a_changed_envelope(change: dict[str, Any], envelope: Path, pair: Pair) -> None:
    envelope.write_text(json.dumps({**json.loads(envelope.read_text()), **change}))
    with pytest.raises(LeptonError, match="or was changed"):
        attestation.verify(DIGEST, pair.public, envelope)


@pytest.mark.parametrize("text", ["", "{}", "[]", "7", '{"payload": "%", "signatures": [], "payloadType": ""}'])
def test_no_envelope(text: str, envelope: Path, pair: Pair) -> None:
    envelope.write_text(text)
    with pytest.raises(LeptonError, match=r"lepton: attestation x\.dsse: it is no envelope"):
        attestation.verify(DIGEST, pair.public, envelope)
