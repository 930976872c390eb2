"""The signature of a statement of in-toto: a DSSE envelope.

Source: https://github.com/secure-systems-lab/dsse. `cosign attach attestation` and `slsa-verifier` take such envelopes.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.signing import keys

_TYPE = "application/vnd.in-toto+json"


def sign(statement: Path, key: Path, envelope: Path) -> None:
    """Signs a statement and writes the envelope that holds both, on one line.

    Raises:
        LeptonError: the key is none.
    """
    private = keys.private_key(key)
    payload = statement.read_bytes()
    content = {
        "payloadType": _TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": "", "sig": base64.b64encode(keys.sign(private, _encoded(payload))).decode()}],
    }
    envelope.write_text(json.dumps(content, separators=(",", ":")) + "\n", "utf-8")


def verify(digest: str, key: Path, envelope: Path) -> None:
    """Checks that an envelope holds this key's statement about an image.

    Args:
        digest: of the image.
        key: the public key.
        envelope: what `sign` wrote.

    Raises:
        LeptonError: it does not.
    """
    public = keys.public_key(key)
    what = f"attestation {envelope.name}"
    try:
        content = json.loads(envelope.read_bytes())
        payload = base64.b64decode(content["payload"], validate=True)
        signatures = [base64.b64decode(entry["sig"], validate=True) for entry in content["signatures"]]
        known = content["payloadType"] == _TYPE
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"it is no envelope ({type(error).__name__}: {error})"
        raise LeptonError(what, why, "Name the file that .sign wrote") from error
    if not known or not any(keys.is_signed(public, signature, _encoded(payload)) for signature in signatures):
        raise LeptonError(what, f"it is not of {key.name}, or was changed", "Ask who signed for the key")
    # What is signed is what the key's owner wrote; still it may be about something else.
    subjects = [_digest(subject) for subject in json.loads(payload)["subject"]]
    if digest not in subjects:
        why = f"it is about the image {', '.join(subjects)}, and this one is {digest}"
        raise LeptonError(what, why, "Sign the image again")


def _digest(subject: Any) -> str:
    return f"sha256:{subject['digest']['sha256']}"


def _encoded(payload: bytes) -> bytes:
    """DSSE's encoding of type and payload, which is what is signed."""
    return b"DSSEv1 %d %s %d %s" % (len(_TYPE), _TYPE.encode(), len(payload), payload)
