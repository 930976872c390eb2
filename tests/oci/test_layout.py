"""Bases that others wrote: the image for the platform is found, and what is corrupt is told and never used."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from layouts import AMD64, ARM64, PACKAGE, put, write_layout

from lepton_rules.oci.configuration import misshapen
from lepton_rules.oci.image import Image
from lepton_rules.oci.layout import Layout
from lepton_rules.oci.media import CONFIG, LAYER, MANIFEST
from lepton_rules.plugin import LeptonError


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("platform", [AMD64, ARM64, {"os": "linux", "architecture": "arm64"}])
def test_the_image_for_the_platform_is_found(nested: bool, platform: dict[str, str], tmp_path: Path) -> None:
    image = Layout(write_layout(tmp_path / "base", [AMD64, ARM64], nested=nested)).image(platform)
    assert image["platform"]["architecture"] == platform["architecture"]
    assert image["config"]["Env"] == ["PATH=/usr/bin", "A=base"]
    assert image["history"] == [{"created_by": "debootstrap"}]
    (layer,) = image["layers"]
    assert layer.keys() == {"mediaType", "digest", "size", "diff_id"}


def test_dockers_words_become_ocis(tmp_path: Path) -> None:
    path = write_layout(tmp_path / "base", layer_type="application/vnd.docker.image.rootfs.diff.tar.gzip")
    assert Layout(path).image(AMD64)["layers"][0]["mediaType"] == f"{LAYER}+gzip"


def test_an_attestation_of_a_build_is_no_image(tmp_path: Path) -> None:
    path = write_layout(tmp_path / "base")
    index = json.loads((path / "index.json").read_text())
    index["manifests"].append({**index["manifests"][0], "platform": {"os": "unknown", "architecture": "unknown"}})
    (path / "index.json").write_text(json.dumps(index))
    assert Layout(path).image(AMD64)["layers"]


def blob_of(path: Path, kind: str) -> Path:
    """The file of the layout's manifest, configuration or layer."""

    def file(digest: str) -> Path:
        return path / "blobs" / "sha256" / digest.removeprefix("sha256:")

    manifest = file(json.loads((path / "index.json").read_text())["manifests"][0]["digest"])
    if kind == "manifest":
        return manifest
    content = json.loads(manifest.read_text())
    return file((content["config"] if kind == "config" else content["layers"][0])["digest"])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def edit_index(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    index = json.loads((path / "index.json").read_text())
    change(index)
    (path / "index.json").write_text(json.dumps(index))


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no_layout_file": (lambda p: (p / "oci-layout").unlink(), "it has no oci-layout. Name the directory"),
    "no_index": (lambda p: (p / "index.json").unlink(), "it has no index.json"),
    "another_version": (lambda p: (p / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}'), "is '2.0.0'"),
    "index_no_json": (lambda p: (p / "index.json").write_text("<html>"), "index.json is no JSON"),
    "index_a_list": (lambda p: (p / "index.json").write_text("[]"), "index.json is no object"),
    "index_nested_deep": (lambda p: (p / "index.json").write_text("[" * 10**5), "index.json is no JSON"),
    "no_manifests": (lambda p: (p / "index.json").write_text("{}"), "its index has no list of manifests"),
    "empty": (lambda p: (p / "index.json").write_text('{"manifests": []}'), "its index names no image"),
    "digest_of_another_kind": (
        lambda p: edit_index(p, lambda i: i["manifests"][0].update(digest="md5:1")),  # type: ignore[index]
        "its digest is 'md5:1', accepted is sha256:",
    ),
    "digest_a_path": (
        lambda p: edit_index(p, lambda i: i["manifests"][0].update(digest="sha256:../../../etc/passwd")),  # type: ignore[index]
        "accepted is sha256: and 64 hexadecimal digits",
    ),
    "size_negative": (
        lambda p: edit_index(p, lambda i: i["manifests"][0].update(size=-1)),  # type: ignore[index]
        "no mediaType or no size",
    ),
    "size_of_terabytes": (
        lambda p: edit_index(p, lambda i: i["manifests"][0].update(size=1 << 42)),  # type: ignore[index]
        "claims 4398046511104 bytes of JSON",
    ),
    "manifest_gone": (lambda p: blob_of(p, "manifest").unlink(), "it has no blob sha256:"),
    "manifest_flipped": (lambda p: flip(blob_of(p, "manifest")), "It is corrupt: fetch it again"),
    "config_flipped": (lambda p: flip(blob_of(p, "config")), "It is corrupt: fetch it again"),
    "layer_gone": (lambda p: blob_of(p, "layer").unlink(), "it has no blob sha256:"),
    "layer_flipped": (lambda p: flip(blob_of(p, "layer")), "It is corrupt: fetch it again"),
    "layer_truncated": (lambda p: blob_of(p, "layer").write_bytes(b"x"), "has 1 bytes and should have"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_a_layout_is_told(name: str, tmp_path: Path) -> None:
    path = write_layout(tmp_path / "base")
    deed, says = BROKEN[name]
    deed(path)
    with pytest.raises(LeptonError) as caught:
        Layout(path).image(AMD64)
    assert str(caught.value).startswith("lepton: OCI layout base: ")
    assert says in str(caught.value)


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in JSON."""
    yield path
    for key, element in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from fields(element, (*path, key))


def with_other(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """The same JSON with something else there."""
    if not path:
        return other
    changed = copy.copy(value)
    changed[path[0]] = with_other(value[path[0]], path[1:], other)
    return changed


@pytest.mark.parametrize("other", [None, [], {}, "x", 1, -1, True, [None], {"a": None}, [1]], ids=str)
def test_whatever_a_field_of_a_base_holds_it_is_told_or_makes_an_image(other: object, tmp_path: Path) -> None:
    path = write_layout(tmp_path / "base")
    index = json.loads((path / "index.json").read_bytes())
    manifest, config = (json.loads(blob_of(path, kind).read_bytes()) for kind in ("manifest", "config"))
    documents = {"index": index, "manifest": manifest, "config": config}
    for name, field in [(name, field) for name, value in documents.items() for field in fields(value)]:
        changed = {**documents, name: with_other(documents[name], field, other)}
        if name == "config":
            changed["manifest"] = {**manifest, "config": put(path, json.dumps(changed["config"]).encode(), CONFIG)}
        if name != "index":
            changed["index"] = {**index, "manifests": [put(path, json.dumps(changed["manifest"]).encode(), MANIFEST)]}
        (path / "index.json").write_text(json.dumps(changed["index"]))
        with contextlib.suppress(LeptonError):
            base = Layout(path).image(AMD64)
            made, _ = Image(package=PACKAGE, platform=AMD64, layers=[], base=base).documents()
            assert not misshapen(json.loads(made)), (name, field)


def test_no_image_for_the_platform_says_which_there_are(tmp_path: Path) -> None:
    layout = Layout(write_layout(tmp_path / "base", [AMD64, ARM64]))
    with pytest.raises(LeptonError, match="it has no image for linux/riscv64; it has linux/amd64, linux/arm64/v8"):
        layout.image({"os": "linux", "architecture": "riscv64"})


def test_a_file_is_no_layout(tmp_path: Path) -> None:
    (tmp_path / "base").write_text("")
    with pytest.raises(LeptonError, match="it is no directory"):
        Layout(tmp_path / "base")
