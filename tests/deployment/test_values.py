"""Names and quantities."""

from __future__ import annotations

from decimal import Decimal

import pytest
import yaml

from lepton_rules.deployment.names import (
    has_digest,
    is_label,
    is_label_key,
    is_label_value,
    is_service_name,
    is_subdomain,
)
from lepton_rules.deployment.quantity import parse
from lepton_rules.deployment.yaml_text import dump


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("1.5", "1.5"), ("500m", "0.5"), ("1Ki", 1024), ("1.5Gi", 1610612736), ("1k", 1000), ("1e3", 1000),
        ("1E3", 1000), ("1E", 10**18), ("2n", "2e-9"), ("-1", -1), ("+1", 1), (".5", "0.5"), (2, 2), (0.5, "0.5"),
    ],
)  # fmt: skip
def test_quantity(text: object, value: object) -> None:
    assert parse(text) == Decimal(str(value))


@pytest.mark.parametrize(
    "text", ["", "Mi", "1MB", "1mi", "1K", "1 Mi", "0x1", "1e", "1_0", "\u0661", "NaN", "inf", None, True, [], "1\n"]
)
def test_no_quantity(text: object) -> None:
    assert parse(text) is None


def test_names() -> None:
    wrong = ["", "-a", "a-", "A", "a_b", "a b", "ä", "a" * 64, "a\n", None, 1, []]
    assert all(map(is_label, ["a", "0", "a-b", "a" * 63])) and not any(map(is_label, [*wrong, "a.b"]))
    assert is_service_name("a0") and not is_service_name("0a")
    assert is_subdomain("a.b-c") and not any(map(is_subdomain, [*wrong, "a..b", ".", "a."]))
    assert is_label_value("") and is_label_value("A_b.c") and not any(map(is_label_value, ["a b", "-", "a:b", None, 1]))
    assert is_label_key("example.com/a") and not any(map(is_label_key, ["", "a/", "/a", "a/b/c", "A/b", None]))


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("a@sha256:" + "0" * 64, True), ("h:5000/a/b:tag@sha256:" + "0" * 64, True), ("a:latest", False),
        ("a/b", False), ("a@sha256:0", None), ("A", None), ("", None), (None, None), ("a b", None),
        ("a@sha256:" + "0" * 64 + "\n", None),
    ],
)  # fmt: skip
def test_image(image: object, found: bool | None) -> None:
    assert has_digest(image) is found


def test_text_stays_text() -> None:
    """What readers of YAML 1.1 or 1.2 take for something else is quoted."""
    texts = [
        "yes",
        "on",
        "n",
        "null",
        "~",
        "1",
        "1e3",
        "0o7",
        "0x1",
        "1.0",
        "12:30",
        "2024-01-01",
        "",
        " a",
        "a: b",
        "#",
        "true",
    ]
    texts += [
        "123456789012",
        "größe",
        "a\nb",
        "'",
        '"',
        "- a",
        "{",
        "@x",
        "%x",
        "|",
        ".inf",
        "=",
        "<<",
        "\u2028",
        "\x85",
    ]
    document = {"texts": texts, "again": texts}
    written = dump([document], "# x\n")
    assert yaml.safe_load(written) == document
    assert b"&" not in written and b"!!" not in written
    assert '- "1e3"' in written.decode() and '- "on"' in written.decode()
