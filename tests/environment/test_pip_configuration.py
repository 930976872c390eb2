"""pip's configuration, as pip reads it, and the same for uv."""

from __future__ import annotations

import os
from pathlib import Path

from lepton_rules.private.environment.builder import pip_configuration


def _machine(folder: Path) -> dict[str, str]:
    """A machine with nothing configured."""
    for name in ("home", "etc", "prefix"):
        (folder / name).mkdir()
    return {"HOME": str(folder / "home")}


def _read(folder: Path, environment: dict[str, str]) -> pip_configuration.PipConfiguration:
    return pip_configuration.read(environment, folder / "prefix", folder / "etc")


def _nothing() -> pip_configuration.PipConfiguration:
    """What is read where nothing is configured; the certificates are the machine's."""
    return pip_configuration.PipConfiguration(system_certificates=pip_configuration.has_system_certificates())


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_later_files_win_over_earlier_and_variables_over_files(tmp_path: Path) -> None:
    environment = _machine(tmp_path)
    _write(tmp_path / "etc/pip.conf", "[global]\nindex-url = https://shared.invalid/\nfind-links = /a /b\ncert = /c\n")
    assert _read(tmp_path, environment).index_url == "https://shared.invalid/"
    _write(
        tmp_path / "home/.config/pip/pip.conf", "[global]\nindex_url = https://user.invalid/\n[install]\ntimeout = 7\n"
    )
    found = _read(tmp_path, environment)
    assert (found.index_url, found.find_links, found.certificates, found.timeout_s) == (
        "https://user.invalid/",
        ("/a", "/b"),
        "/c",
        "7",
    )
    _write(
        tmp_path / "prefix/pip.conf",
        "[install]\nindex-url = https://install.invalid/\n[global]\nindex-url = https://x.invalid/\n",
    )
    assert _read(tmp_path, environment).index_url == "https://install.invalid/"
    assert (
        _read(tmp_path, {**environment, "PIP_INDEX_URL": "https://variable.invalid/"}).index_url
        == "https://variable.invalid/"
    )


def test_an_empty_variable_takes_back_what_a_file_says(tmp_path: Path) -> None:
    environment = _machine(tmp_path)
    _write(tmp_path / "etc/xdg/pip/pip.conf", "[global]\nextra-index-url = https://a.invalid/\n  https://b.invalid/\n")
    assert _read(tmp_path, environment).extra_index_urls == ("https://a.invalid/", "https://b.invalid/")
    assert _read(tmp_path, {**environment, "PIP_EXTRA_INDEX_URL": ""}).extra_index_urls == ()


def test_the_file_of_pip_config_file_replaces_the_users(tmp_path: Path) -> None:
    environment = _machine(tmp_path)
    _write(tmp_path / "home/.config/pip/pip.conf", "[global]\nindex-url = https://user.invalid/\n")
    _write(tmp_path / "own.conf", "[global]\nno-index = true\n")
    found = _read(tmp_path, {**environment, "PIP_CONFIG_FILE": str(tmp_path / "own.conf")})
    assert found.no_index and found.index_url == ""
    assert _read(tmp_path, {**environment, "PIP_CONFIG_FILE": os.devnull}) == _nothing()


def test_a_broken_or_missing_file_counts_as_empty(tmp_path: Path) -> None:
    environment = _machine(tmp_path)
    _write(tmp_path / "etc/xdg/pip/pip.conf", "no section\n")
    assert _read(tmp_path, environment) == _nothing()


def test_uv_is_told_the_same_in_variables() -> None:
    found = pip_configuration.PipConfiguration(
        index_url="https://bob:pw@i.invalid/",
        extra_index_urls=("https://a.invalid/", "file:///b"),
        find_links=("/wheels", "https://c.invalid/"),
        certificates="/etc/ca.pem",
        trusted_hosts=("i.invalid", "j.invalid:8080"),
        proxy="http://p.invalid:3128",
        timeout_s="9",
    )
    assert found.for_uv({}) == {
        "UV_DEFAULT_INDEX": "https://bob:pw@i.invalid/",
        "UV_INDEX": "https://a.invalid/ file:///b",
        "UV_FIND_LINKS": "/wheels,https://c.invalid/",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "UV_INSECURE_HOST": "i.invalid j.invalid:8080",
        "HTTP_PROXY": "http://p.invalid:3128",
        "HTTPS_PROXY": "http://p.invalid:3128",
        "UV_HTTP_TIMEOUT": "9",
    }
    assert found.urls == (
        "https://bob:pw@i.invalid/",
        "https://a.invalid/",
        "file:///b",
        "/wheels",
        "https://c.invalid/",
        "http://p.invalid:3128",
    )


def test_a_companys_authority_among_the_systems_counts() -> None:
    found = pip_configuration.PipConfiguration(system_certificates=True)
    assert found.for_uv({}) == {"UV_SYSTEM_CERTS": "true"}
    assert found.for_uv({"SSL_CERT_FILE": "/own.pem"}) == {}


def test_what_is_set_for_uv_itself_wins() -> None:
    found = pip_configuration.PipConfiguration(
        index_url="https://pip.invalid/", extra_index_urls=("https://e.invalid/",), certificates="/pip.pem"
    )
    own = {"UV_INDEX_URL": "https://uv.invalid/", "UV_INDEX": "https://f.invalid/", "SSL_CERT_FILE": "/uv.pem"}
    assert found.for_uv(own) == {}
