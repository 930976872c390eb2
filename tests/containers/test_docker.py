"""Docker's daemon loads the image."""

from __future__ import annotations

import json
from pathlib import Path

import engine
import image

NAME = "localhost/resnet:1"


def test_load(tmp_path: Path) -> None:
    layout = image.Layout(image.ROOT / "models/resnet/resnet_int8_cpu_image.layout")
    with engine.dockerd(tmp_path / "docker") as docker:
        load = image.ROOT / "models/resnet/resnet_int8_cpu_image.load.sh"
        engine.run(load, "--with", " ".join(docker), "--name", NAME)
        (facts,) = json.loads(engine.run(*docker, "image", "inspect", NAME))
        assert facts["Id"] == layout.manifest["config"]["digest"]
        assert facts["RootFS"]["Layers"] == layout.config["rootfs"]["diff_ids"]
        assert facts["Config"]["User"] == "65532:65532"
        assert facts["Config"]["Entrypoint"] == layout.config["config"]["Entrypoint"]
