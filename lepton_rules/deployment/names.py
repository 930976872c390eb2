"""Names that Kubernetes accepts.

Sources: RFC 1123, section 2.1; k8s.io/apimachinery/pkg/util/validation.
"""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_SERVICE = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_QUALIFIED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
# The last group is the digest, which a name that never changes its meaning must have.
_IMAGE = re.compile(
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[A-Za-z0-9_][\w.-]{0,127})?"
    r"(@sha256:[0-9a-f]{64})?"
)


def is_label(text: object) -> bool:
    """Whether it is a DNS-1123 label: at most 63 of a-z, 0-9 and `-`, the first and last no `-`."""
    return isinstance(text, str) and len(text) <= 63 and _LABEL.fullmatch(text) is not None


def is_service_name(text: object) -> bool:
    """Whether it is a DNS-1035 label, as the name of a Service is: a DNS-1123 label that begins with a letter."""
    return isinstance(text, str) and len(text) <= 63 and _SERVICE.fullmatch(text) is not None


def is_subdomain(text: object) -> bool:
    """Whether it is a DNS-1123 subdomain: labels between dots, at most 253 characters."""
    return isinstance(text, str) and len(text) <= 253 and all(map(is_label, text.split(".")))


def is_label_value(text: object) -> bool:
    """Whether it may be a label's value: empty, or at most 63 of letters, digits, `-`, `_` and `.`."""
    return isinstance(text, str) and (text == "" or (len(text) <= 63 and _QUALIFIED.fullmatch(text) is not None))


def is_label_key(text: object) -> bool:
    """Whether it may be a label's or an annotation's key: a name of at most 63 characters after an optional domain."""
    if not isinstance(text, str):
        return False
    domain, slash, name = text.rpartition("/")
    return (is_subdomain(domain) if slash else True) and is_label_value(name) and name != ""


def has_digest(image: object) -> bool | None:
    """Whether an image's reference has a digest; None where it is no reference at all."""
    match = _IMAGE.fullmatch(image) if isinstance(image, str) else None
    return None if match is None else match[1] is not None
