"""Builds the packages of an environment for an image's platform, in the working directory: `root.tar` and `facts.json`.

    python3.11 -I -S -B build_image_environment.py request.json

The file holds the fields of `Request`. The interpreter is the image's base's, and no part of it: any CPython of the
series runs the bytecode. The platform may be another than this machine's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).absolute().parents[4]))

from lepton_rules.private.environment.builder import clean, command, lock, pip_configuration, tree, uv
from lepton_rules.private.environment.builder.build_environment import DROPPED_VARIABLES, packages_in
from lepton_rules.private.environment.builder.install import Installer
from lepton_rules.private.environment.builder.refusal import LOCK_COMMAND, Refusal
from lepton_rules.private.environment.builder.root import Root

# What a process that serves a model imports nothing of, whatever the server is: see docs/bases.md.
_NOT_TO_SERVE = """
    **/*.pyi **/py.typed **/tests/** **/test/**
    numpy/f2py/** numpy/distutils/** numpy/typing/** numpy/_core/_simd.*.so numpy/_core/_*_tests.*.so
    numpy/_core/include/** numpy/_pyinstaller/** numpy/doc/** numpy/random/_examples/** numpy/random/lib/**
    onnxruntime/backend/** onnxruntime/capi/libonnxruntime.so* onnxruntime/capi/convert_npz_to_onnx_adapter.py
    onnxruntime/datasets/** onnxruntime/quantization/** onnxruntime/tools/** onnxruntime/transformers/**
    onnxruntime/Privacy.md
""".split()
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Request:
    """What to build. `label` and `lock_label` are for messages; `prefix` is the directory in the image, without a slash
    at either end; the others are as in the tag.
    """

    name: str
    label: str
    lock: str
    lock_label: str
    architecture: str
    glibc: str
    package_indexes: dict[str, str]
    prefix: str
    exclude: list[str]
    keep: list[str]
    python_sources: bool


def build(request: Request, folder: Path) -> None:
    """Writes `root.tar` and `facts.json` to `folder`."""
    relock = f"{LOCK_COMMAND} --requirements <requirements.in> --output {Path(request.lock).name}"
    requirements = lock.read(Path(request.lock), request.lock_label, relock)
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
    configuration = pip_configuration.read(environment, Path(sys.prefix))
    indexes = {lock.normalise(name): url for name, url in request.package_indexes.items()}
    platform = f"{_MACHINES[request.architecture]}-manylinux_{request.glibc.replace('.', '_')}"
    target = ("--python-platform", platform, "--python-version", f"{sys.version_info[0]}.{sys.version_info[1]}")
    packages = folder / "packages"
    shutil.rmtree(packages, ignore_errors=True)
    packages.mkdir()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        found = uv.find(environment, configuration.urls)
        installer = Installer(found, configuration, environment, request.lock_label, relock, target)
        installer.install(requirements, indexes, packages, Path(scratch))
    clean.clean(packages, [*_NOT_TO_SERVE, *request.exclude], request.keep)
    facts = {"packages": packages_in(packages)}
    _compile(packages)
    if not request.python_sources:
        _replace_sources(packages)
    root = Root()
    root.take_folder(packages, request.prefix)
    root.finish()
    root.write(folder / "root.tar")
    shutil.rmtree(packages)
    (folder / "facts.json").write_text(json.dumps(facts, sort_keys=True), encoding="utf-8")


def _compile(packages: Path) -> None:
    script = Path(__file__).with_name("compile_bytecode.py")
    command = [sys.executable, "-s", "-S", "-P", "-B", str(script), str(packages), str(os.cpu_count() or 1)]
    variables = {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if done.returncode != 0:
        fix = "Name another CPython with LEPTON_PYTHON_<version>"
        raise Refusal("Python", f"{sys.executable} does not compile", fix, done.stderr)


def _replace_sources(packages: Path) -> None:
    """Puts bytecode where its source was."""
    for file in tree.files_of(packages):
        if file.suffix == ".pyc" and file.parent.name == "__pycache__":
            source = file.parent.parent / (file.name.partition(".")[0] + ".py")
            source.unlink()
            file.replace(source.with_suffix(".pyc"))


if __name__ == "__main__":
    sys.exit(command.run("environment", Request, build, sys.argv[1:]))
