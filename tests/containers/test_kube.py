"""`podman play kube` runs the emitted Deployment as it was written: the image by its digest, hardened, in the memory
that was promised, asked where its probes ask."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import engine
import image
import pytest

_REPOSITORY = "registry.example.com/vision/resnet"
_FILE = image.ROOT / "models/resnet/resnet_int8_cpu_deployment.yaml"


@dataclass(frozen=True)
class Playing:
    """The pod's container and address."""

    podman: engine.Podman
    name: str
    address: str

    def facts(self) -> dict[str, Any]:
        """What podman knows of the container now."""
        (found,) = json.loads(self.podman("inspect", self.name))
        facts: dict[str, Any] = found
        return facts


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playing]:
    layout = image.Layout(image.ROOT / "models/resnet/resnet_int8_cpu_image.layout")
    assert f"{_REPOSITORY}@{layout.digest}" in _FILE.read_text(encoding="utf-8")
    with engine.podman(tmp_path_factory.mktemp("podman")) as podman:
        podman.store(layout.folder, f"{_REPOSITORY}:1")
        podman("play", "kube", _FILE)
        (running,) = [
            facts
            for facts in json.loads(podman("inspect", *podman("ps", "--quiet").split()))
            if facts["ImageName"].startswith(_REPOSITORY)
        ]
        pod = json.loads(podman("pod", "inspect", running["Pod"]))
        (infra,) = json.loads(podman("inspect", pod["InfraContainerID"]))
        (network,) = infra["NetworkSettings"]["Networks"].values()
        yield Playing(podman, running["Name"], network["IPAddress"])


def test_it_answers_where_the_probes_ask(playing: Playing) -> None:
    asked = re.findall(r"httpGet:\s+path: (\S+)\s+port: (\d+)", _FILE.read_text(encoding="utf-8"))
    assert len(asked) == 3  # startup, readiness, liveness
    for path, port in asked:
        try:
            engine.answers(f"http://{playing.address}:{port}{path}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{playing.podman.logs(playing.name)}") from error
    with urllib.request.urlopen(f"http://{playing.address}:8080/v2/models/resnet_int8_cpu", timeout=10) as answer:
        assert json.loads(answer.read())["name"] == "resnet_int8_cpu"


def test_it_is_as_hard_as_the_file_says(playing: Playing) -> None:
    found = playing.facts()
    host = found["HostConfig"]
    assert found["Config"]["User"] == "65532:65532"
    assert host["ReadonlyRootfs"] is True
    assert host["Memory"] == 256 << 20
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert not found["EffectiveCaps"]
    with pytest.raises(AssertionError, match=r"[Rr]ead-only"):
        playing.podman("exec", playing.name, "/usr/bin/python3.11", "-c", "open('/x', 'w')")


def test_it_drains_and_goes(playing: Playing) -> None:
    playing.podman("stop", "--time=30", playing.name)
    assert playing.facts()["State"]["ExitCode"] == 0
    playing.podman("play", "kube", "--down", _FILE)
    assert playing.podman("ps", "--all", "--quiet").split() == []
