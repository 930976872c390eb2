"""Real programs that run, load, push and take apart images, each with storage of its own in a scratch folder."""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Without CAP_SYS_RESOURCE no limit may be raised, and crun refuses hybrid cgroups.
_CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
default_subnet = "{subnet}.0/24"
default_subnet_pools = [{{"base" = "{pool}.0/24", "size" = 24}}]
"""
_POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}\n'
# What Kubernetes' profile "restricted" wants, and more: nothing to write to, little memory, few processes.
HARDENED = (
    *("--read-only", "--read-only-tmpfs=false", "--user=65532:65532", "--cap-drop=all"),
    *("--security-opt=no-new-privileges", "--memory=256m", "--memory-swap=256m", "--pids-limit=64"),
)
DEADLINE_S = 60.0


def run(*command: str | Path, **more: object) -> str:
    """Standard output of a command that succeeds; its own words where it does not."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, (
        f"{command[0]} ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    )
    out: str = done.stdout
    return out


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str, body: bytes | None = None) -> tuple[float, bytes]:
    """When `url` first answers 200, as time.monotonic says it, and what it answers. It is asked every 5 ms.

    Args:
      url: what is asked.
      body: what is posted; without it, it is a GET.
    """
    end = time.monotonic() + DEADLINE_S
    problem: object = None
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, body, timeout=5) as answer:
                if answer.status == 200:
                    return time.monotonic(), answer.read()
        except (OSError, urllib.error.URLError) as error:
            problem = error
        time.sleep(0.005)
    raise AssertionError(f"{url} did not answer within {DEADLINE_S} s: {problem}")


def first_inference(port: int, model: str, shape: tuple[int, ...]) -> float:
    """When a server first answers with what its model infers of zeros, as time.monotonic says it.

    Args:
      port: of the loopback.
      model: the model's name.
      shape: of its input `image`, float32.
    """
    tensor = {"name": "image", "datatype": "FP32", "shape": shape, "data": [0.0] * math.prod(shape)}
    body = json.dumps({"inputs": [tensor]}).encode()
    moment, answer = answers(f"http://127.0.0.1:{port}/v2/models/{model}/infer", body)
    (output,) = json.loads(answer)["outputs"]
    assert len(output["data"]) == math.prod(output["shape"]) > 0, output
    assert all(map(math.isfinite, output["data"])), output
    return moment


class Podman:
    """podman with runc, its images and containers in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # What podman keeps while it runs must have a path of at most 50 characters.
        self._run = Path(tempfile.mkdtemp(prefix="lepton-", dir="/run"))
        self._networks = folder / "networks"
        self._networks.mkdir(parents=True)
        # Networks of their own: bridges that another podman left behind have routes to the usual ones.
        first, second = 200 + os.getpid() % 50, os.getpid() // 50 % 120 * 2
        text = _CONTAINERS_CONF.format(subnet=f"10.{first}.{second}", pool=f"10.{first}.{second + 1}")
        (folder / "containers.conf").write_text(text, encoding="utf-8")
        # Not this machine's own: another podman may have been here, with another database.
        storage = {"driver": "overlay", "graphroot": str(folder / "root"), "runroot": str(self._run)}
        lines = ["[storage]", *(f"{key} = {json.dumps(value)}" for key, value in storage.items())]
        (folder / "storage.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "policy.json").write_text(_POLICY, encoding="utf-8")
        self.environment = {
            **os.environ,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
        }

    @property
    def command(self) -> list[str]:
        """The program and the options that say where its storage is."""
        places = [
            f"--root={self.folder / 'root'}",
            f"--runroot={self._run}",
            f"--tmpdir={self.folder / 'tmp'}",
        ]
        return ["podman", *places, "--storage-driver=overlay", f"--network-config-dir={self._networks}"]

    def __call__(self, *words: str | Path) -> str:
        return run(*self.command, *words, env=self.environment)

    def take(self, load: Path, name: str) -> None:
        """Takes what the program `load`, an image's `.load`, gives, as `name`."""
        run(load, "--with", " ".join(self.command), "--name", name, env=self.environment)

    def store(self, layout: Path, name: str) -> None:
        """Copies the image of an OCI layout into the storage as it is, so that its digest finds it."""
        root = self.folder / "root"
        target = f"containers-storage:[overlay@{root}+{self._run}]{name}"
        run("skopeo", "copy", "--insecure-policy", "--quiet", f"oci:{layout}", target, env=self.environment)

    def logs(self, container: str) -> str:
        """What a container wrote, to both streams."""
        command = [*self.command, "logs", container]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self.environment)
        return done.stdout + done.stderr

    def close(self) -> None:
        """Removes every container, and lets go of what is mounted."""
        for words in (("pod", "rm", "--all", "--force"), ("rm", "--all", "--force", "--time=0")):
            subprocess.run([*self.command, *words], env=self.environment, capture_output=True, check=False)
        # The folder of overlay mounts is itself a mount.
        subprocess.run(["umount", "-l", str(self.folder / "root/overlay")], capture_output=True, check=False)
        shutil.rmtree(self._run, ignore_errors=True)


@contextmanager
def podman(folder: Path) -> Iterator[Podman]:
    """podman, for the time of a test."""
    engine = Podman(folder)
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def _daemon(command: list[str], log: Path, ready: Iterator[bool], **more: object) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, **more)  # type: ignore[call-overload]
        try:
            end = time.monotonic() + DEADLINE_S
            while not next(ready):
                text = log.read_text(encoding="utf-8", errors="replace")[-3000:]
                assert process.poll() is None, f"{command[0]} ended\n{text}"
                assert time.monotonic() < end, f"{command[0]} is not ready\n{text}"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def dockerd(folder: Path) -> Iterator[list[str]]:
    """The command of docker with a daemon of its own, for the time of a test."""
    folder.mkdir(parents=True, exist_ok=True)
    # A socket's path has at most 107 bytes.
    sockets = Path(tempfile.mkdtemp(prefix="lepton-", dir="/run"))
    host = f"unix://{sockets}/d.sock"
    docker = ["/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker", "--host", host]
    command = [
        *("dockerd", "--host", host, "--data-root", str(folder / "data"), "--exec-root", str(sockets / "exec")),
        *("--pidfile", str(sockets / "pid"), "--storage-driver=overlay2", "--default-ulimit=nofile=4096:4096"),
        *("--iptables=false", "--ip6tables=false", "--bridge=none"),
    ]

    def ready() -> Iterator[bool]:
        while True:
            yield subprocess.run([*docker, "info"], capture_output=True, check=False).returncode == 0

    try:
        with _daemon(command, folder / "log", ready()):
            yield docker
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """`host:port` of a registry, for the time of a test."""
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{free_port()}"
    configuration = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": address},
        "log": {"level": "warn"},
    }
    (folder / "config.yml").write_text(json.dumps(configuration), encoding="utf-8")

    def ready() -> Iterator[bool]:
        while True:
            try:
                with urllib.request.urlopen(f"http://{address}/v2/", timeout=5) as answer:
                    yield answer.status == 200
            except OSError:
                yield False

    with _daemon(["docker-registry", "serve", str(folder / "config.yml")], folder / "log", ready()):
        yield address
