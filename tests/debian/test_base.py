"""What becomes of packages: their files in one root, in the same bytes each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import archive
import pytest

from lepton_rules.private.debian.builder import build_base, deb
from lepton_rules.private.environment.builder.refusal import Refusal

Files = Mapping[str, str | bytes | tuple[str, str] | None]


def _package(tmp_path: Path, name: str, files: Files, version: str = "1") -> dict[str, str]:
    path = tmp_path / f"{name}.deb"
    path.write_bytes(archive.deb(name, version, files))
    return {"name": name, "version": version, "architecture": "amd64", "path": str(path)}


def _request(packages: list[dict[str, str]], **changed: object) -> build_base.Request:
    fields: dict[str, object] = {
        "name": "small", "label": "@x//:amd64", "packages": packages, "compilers": [], "compile": "",
        "exclude": [], "keep": [], "python_sources": True,
    }  # fmt: skip
    return build_base.Request(**{**fields, **changed})  # type: ignore[arg-type]


def _build(tmp_path: Path, packages: list[dict[str, str]], **changed: object) -> dict[str, tarfile.TarInfo]:
    build_base.build(_request(packages, **changed), tmp_path)
    with tarfile.open(tmp_path / "root.tar") as root:
        return {info.name: info for info in root}


def _read(tmp_path: Path, path: str) -> str:
    with tarfile.open(tmp_path / "root.tar") as root:
        stream = root.extractfile(path)
        assert stream
        return stream.read().decode()


def test_documentation_goes_and_licences_stay(tmp_path: Path) -> None:
    files = {
        "usr/share/doc/a/copyright": "licence",
        "usr/share/doc/a/changelog.gz": "x",
        "usr/share/doc/a/examples/x.py": "x",
        "usr/share/doc/liba": ("link", "a"),
        "usr/share/man/man1/a.1.gz": "x",
        "usr/share/locale/de/LC_MESSAGES/a.mo": "x",
        "var/cache/a/x": "x",
        "usr/lib/a/data": "x",
    }
    found = _build(tmp_path, [_package(tmp_path, "a", files)], keep=["usr/share/locale/de/**"])
    kept = {name for name, info in found.items() if not info.isdir() and name.startswith(("usr/", "var/"))}
    assert kept == {
        "usr/share/doc/a/copyright", "usr/share/doc/liba", "usr/share/locale/de/LC_MESSAGES/a.mo", "usr/lib/a/data",
        "var/lib/dpkg/status.d/a", "var/run",
    }  # fmt: skip
    assert "usr/share/man" not in found


def test_what_is_below_lib_is_below_usr_lib(tmp_path: Path) -> None:
    files = {
        "lib/x/liba.so.1": "a",
        "usr/lib/x/b": ("link", "/lib/x/liba.so.1"),
        "lib64/ld.so": ("link", "../lib/x/liba.so.1"),
        "bin": None,
    }
    found = _build(tmp_path, [_package(tmp_path, "a", files)])
    assert found["lib"].linkname == "usr/lib"
    assert found["lib64"].linkname == "usr/lib64"
    assert {"usr/lib/x/liba.so.1", "usr/lib/x/b", "usr/lib64/ld.so"} <= set(found)


def test_owner_time_and_order_are_the_same_each_time(tmp_path: Path) -> None:
    files: Files = {
        "usr/bin/b": "b",
        "usr/bin/a": "a",
        "usr/lib/x": ("link", "../bin/a"),
        "usr/bin/c": ("hard", "./usr/bin/a"),
    }
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        found = _build(folder, [_package(folder, "a", files), _package(folder, "b", {"etc/b": "b"})])
        os.utime(folder / "a.deb", (1, 1))
    assert (first / "root.tar").read_bytes() == (second / "root.tar").read_bytes()
    assert {(info.uid, info.gid, info.mtime, info.uname) for info in found.values()} == {(0, 0, 0, "")}
    assert [name for name in found if name.startswith("usr/bin/")] == ["usr/bin/a", "usr/bin/b", "usr/bin/c"]
    assert found["usr/bin/a"].mode == 0o755
    assert _read(second, "usr/bin/c") == "a"


def test_accounts_and_what_scanners_read(tmp_path: Path) -> None:
    found = _build(tmp_path, [_package(tmp_path, "a", {"usr/lib/a": "a"}, version="1.2-3")])
    assert "nonroot:x:65532:65532:" in _read(tmp_path, "etc/passwd")
    assert "nonroot:x:65532:" in _read(tmp_path, "etc/group")
    assert "hosts: files dns" in _read(tmp_path, "etc/nsswitch.conf")
    assert "Package: a\nVersion: 1.2-3\n" in _read(tmp_path, "var/lib/dpkg/status.d/a")
    assert found["tmp"].mode == 0o1777
    assert found["var/run"].linkname == "/run"


def test_certificates_are_one_file(tmp_path: Path) -> None:
    files = {"usr/share/ca-certificates/m/b.crt": "B", "usr/share/ca-certificates/m/a.crt": "A\n"}
    found = _build(tmp_path, [_package(tmp_path, "ca-certificates", files)])
    assert _read(tmp_path, "etc/ssl/certs/ca-certificates.crt") == "A\nB\n"
    assert not [name for name in found if name.endswith("/a.crt")]


def test_a_file_of_two_packages(tmp_path: Path) -> None:
    both = [_package(tmp_path, "a", {"etc/x": "a"}), _package(tmp_path, "b", {"etc/x": "b"})]
    with pytest.raises(Refusal) as caught:
        _build(tmp_path, both)
    assert caught.value.render("@x//:amd64") == (
        "lepton: package b in @x//:amd64: it cannot be unpacked beside the others: /etc/x."
        " Leave one of the packages that have it out."
    )
    same = [_package(tmp_path, "a", {"etc/x": "a"}), _package(tmp_path, "b", {"etc/x": "a"})]
    assert "etc/x" in _build(tmp_path, same)


def test_a_link_to_what_was_left_out_goes_too(tmp_path: Path) -> None:
    files: Files = {"usr/lib/a.so.1": "a", "usr/lib/a.so": ("link", "a.so.1"), "etc/b": "b"}
    assert "usr/lib/a.so" not in _build(tmp_path, [_package(tmp_path, "a", files)], exclude=["usr/lib/a.so.1"])


def test_another_version_than_locked(tmp_path: Path) -> None:
    package = _package(tmp_path, "a", {"etc/x": "a"}) | {"version": "2"}
    with pytest.raises(Refusal, match="the file is a 1, and the lock says 2"):
        _build(tmp_path, [package])


def _damaged(name: str) -> bytes:
    whole = archive.deb("a", "1", {"etc/x": "a"})
    return {
        "no archive": b"<html>not found</html>",
        "cut short": whole[:-40],
        "no data": b"!<arch>\n" + archive.member("control.tar", b""),
        "odd compression": b"!<arch>\n" + archive.member("control.tar", b"") + archive.member("data.tar.lz", b""),
        "broken stream": b"!<arch>\n" + archive.member("control.tar", b"") + archive.member("data.tar.xz", b"xx"),
        "broken header": b"!<arch>\n" + b"x" * 60,
    }[name]


@pytest.mark.parametrize(
    "name", ["no archive", "cut short", "no data", "odd compression", "broken stream", "broken header"]
)
def test_what_is_no_package(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.deb").write_bytes(_damaged(name))
    with pytest.raises(Refusal, match="it is no Debian package") as caught:
        deb.read(tmp_path / "a.deb", "a")
    assert caught.value.fix.startswith("Lock it again")


def test_a_path_that_leads_out(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="which leads out of the root"):
        _build(tmp_path, [_package(tmp_path, "a", {"../etc/x": "a"})])


def test_the_command(tmp_path: Path) -> None:
    request = _request([_package(tmp_path, "a", {"etc/x": "a"}) | {"version": "2"}])
    (tmp_path / "request.json").write_text(json.dumps(vars(request)), encoding="utf-8")
    command = [sys.executable, "-I", "-S", "-B", build_base.__file__, "request.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("lepton: package a in @x//:amd64: the file is a 1, and the lock says 2.")
