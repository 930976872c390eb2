"""Takes credentials out of text that a person, a log or a file will see."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

_MASK = "****"
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s@\"'`]+(?::[^/\s\"'`]*)?@")
_SECRET_PARAMETER = re.compile(
    r"(?i)(?P<key>[?&;](?:[a-z0-9_.-]*(?:token|secret|password|passwd|signature|credential|api_?key|auth)[a-z0-9_.-]*|sig|key)=)[^&\s\"'`]+"
)
_HEADER = re.compile(r"(?i)\b(?P<scheme>bearer|basic|token) (?=[A-Za-z0-9+/_.~=-]*[0-9+/=])[A-Za-z0-9+/_.~=-]{8,}")


def redact(text: str, urls: Iterable[str] = ()) -> str:
    """`text` without user information in URLs, secret query parameters, authorization headers, or any credential
    of `urls`.
    """
    text = _USERINFO.sub(rf"\g<scheme>{_MASK}@", text)
    text = _SECRET_PARAMETER.sub(rf"\g<key>{_MASK}", text)
    text = _HEADER.sub(rf"\g<scheme> {_MASK}", text)
    for secret in sorted(_secrets(urls), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text


def _secrets(urls: Iterable[str]) -> set[str]:
    """Passwords of `urls`, as written and decoded; and the user name where it is the only credential, as tokens
    often are.
    """
    found = set()
    for url in urls:
        try:
            parts = urlsplit(url)
            user, password = parts.username, parts.password
        except ValueError:
            continue
        secret = password or user
        if secret and len(secret) >= 4:
            found |= {secret, unquote(secret)}
    return found
