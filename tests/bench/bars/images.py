"""Images: how fast a layer is written, what an edit costs on large weights, what an image takes on the disk, and
whether its digest depends on who builds it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from harness.bar import Bar, Options, at_least, at_most
from harness.bazel import TREE, Bazel, Broken, remove, run, write

# rules_oci's published figure for a tiny edit of an image with 21 GB and 3.6 GB of weights.
_RULES_OCI_S = 58.0
_LARGE = 4 << 30
_SMALL = 4 << 20
_SHARED = 64 << 20
_IMAGES = 4

_MODULE = f"""module(name = "pictures")

bazel_dep(name = "lepton_rules", version = "0.1.0")
local_path_override(
    module_name = "lepton_rules",
    path = "{TREE}",
)

lepton = use_extension("@lepton_rules//lepton_rules:extensions.bzl", "lepton")
use_repo(lepton, "lepton_rules_core")
"""

_PLUGIN = '''"""An importer that takes any file as weights."""

import shutil

from lepton_rules.plugin import Importer, ModelFacts, TensorSpec, hookimpl

__version__ = "1.0.0"


def read(context):
    shutil.copyfile(context.weights[0], context.output / "weights.bin")
    spec = TensorSpec("x", "float32", ("batch", 4))
    return ModelFacts(inputs=(spec,), outputs=(spec,), parameters=1, macs=None)


@hookimpl
def lepton_importers():
    return [Importer(name="file", produces="bytes", implementation="lepton_plugin_raw:read")]
'''

_DESCRIPTORS = json.dumps(
    {
        "api_version": 1,
        "exporters": {},
        "importers": {
            "file": {"allows_code": False, "config": {"fields": {}, "version": 1}, "doc": "", "produces": "bytes"}
        },
        "metrics": {},
        "name": "raw",
        "passes": {},
        "runtimes": {},
        "targets": {},
    }
)

_RULES = """load("@lepton_rules//lepton_rules:defs.bzl", "lepton_model")
load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component")
load("@lepton_rules//lepton_rules:providers.bzl", "LayersInfo")

def raw_model(name, weights):
    lepton_model(
        name = name,
        importer = lepton_component(kind = "importer", plugin = Label("//:raw"), name = "file", config = {}),
        weights = [weights],
    )

def _layers_impl(ctx):
    return [LayersInfo(layers = [struct(blob = ctx.file.blob, descriptor = ctx.file.descriptor)])]

layers = rule(
    implementation = _layers_impl,
    attrs = {
        "blob": attr.label(allow_single_file = True),
        "descriptor": attr.label(allow_single_file = True),
    },
)
"""

_HEAD = f"""load("@lepton_rules//lepton_rules:defs.bzl", "lepton_image", "lepton_plugin")
load("@lepton_rules//plugins/oci:passes.bzl", "oci")
load(":layers.bzl", "layers", "raw_model")

lepton_plugin(
    name = "raw",
    srcs = ["lepton_plugin_raw/__init__.py"],
    descriptors = '{_DESCRIPTORS}',
    environment = "@lepton_rules_core//:environment",
)

layers(name = "shared", blob = "shared.tar", descriptor = "shared.json")
"""

_IMAGE = """
raw_model(name = "{name}_model", weights = "{name}.bin")

lepton_image(
    name = "{name}",
    artifact = ":{name}_model",
    environment = ":shared",
    labels = {{"note": "{note}"}},
    packager = oci.modelcar(),
)
"""


def _random(path: Path, size: int) -> None:
    """Writes bytes that nothing compresses, none of them a hole."""
    if path.exists() and path.stat().st_size == size:
        return
    with path.open("wb") as file:
        for _ in range(size >> 22):
            file.write(os.urandom(1 << 22))


def _workspace(folder: Path, images: dict[str, str]) -> Path:
    """A module with an image for each name, labelled with its note."""
    write(folder / "MODULE.bazel", _MODULE)
    write(folder / "layers.bzl", _RULES)
    write(folder / "lepton_plugin_raw" / "__init__.py", _PLUGIN)
    _build_file(folder, images)
    if not (folder / "shared.json").exists():
        _random(folder / "shared.bin", _SHARED)
        with tarfile.open(folder / "shared.tar", "w") as archive:
            archive.add(folder / "shared.bin", "opt/shared.bin")
        (folder / "shared.bin").unlink()
        data = (folder / "shared.tar").read_bytes()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        media_type = "application/vnd.oci.image.layer.v1.tar"
        described = {"mediaType": media_type, "digest": digest, "diff_id": digest, "size": len(data)}
        write(folder / "shared.json", json.dumps(described))
    return folder


def _build_file(folder: Path, images: dict[str, str]) -> None:
    text = _HEAD + "".join(_IMAGE.format(name=name, note=note) for name, note in images.items())
    write(folder / "BUILD.bazel", text)


def _spawns(log: Path) -> list[str]:
    """The mnemonics of what a build ran, from its execution log; what a cache answered is not among them."""
    decoder, text, at, found = json.JSONDecoder(), log.read_text("utf-8"), 0, []
    while at < len(text):
        spawn, at = decoder.raw_decode(text, at)
        if not spawn.get("cacheHit"):
            found.append(spawn["mnemonic"])
        while at < len(text) and text[at].isspace():
            at += 1
    return found


def _read_bytes(pid: int) -> int:
    """What a process and its children that ended have read, page cache included."""
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("rchar:")))


# What the environment's own Python does: hashes a file, and writes the layer of it, in turns.
_SPEED = """
import gzip, hashlib, os, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from lepton_rules.oci.layer import write_layer
from lepton_rules.oci.tar import Member
source, target = Path(sys.argv[2]), Path(sys.argv[3])
size = source.stat().st_size

def sha():
    start, digest, buffer = time.perf_counter(), hashlib.sha256(), memoryview(bytearray(1 << 20))
    with source.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return time.perf_counter() - start

def layer():
    target.unlink(missing_ok=True)
    start = time.perf_counter()
    write_layer([Member(path="models/m/weights.bin", source=source)], target)
    return time.perf_counter() - start

layer()
for _ in range(5):
    print("sha", sha() / size)
    print("layer", layer() / size)
with source.open("rb") as file:
    part = file.read(64 << 20)
start = time.perf_counter()
gzip.compress(part, 6, mtime=0)
print("gzip", (time.perf_counter() - start) / len(part))
target.unlink()
"""


def _layer_speed(bazel: Bazel, folder: Path) -> Iterator[Bar]:
    launchers = sorted((bazel.base / "external").glob("*lepton_rules_core/launch"))
    if not launchers:
        raise Broken("the core environment is not in the output base")
    weights = folder / "speed.bin"
    _random(weights, 1 << 30)
    command = [launchers[0], "-c", _SPEED, TREE, weights, folder / "speed.tar"]
    figures: dict[str, list[float]] = {"sha": [], "layer": [], "gzip": []}
    for line in run(command, cwd=folder, keep_stderr=False).output.splitlines():
        name, value = line.split()
        figures[name].append(1 / float(value) / 1e9)
    weights.unlink()
    # In pairs: a machine is not as fast in one second as in the next.
    ratio = statistics.median(own / hashed for own, hashed in zip(figures["layer"], figures["sha"], strict=True))
    sha, layer, gzip = (statistics.median(figures[name]) for name in ("sha", "layer", "gzip"))
    how = (
        f"1 GiB of random bytes, medians of 5: layer {layer:.2f} GB/s, SHA-256 {sha:.2f} GB/s, gzip -6 {gzip:.3f} GB/s"
    )
    yield at_least("model layer, of SHA-256's speed", ratio, 0.5, "x", how)
    yield at_least("model layer, of gzip -6's speed", layer / gzip, 20, "x", how)


def _label(options: Options, folder: Path) -> Iterator[Bar]:
    workspace = _workspace(folder / "large", {"image": "one"})
    _random(workspace / "image.bin", _LARGE)
    bazel = Bazel(workspace, folder / "large_base", rc=options.rc)
    try:
        bazel.run("build", "//:image")
        before = [path.stat().st_ino for path in bazel.bin().glob("image/*.layer")]
        seconds, read, ran = [], [], set()
        log = folder / "spawns.json"
        for number in range(5):
            _build_file(workspace, {"image": f"two {number}"})
            server = bazel.server()
            start = _read_bytes(server)
            seconds.append(bazel.run("build", "//:image").seconds)
            read.append(_read_bytes(server) - start)
        _build_file(workspace, {"image": "three"})
        bazel.run("build", f"--execution_log_json_file={log}", "//:image")
        ran = set(_spawns(log))
        after = [path.stat().st_ino for path in bazel.bin().glob("image/*.layer")]
        config = json.loads((bazel.bin() / "image" / "config.json").read_bytes())
        if config["config"]["Labels"]["note"] != "three" or ran != {"LeptonImage"} or before != after:
            raise Broken(f"the edit of a label ran {sorted(ran)}")
        yield from _layer_speed(bazel, folder)
    finally:
        bazel.forget()
        remove(workspace)
    median, most = statistics.median(seconds), max(read)
    how = f"4 GiB of random weights, warm server, 5 edits, median; only LeptonImage ran; {max(seconds):.2f} s at most"
    yield at_most("edit of a label, 4 GiB of weights", median, 1.0, "s", how)
    yield at_least("edit of a label, rules_oci's published 58 s over it", _RULES_OCI_S / median, 20, "x", how)
    yield at_most(
        "edit of a label, bytes read", most / 1e6, 64, "MB", f"by the server and its children, of {_LARGE} of weights"
    )


def _size(path: Path) -> int:
    return (
        sum(each.lstat().st_size for each in path.rglob("*") if each.is_file())
        if path.is_dir()
        else path.stat().st_size
    )


def _disk_and_digests(options: Options, folder: Path) -> Iterator[Bar]:
    names = {f"image{number}": "x" for number in range(_IMAGES)}
    one = _workspace(folder / "one", names)
    for name in names:
        _random(one / f"{name}.bin", _SMALL)
    target = [f"//:{name}" for name in names]
    first = Bazel(one, folder / "one_base", rc=options.rc)
    try:
        first.run("build", "--jobs=1", *target)
        digests = [(first.bin() / name / "digest").read_text() for name in names]
        own = sum(_size(layer) for name in names for layer in (first.bin() / name).glob("*.layer"))
        rest = sum(_size(first.bin() / name) for name in names) - own
        # The same files elsewhere, of another date, built by another name with another number of jobs.
        two = folder / "another" / "two"
        two.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(one, two)
        for path in two.rglob("*"):
            os.utime(path, (978307200, 978307200))
        second = Bazel(two, folder / "another" / "two_base", rc=options.rc)
        try:
            words = second.command("build", "--jobs=2", *target)
            environment = {"HOME": str(folder / "another"), "LOGNAME": "nobody", "TZ": "Asia/Tokyo", "USER": "nobody"}
            run(words, cwd=two, environment=environment)
            differing = [
                d for d, name in zip(digests, names, strict=True) if (second.bin() / name / "digest").read_text() != d
            ]
        finally:
            second.forget()
            remove(two)
    finally:
        first.forget()
        remove(one)
    how = f"{_IMAGES} images of {_SMALL >> 20} MiB on one layer of {_SHARED >> 20} MiB; what each adds to the layers"
    yield at_most("disk of an image beside its layers", rest / _IMAGES / 1024, 64, "KB", how)
    how = "two output bases, paths, dates of files, users, time zones; --jobs=1 and --jobs=2; no cache"
    yield at_most("digests that differ", len(differing), 0, "images", how)


def measure(options: Options) -> list[Bar]:
    """Everything with files of its own, which are removed."""
    folder = options.folder / "images"
    folder.mkdir(exist_ok=True)
    try:
        return [*_label(options, folder), *_disk_and_digests(options, folder)]
    finally:
        subprocess.run(["chmod", "-R", "u+w", folder], check=False)
        remove(folder)
