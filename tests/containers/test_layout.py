"""skopeo reads the image, and umoci unpacks it."""

from __future__ import annotations

import json
from pathlib import Path

import engine
import image


def test_skopeo_inspects_it() -> None:
    layout = image.Layout(image.ROOT / "models/resnet/resnet_int8_cpu_image.layout")
    facts = json.loads(engine.run("skopeo", "inspect", f"oci:{layout.folder}"))
    assert facts["Digest"] == layout.digest
    assert facts["Layers"] == [layer["digest"] for layer in layout.manifest["layers"]]
    assert (facts["Os"], facts["Architecture"]) == ("linux", "amd64")


def test_umoci_unpacks_it(tmp_path: Path) -> None:
    # umoci knows no zstd.
    layout = image.Layout(image.ROOT / "tests/containers/resnet_plain_image.layout")
    tagged = tmp_path / "tagged"
    engine.run(
        "skopeo", "copy", "--insecure-policy", "--preserve-digests", f"oci:{layout.folder}", f"oci:{tagged}:latest"
    )
    engine.run("umoci", "unpack", "--image", f"{tagged}:latest", tmp_path / "bundle")
    root = tmp_path / "bundle/rootfs"
    assert (root / "usr/bin/python3.11").stat().st_uid == 0
    assert (root / "lib").readlink() == Path("usr/lib")
    model = next(root.glob("models/*/1/model.onnx"))
    assert model.read_bytes() == image.MODEL.read_bytes()
