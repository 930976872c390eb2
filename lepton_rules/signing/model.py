"""The signature of a model's files: a Sigstore bundle as OpenSSF Model Signing has it."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import model_signing
from cryptography.exceptions import InvalidSignature

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.signing.keys import password, private_key, public_key

# How the library tells that the files are others, and not that the signature is.
_MISMATCH = "Signature mismatch"


@dataclass(frozen=True)
class Difference:
    """Files that are not as they were signed, by path: each `changed`, `added` or `removed`."""

    files: Mapping[str, str]


@contextmanager
def staged(name: str, files: Mapping[str, Path]) -> Iterator[Path]:
    """A directory with links to files, as the image has them in one: the model's files and its manifest."""
    with tempfile.TemporaryDirectory(prefix="lepton-signing-") as scratch:
        folder = Path(scratch) / name
        for path, source in files.items():
            link = folder / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source.resolve())
        yield folder


def sign(folder: Path, key: Path, signature: Path) -> None:
    """Signs every file below a folder.

    Raises:
        LeptonError: the key is none.
    """
    private_key(key)
    secret = password()
    signing = model_signing.signing.Config().use_elliptic_key_signer(
        private_key=key, password=secret.encode() if secret else None
    )
    signing.set_hashing_config(_hashing()).sign(folder, signature)


def verify(folder: Path, key: Path, signature: Path) -> Difference:
    """Compares every file below a folder with what was signed.

    Raises:
        LeptonError: the signature is not the key's, or is none.
    """
    public_key(key)
    what = f"signature {signature.name}"
    try:
        verifying = model_signing.verifying.Config().use_elliptic_key_verifier(public_key=key)
        verifying.set_hashing_config(_hashing()).verify(folder, signature)
        return Difference({})
    except InvalidSignature as error:
        raise LeptonError(what, f"it is not of {key.name}, or was changed", "Ask who signed for the key") from error
    except OSError as error:
        raise LeptonError(what, f"it cannot be read: {error.strerror}", "Name the file that .sign wrote") from error
    except Exception as error:  # whatever a file that is no bundle makes the libraries raise
        if isinstance(error, ValueError) and str(error).startswith(_MISMATCH):
            return _difference(folder, signature)
        if "Key mismatch" in str(error):
            raise LeptonError(what, f"it is not of {key.name}", "Ask who signed for the key") from error
        why = f"it is no signature of a model ({type(error).__name__})"
        raise LeptonError(what, why, "Name the file that .sign wrote") from error


def _difference(folder: Path, signature: Path) -> Difference:
    """What differs, file by file. The bundle is the key's: the library has said so."""
    bundle = json.loads(signature.read_bytes())
    predicate = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))["predicate"]
    signed = {resource["name"]: resource["digest"] for resource in predicate["resources"]}
    found = {entry.identifier: entry.digest.digest_hex for entry in _hashing().hash(folder).resource_descriptors()}
    files = {name: "changed" for name in signed.keys() & found.keys() if signed[name] != found[name]}
    files |= dict.fromkeys(found.keys() - signed.keys(), "added")
    files |= dict.fromkeys(signed.keys() - found.keys(), "removed")
    return Difference(dict(sorted(files.items())))


def _hashing() -> model_signing.hashing.Config:
    """SHA-256 of each file, and of what a link shows: what is built is linked together."""
    return model_signing.hashing.Config().use_file_serialization().set_allow_symlinks(True)
