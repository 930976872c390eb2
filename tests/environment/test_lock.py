"""Reading a lock: what counts as one, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lepton_rules.private.environment.builder import lock
from lepton_rules.private.environment.builder.refusal import Refusal

_HASH = "sha256:" + "0" * 64


def _read(folder: Path, text: str) -> tuple[lock.Requirement, ...]:
    file = folder / "x.lock"
    file.write_text(text, encoding="utf-8")
    return lock.read(file, "//:x.lock", "RELOCK")


def test_continued_lines_comments_extras_and_markers_are_read(tmp_path: Path) -> None:
    found = _read(
        tmp_path,
        f"""# a comment
Ruamel.Yaml_clib[jinja2]==1.0 ; python_version < "3.12" \\
    --hash={_HASH} \\
    --hash=sha512:{"a" * 128}
    # via nothing

b @ https://example.invalid/b-1-py3-none-any.whl --hash={_HASH}  # why
""",
    )
    assert [item.name for item in found] == ["ruamel-yaml-clib", "b"]
    assert "\\" not in found[0].text and "# via" not in found[0].text
    assert found[0].text.count("--hash") == 2
    assert 'python_version < "3.12"' in found[0].text


def test_a_fragment_is_no_comment(tmp_path: Path) -> None:
    (found,) = _read(tmp_path, f"b @ https://example.invalid/b.whl#egg=b --hash={_HASH}\n")
    assert "#egg=b" in found.text


def test_an_empty_lock_is_an_environment_without_packages(tmp_path: Path) -> None:
    assert _read(tmp_path, "# nothing\n\n") == ()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("numpy==2.0", "numpy==2.0 has no --hash (line 2)"),
        ("numpy==2.0 --hash=sha256:123", "has no --hash"),
        ("numpy==2.0 --hash=md5:" + "0" * 32, "has no --hash"),
        (f"numpy --hash={_HASH}", "numpy has no version (line 2)"),
        (f"numpy>=2 --hash={_HASH}", "numpy has no version"),
        ("-r other.txt", "option of pip's (-r)"),
        ("-e .", "option of pip's (-e)"),
        ("--index-url=https://user:secret@example.invalid/simple", "option of pip's (--index-url)"),
        ("!!", "not a requirement"),
    ],
)
def test_what_could_mean_another_thing_elsewhere_is_refused(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(Refusal) as caught:
        _read(tmp_path, f"# first\n{line}\n")
    message = caught.value.render("@x//:environment")
    assert why in message
    assert "secret" not in message
    assert message.startswith("lepton: lock //:x.lock in @x//:environment: ")
    assert "\n" not in message


def test_a_lock_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="cannot be read"):
        lock.read(tmp_path / "absent.lock", "x", "RELOCK")
    (tmp_path / "binary.lock").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refusal, match="cannot be read"):
        lock.read(tmp_path / "binary.lock", "x", "RELOCK")
