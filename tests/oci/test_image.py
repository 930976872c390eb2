"""Configuration, manifest and index; the archive that container engines load; the programs of the actions."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from layouts import AMD64, ARM64, PACKAGE, sha256, write_layout, write_store

import lepton_rules
from lepton_rules.oci.archive import split_reference, write_archive
from lepton_rules.oci.blob import Blob
from lepton_rules.oci.descriptor import read_layer_descriptor
from lepton_rules.oci.facts import model_facts, revision_of
from lepton_rules.oci.flags import Flags
from lepton_rules.oci.image import Image, Layer, make_index
from lepton_rules.oci.layout import Layout
from lepton_rules.oci.store import Store
from lepton_rules.plugin import LeptonError

PROGRAMS = Path(lepton_rules.__file__).parent / "oci"
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "sha256:" + "a" * 64, "size": 1}
LAYERS = [Layer(descriptor={**LAYER, "diff_id": "sha256:" + "b" * 64}, created_by="lepton model")]


def documents(**fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    config, manifest = Image(**{"package": PACKAGE, "platform": AMD64, "layers": LAYERS, **fields}).documents()
    return json.loads(config), json.loads(manifest)


def test_a_plain_image() -> None:
    config, manifest = documents(labels={"title": "x"}, annotations={"title": "y"})
    assert config["rootfs"] == {"type": "layers", "diff_ids": ["sha256:" + "b" * 64]}
    assert (config["os"], config["architecture"], config["created"]) == ("linux", "amd64", "1970-01-01T00:00:00Z")
    assert config["config"] == {
        "Cmd": ["--model=/m"],
        "Entrypoint": ["/usr/bin/python3"],
        "Env": ["A=package"],
        "ExposedPorts": {"8080/tcp": {}},
        "Labels": {"from": "package", "title": "x"},
        "StopSignal": "SIGTERM",
        "User": "65532:65532",
    }
    assert manifest["layers"] == [LAYER]
    assert manifest["annotations"] == {"title": "y"}
    assert "artifactType" not in manifest


def test_equal_facts_in_another_order_are_the_same_bytes() -> None:
    one, other = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    images = [Image(package=PACKAGE, platform=AMD64, layers=LAYERS, labels=labels) for labels in (one, other)]
    assert images[0].documents() == images[1].documents()


def test_on_a_base_the_later_word_counts(tmp_path: Path) -> None:
    base = Layout(write_layout(tmp_path / "base")).image(AMD64)
    config, manifest = documents(base=base, configs=[{"Env": ["B=environment"]}], environment={"C": "target"})
    run = config["config"]
    assert run["Env"] == ["A=package", "B=environment", "C=target", "PATH=/usr/bin"]
    assert run["Entrypoint"] == ["/usr/bin/python3"]
    assert run["Labels"] == {"b": "1", "from": "package"}
    assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"]) == len(config["history"]) == 2
    assert manifest["layers"][0]["digest"] == base["layers"][0]["digest"]


def test_a_package_without_a_command_keeps_the_bases(tmp_path: Path) -> None:
    base = Layout(write_layout(tmp_path / "base")).image(AMD64)
    config, _ = documents(base=base, package={**PACKAGE, "entrypoint": [], "command": []})
    assert (config["config"]["Entrypoint"], config["config"]["Cmd"]) == (["/bin/sh"], ["-c"])


def test_what_is_no_image_has_its_own_configuration() -> None:
    package = {
        **PACKAGE,
        "artifact_type": "application/vnd.x",
        "config_media_type": "application/vnd.x.config",
        "config": {"fs": {"diffIds": "${diff_ids}"}, "name": "m"},
    }
    config, manifest = documents(package=package)
    assert config == {"fs": {"diffIds": ["sha256:" + "b" * 64]}, "name": "m"}
    assert manifest["artifactType"] == "application/vnd.x"
    assert manifest["config"]["mediaType"] == "application/vnd.x.config"


def test_facts_of_the_model() -> None:
    manifests = [
        {"digest": f"sha256:{n}", "format": "onnx", "parameters": 7, "steps": [{"pass": "onnx.quantize"}]}
        for n in (1, 2)
    ]
    manifests[1]["hardware"] = {"target": "cpu"}
    facts = model_facts(manifests, {"metrics": {"accuracy": 0.975}}, title="t", version="3")
    assert facts == {
        "lepton.hardware": "cpu",
        "lepton.metric.accuracy": "0.975",
        "lepton.model.digest": "sha256:2",
        "lepton.model.format": "onnx",
        "lepton.model.parameters": "7",
        "lepton.model.parents": "sha256:1",
        "lepton.recipe": "onnx.quantize",
        "org.opencontainers.image.title": "t",
        "org.opencontainers.image.version": "3",
    }


def test_the_revision_is_what_the_workspace_status_says() -> None:
    status = "BUILD_USER me\nSTABLE_GIT_COMMIT abc123\nSTABLE_GIT_COMMIT_DATE x\n"
    assert revision_of(status, "STABLE_GIT_COMMIT") == "abc123"
    assert revision_of(status, "STABLE_GIT") is None


def test_an_index_of_two_platforms_and_not_of_one_twice(tmp_path: Path) -> None:
    index = json.loads(make_index([(b"1", AMD64), (b"2", ARM64)], {"a": "b"}))
    assert [entry["platform"] for entry in index["manifests"]] == [AMD64, ARM64]
    assert index["manifests"][0]["digest"] == sha256(b"1")
    with pytest.raises(LeptonError, match="two images are for linux/amd64"):
        make_index([(b"1", AMD64), (b"2", AMD64)], {})


def archive_of(store: Store, name: str, path: Path) -> dict[str, bytes]:
    with Blob(path) as blob:
        write_archive(store, name, blob)
    with tarfile.open(path) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}  # type: ignore[union-attr]


def test_the_archive_is_a_layout_and_what_docker_reads(tmp_path: Path) -> None:
    store = write_store(tmp_path / "image")
    files = archive_of(store, "localhost/m:1", tmp_path / "tar")
    (docker,) = json.loads(files["manifest.json"])
    assert docker["RepoTags"] == ["localhost/m:1"]
    config = json.loads(files[docker["Config"]])
    assert [sha256(files[layer]) for layer in docker["Layers"]] == config["rootfs"]["diff_ids"]
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"] == {
        "io.containerd.image.name": "localhost/m:1",
        "org.opencontainers.image.ref.name": "1",
    }
    assert entry["digest"] == store.root["digest"]
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    for name, data in files.items():
        if name.startswith("blobs/"):
            assert name.removeprefix("blobs/sha256/") == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    "name", ["resnet", "Resnet:1", "a b:1", "localhost/m:", "m:-1", "m:1;rm", "a//b:1", "m@sha256:1"]
)
def test_what_is_no_images_name_is_told(name: str) -> None:
    with pytest.raises(LeptonError, match="accepted is repository:tag"):
        split_reference(name)


@pytest.mark.parametrize("name", ["localhost/resnet_int8_cpu:1", "localhost:5000/a/b-c:v1.2_3", "resnet:latest"])
def test_names_of_images(name: str) -> None:
    assert ":".join(split_reference(name)) == name


def run(program: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAMS / program), *flags], capture_output=True, text=True, check=False
    )


def test_an_action_tells_an_error_in_one_line_with_its_label(tmp_path: Path) -> None:
    platform = '--platform={"os":"linux","architecture":"arm64"}'
    done = run(
        "make_base.py",
        f"--layout={write_layout(tmp_path / 'base')}",
        platform,
        "--label=//x:y",
        f"--output={tmp_path}/o",
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "lepton: OCI layout base in //x:y: it has no image for linux/arm64; it has linux/amd64. "
        "Take a base for the image's platform."
    ]
    assert not (tmp_path / "o").exists()


def test_a_layout_is_written_that_reads_back(tmp_path: Path) -> None:
    store = write_store(tmp_path / "image")
    flags = []
    for digest, data in store.documents.items():
        (tmp_path / digest[7:]).write_bytes(data)
        kind = "manifest" if digest == store.root["digest"] else "config"
        flags.append(f"--{kind}={tmp_path / digest[7:]}")
    config = json.loads(store.documents[store.images[0][1]["config"]["digest"]])
    for layer, diff_id in zip(store.layers(), config["rootfs"]["diff_ids"], strict=True):
        descriptor = tmp_path / f"{layer['digest'][7:]}.json"
        descriptor.write_text(json.dumps({**layer, "diff_id": diff_id}))
        flags += [f"--blob={store.blob(layer)}", f"--descriptor={descriptor}"]
    done = run("make_layout.py", *flags, "--name=localhost/m:1", f"--output={tmp_path / 'layout'}")
    assert done.returncode == 0, done.stderr
    image = Layout(tmp_path / "layout").image(AMD64)
    assert [layer["digest"] for layer in image["layers"]] == [layer["digest"] for layer in store.layers()]


def test_a_layer_that_is_not_there_or_of_another_size_is_told(tmp_path: Path) -> None:
    store = write_store(tmp_path / "image")
    path = next(iter(store.blobs.values()))
    path.write_bytes(b"short")
    with pytest.raises(LeptonError, match="has 5 bytes and should have 10240"):
        archive_of(store, "localhost/m:1", tmp_path / "tar")
    path.unlink()
    with pytest.raises(LeptonError, match="there is no file of it"):
        archive_of(store, "localhost/m:1", tmp_path / "tar")


def test_a_layer_of_the_base_is_read_from_its_layout(tmp_path: Path) -> None:
    path = write_layout(tmp_path / "base")
    base = Layout(path).image(AMD64)
    config, manifest = Image(package=PACKAGE, platform=AMD64, layers=[], base=base).documents()
    store = Store(
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha256(manifest), "size": len(manifest)},
        {sha256(config): config, sha256(manifest): manifest},
        layouts=(path,),
    )
    files = archive_of(store, "localhost/m:1", tmp_path / "tar")
    layer = files[f"blobs/sha256/{base['layers'][0]['digest'][7:]}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        assert archive.extractfile("etc/arch").read() == b"amd64"  # type: ignore[union-attr]


def test_a_line_of_flags_ends_at_a_line_feed_alone(tmp_path: Path) -> None:
    (tmp_path / "flags").write_text('--labels={"a":"b\u2028c\x85d\x0be"}\n--title=x\n', encoding="utf-8")
    flags = Flags([f"@{tmp_path}/flags"])
    assert flags.one("labels") == '{"a":"b\u2028c\x85d\x0be"}'
    assert flags.one("title") == "x"


def made_image(tmp_path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    model = {"digest": "sha256:1", "format": "onnx", "parameters": 7, "steps": [], "hardware": None}
    (tmp_path / "package.json").write_text(json.dumps(PACKAGE))
    (tmp_path / "model.json").write_text(json.dumps(model))
    (tmp_path / "layer.json").write_text(json.dumps({**LAYER, "diff_id": LAYER["digest"]}))
    outputs = [f"--output_{name}={tmp_path / name}" for name in ("config", "manifest", "digest")]
    return run(
        "make_image.py",
        f"--package={tmp_path}/package.json",
        f"--model_manifest={tmp_path}/model.json",
        f"--layer=model={tmp_path}/layer.json",
        '--platform={"os":"linux","architecture":"amd64"}',
        "--label=//x:image",
        "--title=x",
        "--version=1",
        "--labels={}",
        "--annotations={}",
        "--environment={}",
        *outputs,
        *more,
    )


def test_a_stamped_image_has_the_revision(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("STABLE_GIT_COMMIT abc123\n")
    done = made_image(tmp_path, f"--status={tmp_path}/status", "--revision_key=STABLE_GIT_COMMIT")
    assert done.returncode == 0, done.stderr
    assert (
        json.loads((tmp_path / "manifest").read_text())["annotations"]["org.opencontainers.image.revision"] == "abc123"
    )
    assert (tmp_path / "digest").read_text() == sha256((tmp_path / "manifest").read_bytes()) + "\n"


def test_a_stamped_image_without_a_revision_says_how_to_give_one(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("STABLE_OTHER abc123\n")
    done = made_image(tmp_path, f"--status={tmp_path}/status", "--revision_key=STABLE_GIT_COMMIT")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "lepton: revision in //x:image: --stamp is given, and the workspace status has no STABLE_GIT_COMMIT. Let "
        "--workspace_status_command print 'STABLE_GIT_COMMIT <commit>', or name its key in revision_key."
    ]
    assert not (tmp_path / "manifest").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<html>", "layer.json is no JSON"),
        ("[]", "a descriptor is list"),
        ('{"mediaType": "x", "size": 1, "digest": "sha256:1"}', "its digest is 'sha256:1'"),
        (json.dumps(LAYER), "diff_id of layer's descriptor layer.json"),
    ],
)
def test_a_broken_descriptor_is_told(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "layer.json").write_text(text)
    with pytest.raises(LeptonError) as caught:
        read_layer_descriptor(tmp_path / "layer.json")
    assert says in str(caught.value)
