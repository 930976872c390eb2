"""Docker's daemon loads images, whatever their layers are compressed with: one before 23 does not know zstd."""

from __future__ import annotations

import json
from collections.abc import Iterator

import engine
import image
import pytest


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    with engine.dockerd(tmp_path_factory.mktemp("docker")) as command:
        yield command


@pytest.mark.parametrize(
    ("path", "compression"), [("models/resnet/resnet_int8_cpu_image", "zstd"), ("tests/oci/served", "gzip")]
)
def test_load(docker: list[str], path: str, compression: str) -> None:
    layout = image.Layout(image.ROOT / f"{path}.layout")
    assert any(layer["mediaType"].endswith(f"+{compression}") for layer in layout.manifest["layers"])
    name = f"localhost/{compression}:1"
    words = [image.ROOT / f"{path}.load.sh", "--with", " ".join(docker), "--name", name]
    assert "docker loaded localhost/" in engine.run(*words)
    (facts,) = json.loads(engine.run(*docker, "image", "inspect", name))
    assert facts["Id"] in (layout.manifest["config"]["digest"], layout.digest)
    assert facts["RootFS"]["Layers"] == layout.config["rootfs"]["diff_ids"]
    assert facts["Config"]["User"] == "65532:65532"
    assert facts["Config"]["Entrypoint"] == layout.config["config"]["Entrypoint"]
    assert "has this very image" in engine.run(*words)
