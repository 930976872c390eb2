"""Images that Bazel built: each layer once, all of it true, the same in every form."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lepton_rules.oci.layout import Layout

HERE = Path("tests/oci")
AMD64 = {"os": "linux", "architecture": "amd64"}


def layout(name: str) -> Path:
    return HERE / f"{name}.layout"


def blob(name: str, digest: str) -> bytes:
    return (layout(name) / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()


def manifest(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((HERE / name / "manifest.json").read_bytes())
    return value


def config(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((HERE / name / "config.json").read_bytes())
    return value


def unpacked(media_type: str, data: bytes) -> bytes:
    if media_type.endswith("+zstd"):
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return gzip.decompress(data) if media_type.endswith("+gzip") else data


def names_in(name: str, layer: int) -> list[str]:
    descriptor = manifest(name)["layers"][layer]
    tar = unpacked(descriptor["mediaType"], blob(name, descriptor["digest"]))
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return archive.getnames()


@pytest.mark.parametrize("name", ["served", "on_layout", "arm"])
def test_every_blob_of_a_layout_is_what_it_says(name: str) -> None:
    """The reader of bases hashes all of it, layers after decompression apart."""
    image = Layout(layout(name)).image({"os": "linux", "architecture": "arm64" if name == "arm" else "amd64"})
    for layer in image["layers"]:
        data = unpacked(layer["mediaType"], blob(name, layer["digest"]))
        assert layer["diff_id"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            assert archive.getnames()
    digest = (HERE / name / "digest").read_text().strip()
    assert digest == f"sha256:{hashlib.sha256((HERE / name / 'manifest.json').read_bytes()).hexdigest()}"


def test_a_served_model_of_a_strangers_runtime() -> None:
    assert [layer["mediaType"].rpartition(".")[2] for layer in manifest("served")["layers"]] == [
        "tar+gzip",
        "tar+gzip",
        "tar",
    ]
    assert "opt/lepton/server/lepton_server/__main__.py" in names_in("served", 1)
    assert "opt/lepton/server/lepton_plugin_sample/running.py" in names_in("served", 1)
    assert "opt/lepton/server/lepton_rules/manifest/manifest.schema.json" in names_in("served", 1)
    assert any(name.endswith(".pyc") for name in names_in("served", 1))
    assert names_in("served", 2)[-2:] == ["models/table/7/manifest.json", "models/table/7/table.json"]
    run = config("served")["config"]
    assert "--runtime_plugin=sample" in run["Cmd"]
    assert "--runtime_entry=lepton_plugin_sample" in run["Cmd"]
    assert "--max_batch=4" in run["Cmd"]
    assert run["User"] == "65532:65532"
    assert "LIBRARY=1" in run["Env"]
    assert "MODE=quiet" in run["Env"]
    assert run["Labels"]["team"] == "shapes"
    assert run["Labels"]["lepton.hardware"] == "pocket"
    assert manifest("served")["annotations"]["org.opencontainers.image.title"] == "A table"
    assert manifest("served")["annotations"]["org.opencontainers.image.version"] == "7"
    assert not [key for key in manifest("served")["annotations"] if "latency" in key or "revision" in key]


def test_another_label_is_another_image_of_the_same_layers() -> None:
    assert manifest("served")["layers"] == manifest("relabelled")["layers"]
    assert manifest("served")["config"] != manifest("relabelled")["config"]
    # What a shell, a template and a parameter file would read otherwise.
    assert config("relabelled")["config"]["Labels"]["note"] == "Größe \"3\" 'µm' \\ $(pwd) `x` %s {a} 雪"
    # An option that only the command shows: the layers are the same too.
    assert config("relabelled")["config"]["Cmd"][-1] == "--max_batch=8"


def test_a_base_that_is_a_layout_is_below() -> None:
    """The base is another image's layout: its layers come first, its variables are kept."""
    below, own = manifest("base")["layers"], manifest("on_layout")["layers"]
    assert own[: len(below)] == below
    assert len(own) == len(below) + 1
    assert "MODE=base" in config("on_layout")["config"]["Env"]
    assert config("on_layout")["rootfs"]["diff_ids"][: len(below)] == config("base")["rootfs"]["diff_ids"]


def test_the_tarball_is_the_image() -> None:
    with tarfile.open(HERE / "served.tar") as archive:
        (docker,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        assert docker["RepoTags"] == ["localhost/table:7"]
        found = json.load(archive.extractfile(docker["Config"]))  # type: ignore[arg-type]
        assert found == config("served")
        assert [m.mtime for m in archive.getmembers() if m.mtime] == []


def test_a_model_pack_keeps_the_specification() -> None:
    """https://github.com/modelpack/model-spec, schema/config-schema.json."""
    found, conf = manifest("pack"), json.loads((HERE / "pack" / "config.json").read_text())
    assert found["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert found["config"]["mediaType"] == "application/vnd.cncf.model.config.v1+json"
    assert [layer["mediaType"] for layer in found["layers"]] == [
        "application/vnd.cncf.model.weight.v1.tar",
        "application/vnd.cncf.model.weight.config.v1.tar",
    ]
    assert all("org.cncf.model.filepath" in layer["annotations"] for layer in found["layers"])
    assert conf.keys() == {"descriptor", "modelfs", "config"}
    assert conf["modelfs"] == {"type": "layers", "diffIds": [layer["digest"] for layer in found["layers"]]}
    assert conf["descriptor"]["name"] == "table_model"
    assert conf["config"]["format"] == "table"
    assert "createdAt" not in conf["descriptor"]


def test_a_modelcar_has_the_model_where_kserve_looks() -> None:
    assert names_in("car", 0) == ["models", "models/manifest.json", "models/table.json"]


def test_a_strangers_packager() -> None:
    assert [layer["mediaType"].rpartition(".")[2] for layer in manifest("bundled")["layers"]] == ["tar+zstd", "tar"]
    assert names_in("bundled", 0)[-1] == "bundle/table_model/run"
    assert "bundle/table_model/model/table.json" in names_in("bundled", 1)
    run = config("bundled")["config"]
    assert (run["Entrypoint"], run["Cmd"]) == (["/bundle/table_model/run"], ["--verbose"])


def test_an_index_of_two_platforms() -> None:
    index = json.loads((HERE / "both" / "index.json").read_text())
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    for entry, name in zip(index["manifests"], ("served", "arm"), strict=True):
        assert entry["digest"] == (HERE / name / "digest").read_text().strip()
    for architecture in ("amd64", "arm64"):
        image = Layout(layout("both")).image({"os": "linux", "architecture": architecture})
        assert image["platform"]["architecture"] == architecture
    # What both have is there once: the model's layer.
    blobs = list((layout("both") / "blobs" / "sha256").iterdir())
    assert len(blobs) == len({b.name for b in blobs}) == 2 * 2 + 1 + 4


def test_the_digest_is_printed() -> None:
    done = subprocess.run([HERE / "served.digest.sh"], env=dict(os.environ), capture_output=True, text=True, check=True)
    assert done.stdout == (HERE / "served" / "digest").read_text()
