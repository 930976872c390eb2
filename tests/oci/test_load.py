"""Loading: which program is chosen, what it is given, and what is said of it."""

from __future__ import annotations

import hashlib
import json
import struct
import tarfile
from pathlib import Path

import pytest
import zstandard
from layouts import write_store

from lepton_rules.oci.load import choose, load
from lepton_rules.plugin import LeptonError

# Keeps what it is given, and the identity of the image that it has.
ENGINE = """#!/bin/sh
here=$(dirname "$0")
case $1 in
  info) exit {info} ;;
  version) {version} ;;
  image) [ -f "$here/id" ] && cat "$here/id" || exit 1 ;;
  load) {load} ;;
esac
"""


def engine(
    directory: Path, name: str, *, info: int = 0, load: str = 'cat > "$here/loaded.tar"', version: str = "exit 1"
) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(ENGINE.format(info=info, load=load, version=version))
    path.chmod(0o755)
    return path


def on_path(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    for name in ("sh", "cat", "dirname"):
        if not (directory / name).exists():
            (directory / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(directory))


def test_docker_first_if_its_daemon_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine(tmp_path, "docker")
    engine(tmp_path, "podman")
    on_path(monkeypatch, tmp_path)
    assert choose(None) == ["docker"]
    engine(tmp_path, "docker", info=1)
    assert choose(None) == ["podman"]
    assert choose("docker --host unix:///d.sock") == ["docker", "--host", "unix:///d.sock"]


def test_none_there_says_what_was_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine(tmp_path, "docker", info=1)
    on_path(monkeypatch, tmp_path)
    with pytest.raises(LeptonError, match=r"docker info fails, podman is not installed\. Install podman"):
        choose(None)
    with pytest.raises(LeptonError, match="program nerdctl: it is not on PATH"):
        choose("nerdctl")


def test_the_program_gets_the_whole_archive(tmp_path: Path) -> None:
    store = write_store(tmp_path / "image", size=500_000)
    assert load(store, "localhost/m:1", [str(engine(tmp_path / "bin", "docker"))])
    with tarfile.open(tmp_path / "bin" / "loaded.tar") as archive:
        names = archive.getnames()
        (docker,) = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
    assert {docker["Config"], *docker["Layers"]} <= set(names)


@pytest.mark.parametrize(
    ("version", "plain"),
    [
        ("echo '1.12 20.10.24+dfsg1'", True),
        ("echo '1.24 23.0.0'", False),
        ("echo '1.24 28.2.2'", False),
        # podman has no MinAPIVersion, and its own numbers.
        ("exit 125", False),
    ],
)
def test_an_old_docker_gets_what_is_in_zstd_without_compression(version: str, plain: bool, tmp_path: Path) -> None:
    store = write_store(tmp_path / "image", size=500_000, compression="zstd")
    assert load(store, "localhost/m:1", [str(engine(tmp_path / "bin", "docker", version=version))])
    ((_, manifest),) = store.images
    with tarfile.open(tmp_path / "bin" / "loaded.tar") as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}  # type: ignore[union-attr]
    (docker,) = json.loads(files["manifest.json"])
    layers = [hashlib.sha256(files[path]).hexdigest() for path in docker["Layers"]]
    config = files[docker["Config"]]
    assert f"sha256:{hashlib.sha256(config).hexdigest()}" == manifest["config"]["digest"]
    wanted = json.loads(config)["rootfs"]["diff_ids"] if plain else [layer["digest"] for layer in manifest["layers"]]
    assert [f"sha256:{layer}" for layer in layers] == wanted
    assert ("index.json" in files) is not plain


def test_a_layer_that_is_not_what_the_configuration_says_is_not_loaded(tmp_path: Path) -> None:
    store = write_store(tmp_path / "image", compression="zstd")
    blob = next(iter(store.blobs.values()))
    other = zstandard.compress(b"another")
    # As long as the layer was: a skippable frame fills it (RFC 8878, 3.1.2).
    rest = blob.stat().st_size - len(other) - 8
    blob.write_bytes(other + struct.pack("<II", 0x184D2A50, rest) + bytes(rest))
    program = engine(tmp_path / "bin", "docker", version="echo '1.12 20.10.24'")
    with pytest.raises(LeptonError, match="its tar is sha256:"):
        load(store, "localhost/m:1", [str(program)])


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_an_image_that_is_there_is_not_sent_again(prefix: str, tmp_path: Path) -> None:
    """podman tells an identity without `sha256:`, Docker with it."""
    store = write_store(tmp_path / "image")
    program = engine(tmp_path / "bin", "podman")
    (config,) = store.configs()
    (program.parent / "id").write_text(prefix + config["digest"].removeprefix("sha256:") + "\n")
    assert not load(store, "localhost/m:1", [str(program)])
    assert not (program.parent / "loaded.tar").exists()
    # Docker on containerd tells the manifest's.
    (program.parent / "id").write_text(store.root["digest"])
    assert not load(store, "localhost/m:1", [str(program)])
    (program.parent / "id").write_text("sha256:another\n")
    assert load(store, "localhost/m:1", [str(program)])


@pytest.mark.parametrize(
    "how", ["cat >/dev/null; echo 'no space left' >&2; exit 1", "echo 'no space left' >&2; exit 1"]
)
def test_a_program_that_fails_is_told(how: str, tmp_path: Path) -> None:
    store = write_store(tmp_path / "image", size=2_000_000)
    with pytest.raises(LeptonError, match="ended with status 1: no space left"):
        load(store, "localhost/m:1", [str(engine(tmp_path / "bin", "docker", load=how))])
