"""Where Debian packages come from on a machine."""

from __future__ import annotations

from pathlib import Path

from lepton_rules.private.debian.builder import apt_sources

_STANZAS = """\
Types: deb deb-src
# a comment
URIs: http://one.test/debian/ http://two.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 URIs: http://never.test

Types: deb
Enabled: no
URIs: http://off.test/debian
Suites: bookworm

Types: deb
URIs: https://vendor.test/tools
Suites: stable-tools nodistro
"""


def _etc(tmp_path: Path, lists: str = "", stanzas: str = "") -> Path:
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "apt/sources.list").write_text(lists, encoding="utf-8")
    (tmp_path / "apt/sources.list.d/debian.sources").write_text(stanzas, encoding="utf-8")
    return tmp_path


def test_stanzas(tmp_path: Path) -> None:
    found = [source.address for source in apt_sources.read(_etc(tmp_path, stanzas=_STANZAS))]
    assert found == ["http://one.test/debian", "http://two.test/debian", "https://vendor.test/tools"]


def test_lines(tmp_path: Path) -> None:
    lines = """\
    # deb http://comment.test/debian bookworm main
    deb [arch=amd64 signed-by=/x.gpg] https://one.test/debian bookworm main
    deb-src http://source.test/debian bookworm main
    deb http://two.test/debian-security bookworm-security main  # a comment
    deb cdrom:[Debian]/ bookworm main
    deb file:/srv/mirror bookworm main
    deb https://vendor.test/apt nodistro main
    """
    found = apt_sources.read(_etc(tmp_path, lists=lines))
    assert [source.address for source in found] == [
        "https://one.test/debian", "http://two.test/debian-security", "file:///srv/mirror",
    ]  # fmt: skip


def test_the_suites_own_sources_come_first_and_a_mirror_stands_for_its_security_archive(tmp_path: Path) -> None:
    etc = _etc(tmp_path, "deb http://old.test/debian bullseye main\ndeb http://new.test/debian bookworm main\n")
    assert apt_sources.addresses(["bookworm"], [], {}, etc) == [
        "http://new.test/debian", "http://new.test/debian-security",
        "http://old.test/debian", "http://old.test/debian-security",
    ]  # fmt: skip


def test_the_variable_replaces_apts_sources_and_an_attribute_comes_before(tmp_path: Path) -> None:
    etc = _etc(tmp_path, "deb http://apt.test/debian bookworm main\n")
    environment = {"LEPTON_DEBIAN_MIRROR": " https://mirror.test/a/  https://mirror.test/b"}
    found = apt_sources.addresses(["bookworm"], ["https://first.test/"], environment, etc)
    assert found == ["https://first.test", "https://mirror.test/a", "https://mirror.test/b"]


def test_a_machine_without_apt_has_none(tmp_path: Path) -> None:
    assert apt_sources.addresses(["bookworm"], [], {}, tmp_path) == []
