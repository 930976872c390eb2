"""Keys in PEM files."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lepton_rules.plugin.errors import LeptonError

_CURVES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
_MAKE = "Make one with `openssl ecparam -name prime256v1 -genkey -noout -out key.pem`"
_PASSWORD = "LEPTON_KEY_PASSWORD"


def password() -> str | None:
    """The private key's password: from the environment, since a command line is seen by every user of the machine."""
    return os.environ.get(_PASSWORD) or None


def private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Reads a private key.

    Raises:
        LeptonError: it cannot be read, needs another password, or is on no curve that signatures here are made with.
    """
    secret = password()
    try:
        key = serialization.load_pem_private_key(_read(path), secret.encode() if secret else None)
    except TypeError as error:
        why = "it needs a password" if secret is None else "it has no password"
        raise LeptonError(f"key {path.name}", why, f"{'Set' if secret is None else 'Unset'} {_PASSWORD}") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        why = "it is no private key in PEM, or its password is another"
        raise LeptonError(f"key {path.name}", why, _MAKE) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in _CURVES:
        raise LeptonError(f"key {path.name}", f"it is not on one of the curves {', '.join(_CURVES)}", _MAKE)
    return key


def public_key(path: Path) -> ec.EllipticCurvePublicKey:
    """Reads a public key.

    Raises:
        LeptonError: it cannot be read, or is on no curve that signatures here are made with.
    """
    make = "Write it with `openssl ec -in key.pem -pubout -out key.pub`"
    try:
        key = serialization.load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise LeptonError(f"key {path.name}", "it is no public key in PEM", make) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise LeptonError(f"key {path.name}", f"it is not on one of the curves {', '.join(_CURVES)}", make)
    return key


def sign(key: ec.EllipticCurvePrivateKey, payload: bytes) -> bytes:
    """Returns the signature, in DER."""
    signature: bytes = key.sign(payload, ec.ECDSA(_CURVES[key.curve.name]))
    return signature


def is_signed(key: ec.EllipticCurvePublicKey, signature: bytes, payload: bytes) -> bool:
    """Whether the signature is the key's, of this payload."""
    try:
        key.verify(signature, payload, ec.ECDSA(_CURVES[key.curve.name]))
    except InvalidSignature:
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LeptonError(f"key {path.name}", f"it cannot be read: {error.strerror}", "Name the key's file") from error
