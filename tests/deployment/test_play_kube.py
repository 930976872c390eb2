"""podman runs the Deployment as it was written: hardened, in the memory that was promised, on the port it names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MISSING = [part for part in ("podman", "runc", "skopeo") if shutil.which(part) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"this machine lacks {', '.join(MISSING)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may run containers here"),
]

HERE = Path(__file__).parent
LAYOUT = HERE.parents[1] / "models/resnet/resnet_int8_cpu_image.layout"
PORT = 18437
# Without CAP_SYS_RESOURCE no limit may be raised, and crun refuses hybrid cgroups.
_CONF = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class Podman:
    """podman with storage of its own."""

    def __init__(self, folder: Path) -> None:
        # What podman keeps while it runs must have a path of at most 50 characters.
        self.run = Path(tempfile.mkdtemp(prefix="lepton-", dir="/run"))
        self.root = folder / "root"
        (folder / "containers.conf").write_text(_CONF, "utf-8")
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}', "utf-8")
        storage = f'[storage]\ndriver = "overlay"\ngraphroot = "{self.root}"\nrunroot = "{self.run}"\n'
        (folder / "storage.conf").write_text(storage, "utf-8")
        self.folder = folder
        self.environment = {
            **os.environ,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "HOME": str(folder),
        }

    def command(self, *words: str) -> list[str]:
        """podman with the places of its storage."""
        places = (f"--root={self.root}", f"--runroot={self.run}", f"--tmpdir={self.folder / 'tmp'}")
        return ["podman", *places, "--storage-driver=overlay", f"--network-config-dir={self.folder}", *words]

    def __call__(self, *words: str) -> str:
        return self.execute(self.command(*words))

    def execute(self, command: list[str]) -> str:
        """The output of a command that succeeds."""
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self.environment)
        assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def close(self) -> None:
        """Removes every pod, and lets go of what is mounted."""
        command = self.command("pod", "rm", "--all", "--force")
        subprocess.run(command, env=self.environment, capture_output=True, check=False)
        subprocess.run(["umount", "-l", str(self.root / "overlay")], capture_output=True, check=False)
        shutil.rmtree(self.run, ignore_errors=True)


@pytest.fixture(scope="module")
def deployment() -> dict[str, Any]:
    content = yaml.safe_load((HERE / "played/deployment.yaml").read_text("utf-8"))
    assert isinstance(content, dict)
    return content


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory, deployment: dict[str, Any]) -> Iterator[Podman]:
    engine = Podman(tmp_path_factory.mktemp("podman"))
    try:
        (server,) = deployment["spec"]["template"]["spec"]["containers"]
        index = json.loads((LAYOUT / "index.json").read_text("utf-8"))
        tag = index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]
        stored = f"containers-storage:[overlay@{engine.root}+{engine.run}]{server['image']}"
        policy = f"--policy={engine.folder / 'policy.json'}"
        engine.execute(["skopeo", policy, "copy", f"oci:{LAYOUT}:{tag}", stored])
        engine("play", "kube", str(HERE / "played/deployment.yaml"))
        yield engine
    finally:
        engine.close()


def ready(path: str, deadline_s: float = 60) -> int:
    """The status of a path once it is 200, or the last one."""
    end, status = time.monotonic() + deadline_s, 0
    while status != 200 and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=5) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        except OSError:
            status = 0
        time.sleep(0.02)
    return status


def inspected(podman: Podman) -> dict[str, Any]:
    names = podman("ps", "--all", "--format={{.Names}}").split()
    (name,) = [name for name in names if name.endswith("-server")]
    (found,) = json.loads(podman("inspect", name))
    assert isinstance(found, dict)
    return found


def test_it_answers_where_the_probes_ask(podman: Podman, deployment: dict[str, Any]) -> None:
    (server,) = deployment["spec"]["template"]["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = server[probe]["httpGet"]
        assert asked["port"] == PORT
        assert ready(asked["path"]) == 200, podman("logs", inspected(podman)["Name"])
    assert ready("/v2/models/resnet_int8_cpu/ready") == 200
    assert ready("/metrics", 5) == 200


def test_it_is_as_hard_as_the_file_says(podman: Podman) -> None:
    found = inspected(podman)
    host = found["HostConfig"]
    assert found["Config"]["User"] == "65532:65532"
    assert host["ReadonlyRootfs"] is True
    assert host["Memory"] == 256 << 20
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert not found["EffectiveCaps"]
    with pytest.raises(AssertionError, match=r"[Rr]ead-only"):
        podman("exec", found["Name"], "/usr/bin/python3.11", "-c", "open('/x', 'w')")


def test_it_drains(podman: Podman) -> None:
    name = inspected(podman)["Name"]
    podman("stop", "--time=30", name)
    assert inspected(podman)["State"]["ExitCode"] == 0
