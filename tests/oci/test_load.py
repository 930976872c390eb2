"""Loading: which program is chosen, what it is given, and what is said of it."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from layouts import write_store

from lepton_rules.oci.load import choose, load
from lepton_rules.plugin import LeptonError

# Keeps what it is given, and the identity of the image that it has.
ENGINE = """#!/bin/sh
here=$(dirname "$0")
case $1 in
  info) exit {info} ;;
  image) [ -f "$here/id" ] && cat "$here/id" || exit 1 ;;
  load) {load} ;;
esac
"""


def engine(directory: Path, name: str, *, info: int = 0, load: str = 'cat > "$here/loaded.tar"') -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(ENGINE.format(info=info, load=load))
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


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_an_image_that_is_there_is_not_sent_again(prefix: str, tmp_path: Path) -> None:
    """podman tells an identity without `sha256:`, Docker with it."""
    store = write_store(tmp_path / "image")
    program = engine(tmp_path / "bin", "podman")
    (config,) = store.configs()
    (program.parent / "id").write_text(prefix + config["digest"].removeprefix("sha256:") + "\n")
    assert not load(store, "localhost/m:1", [str(program)])
    assert not (program.parent / "loaded.tar").exists()
    (program.parent / "id").write_text("sha256:another\n")
    assert load(store, "localhost/m:1", [str(program)])


@pytest.mark.parametrize(
    "how", ["cat >/dev/null; echo 'no space left' >&2; exit 1", "echo 'no space left' >&2; exit 1"]
)
def test_a_program_that_fails_is_told(how: str, tmp_path: Path) -> None:
    store = write_store(tmp_path / "image", size=2_000_000)
    with pytest.raises(LeptonError, match="ended with status 1: no space left"):
        load(store, "localhost/m:1", [str(engine(tmp_path / "bin", "docker", load=how))])
