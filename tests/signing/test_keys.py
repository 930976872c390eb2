"""Keys: what is none is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pairs import make

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.signing import keys


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_curves(curve: ec.EllipticCurve, tmp_path: Path) -> None:
    pair = make(tmp_path, curve=curve)
    signature = keys.sign(keys.private_key(pair.private), b"x")
    public = keys.public_key(pair.public)
    assert keys.is_signed(public, signature, b"x")
    assert not keys.is_signed(public, signature, b"y")
    assert not keys.is_signed(public, signature[:-1], b"x")
    assert not keys.is_signed(keys.public_key(make(tmp_path, "other", curve).public), signature, b"x")


def test_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = make(tmp_path, password="secret")
    with pytest.raises(LeptonError, match=r"it needs a password\. Set LEPTON_KEY_PASSWORD"):
        keys.private_key(pair.private)
    monkeypatch.setenv("LEPTON_KEY_PASSWORD", "other")
    with pytest.raises(LeptonError, match="or its password is another"):
        keys.private_key(pair.private)
    monkeypatch.setenv("LEPTON_KEY_PASSWORD", "secret")
    keys.private_key(pair.private)
    with pytest.raises(LeptonError, match=r"it has no password\. Unset LEPTON_KEY_PASSWORD"):
        keys.private_key(make(tmp_path, "open").private)


def test_no_keys(tmp_path: Path) -> None:
    pair = make(tmp_path)
    (tmp_path / "text").write_text("no key")
    koblitz = make(tmp_path, "koblitz", ec.SECP256K1())
    rivest = rsa.generate_private_key(65537, 2048)
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (tmp_path / "rsa").write_bytes(rivest.private_bytes(pem, form, serialization.NoEncryption()))
    for name, says in {
        "absent": "key absent: it cannot be read: No such file or directory",
        "text": "key text: it is no private key in PEM",
        pair.public.name: "it is no private key in PEM",
        koblitz.private.name: "it is not on one of the curves secp256r1",
        "rsa": "key rsa: it is not on one of the curves",
    }.items():
        with pytest.raises(LeptonError, match=says):
            keys.private_key(tmp_path / name)
    for name in ("absent", "text", pair.private.name, koblitz.public.name):
        with pytest.raises(LeptonError, match=f"lepton: key {name}: "):
            keys.public_key(tmp_path / name)
