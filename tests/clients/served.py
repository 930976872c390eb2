"""A real server of a real model, for the time of a test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lepton_rules

ROOT = Path(lepton_rules.__file__).parents[1]


def model_folder(model: Path, manifest: Path, folder: Path) -> Path:
    """The folder that the server takes: the model's files, and the manifest among them."""
    folder.mkdir()
    for file in [*model.iterdir(), manifest]:
        shutil.copyfile(file, folder / file.name)
    return folder


@contextmanager
def server(model: Path, name: str, *flags: str) -> Iterator[str]:
    """The address of a server that is ready.

    Args:
      model: the folder that holds the model and its manifest.
      name: what the server calls it.
      flags: further ones of the server.
    """
    process = subprocess.Popen(
        [
            *(sys.executable, "-s", "-P", "-m", "lepton_server"),
            *(f"--model={model}", f"--name={name}", "--host=127.0.0.1", "--port=0", "--threads=1"),
            "--runtime_entry=lepton_plugin_onnxruntime",
            *flags,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "server"), *sys.path])},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield f"http://127.0.0.1:{_port(process)}"
    finally:
        process.kill()
        process.communicate()


def _port(process: subprocess.Popen[str]) -> int:
    """What the server listens on, once it is ready; it says both in its log."""
    assert process.stderr is not None
    port, lines = 0, []
    for line in process.stderr:
        lines.append(line)
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "listening":
            port = event["port"]
        if event.get("event") == "ready":
            return port
    raise AssertionError("the server ended:\n" + "".join(lines))
