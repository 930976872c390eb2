"""No credential survives in a message, and nothing else is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_rules.private.environment.builder.redaction import redact

_WORDS = st.text("abcdefghijkABCDEFGHIJK0123456789-_.~!$&*+,;%", min_size=6, max_size=20)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Failed to fetch: `https://bob:hunter22@mirror.invalid/simple/x/`", "hunter22"),
        ("https://tokenvalue@mirror.invalid/simple", "tokenvalue"),
        ("git+ssh://git:pw123456@mirror.invalid/x.git", "pw123456"),
        ("http://bob:half@whole@mirror.invalid", "half@whole"),
        ("https://mirror.invalid/x?X-Amz-Signature=abcdef123&y=1", "abcdef123"),
        ("https://mirror.invalid/x?access_token=abcdef123", "abcdef123"),
        ("Authorization: Basic Ym9iOmh1bnRlcjIy", "Ym9iOmh1bnRlcjIy"),
        ("authorization: Bearer eyJhbGciOi.J9", "eyJhbGciOi.J9"),
    ],
)
def test_a_credential_is_masked(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert "****" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://mirror.invalid/simple/numpy/",
        "numpy==2.0 has no usable wheels (e.g., `manylinux_2_36_x86_64`)",
        "mail bob@example.invalid about basic problems",
        "sha256:0123456789abcdef",
    ],
)
def test_other_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


@given(_WORDS, _WORDS)
def test_a_configured_password_is_masked_wherever_it_stands(user: str, password: str) -> None:
    url = f"https://{user}:{password}@mirror.invalid/simple"
    shown = redact(f"{url} said: {password} is wrong", [url])
    assert password not in shown.replace("mirror.invalid", "").replace("simple", "").replace("said: ", "")
