"""The example's image on a Debian base: its size, and how long `podman run` takes to the first answer."""

from __future__ import annotations

import gzip
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.bar import Bar, Options, at_most
from harness.bazel import TREE, Bazel, Broken

_IMAGE = "models/resnet/resnet_int8_cpu_image"
_RUNS = 5
_NAME = "localhost/resnet:bench"
_INPUT = (1, 1, 16, 16)


def measure(options: Options) -> list[Bar]:
    """Builds the image and runs it on podman."""
    bazel = Bazel(TREE, options.folder / "base", rc=options.rc)
    if not bazel.base.exists():
        print("containers: the example is trained first, which takes minutes", file=sys.stderr, flush=True)
    label = "//models:resnet_int8_cpu_image"
    bazel.run("build", label, f"{label}.load", "--output_groups=+layout")
    built = bazel.bin()
    bazel.shutdown()
    return [*sizes(built / f"{_IMAGE}.layout"), first_answer(built / f"{_IMAGE}.load.sh")]


def sizes(layout: Path) -> list[Bar]:
    """What its layers take, as they are sent and as they are unpacked."""
    blobs = layout / "blobs/sha256"
    (root,) = json.loads((layout / "index.json").read_text(encoding="utf-8"))["manifests"]
    layers = json.loads((blobs / root["digest"].removeprefix("sha256:")).read_text(encoding="utf-8"))["layers"]
    compressed = sum(layer["size"] for layer in layers) / 1e6
    whole = sum(_whole(blobs / layer["digest"].removeprefix("sha256:"), layer["mediaType"]) for layer in layers) / 1e6
    how = "; ".join(f"{layer['size'] / 1e6:.1f}" for layer in layers) + " MB: base, environment, server, model"
    return [
        at_most("image of resnet_int8_cpu, compressed", compressed, 45, "MB", how),
        at_most("image of resnet_int8_cpu, uncompressed", whole, 130, "MB", "its layers' tars"),
    ]


def first_answer(load: Path) -> Bar:
    """From the start of `podman run`, hardened, to the first answer of the model: the median of five."""
    if not shutil.which("podman"):
        raise Broken("there is no podman: install podman, runc, netavark and catatonit")
    sys.path.insert(0, str(TREE / "tests/containers"))
    import engine

    times = []
    with _podman() as podman:
        podman.take(load, _NAME)
        for number in range(_RUNS):
            port = engine.free_port()
            began = time.monotonic()
            podman("run", "--detach", f"--name=n{number}", *engine.HARDENED, f"--publish=127.0.0.1:{port}:8080", _NAME)
            times.append(engine.first_inference(port, "resnet_int8_cpu", _INPUT) - began)
            podman("rm", "--force", "--time=0", f"n{number}")
    how = "an inference by HTTP, 256 MB, read-only: " + ", ".join(f"{seconds:.2f}" for seconds in times)
    return at_most("first answer after podman run", statistics.median(times), 1.5, "s", how)


@contextmanager
def _podman() -> Iterator[Any]:
    import engine

    with tempfile.TemporaryDirectory(dir=Path.home() / ".cache") as folder, engine.podman(Path(folder)) as podman:
        yield podman


def _whole(blob: Path, media_type: str) -> int:
    """The size of a layer's tar."""
    if media_type.endswith("+zstd"):
        done = subprocess.run(["zstd", "-dc", str(blob)], capture_output=True, check=True)
        return len(done.stdout)
    return len(gzip.decompress(blob.read_bytes())) if media_type.endswith("+gzip") else blob.stat().st_size
