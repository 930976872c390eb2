"""`podman play kube` runs the emitted Deployment: the image by its digest, under the file's own restrictions."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import engine
import image

_REPOSITORY = "registry.example.com/vision/resnet"


def test_the_file_as_it_is(tmp_path: Path) -> None:
    layout = image.Layout(image.ROOT / "models/resnet/resnet_int8_cpu_image.layout")
    file = image.ROOT / "models/resnet/resnet_int8_cpu_deployment.yaml"
    assert f"{_REPOSITORY}@{layout.digest}" in file.read_text(encoding="utf-8")
    with engine.podman(tmp_path / "podman") as podman:
        podman.store(layout.folder, f"{_REPOSITORY}:1")
        podman("play", "kube", file)
        (running,) = [
            facts
            for facts in json.loads(podman("inspect", *podman("ps", "--quiet").split()))
            if facts["ImageName"].startswith(_REPOSITORY)
        ]
        pod = json.loads(podman("pod", "inspect", running["Pod"]))
        (infra,) = json.loads(podman("inspect", pod["InfraContainerID"]))
        (network,) = infra["NetworkSettings"]["Networks"].values()
        address = f"http://{network['IPAddress']}:8080/v2"
        try:
            engine.answers(f"{address}/health/ready")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{podman.logs(running['Id'])}") from error
        with urllib.request.urlopen(f"{address}/models/resnet_int8_cpu", timeout=10) as answer:
            assert json.loads(answer.read())["name"] == "resnet_int8_cpu"
        host = running["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["Memory"] == 256 << 20
        assert not running["EffectiveCaps"]
        podman("play", "kube", "--down", file)
        assert podman("ps", "--all", "--quiet").split() == []
