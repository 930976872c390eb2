"""Models in processes of their own: what loading costs, which a process that has loaded anything cannot tell."""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_rules.measure.device import Device, Model
from lepton_rules.measure.faults import InfrastructureError
from lepton_rules.plugin.errors import LeptonError

_PROBE = Path(__file__).with_name("probe.py")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one fresh process did.

    Attributes:
      first_answer_s: from before its start to its first answer, in seconds.
      start_bytes: its resident set before the model was loaded: interpreter, libraries and inputs.
      load_bytes: the peak of its resident set while it loaded the model.
      inference_bytes: the peak while it ran it.
    """

    first_answer_s: float
    start_bytes: int
    load_bytes: int
    inference_bytes: int


class Fresh:
    """Starts processes; `inputs` is a file of the batches that they are fed."""

    def __init__(self, arguments: argparse.Namespace, device: Device, inputs: Path) -> None:
        self._arguments = arguments
        self._device = device
        self._inputs = inputs

    def run(self, model: Model, inferences: int) -> Seen:
        """One process from its start to its end.

        Raises:
          LeptonError: the model or its runtime refuses.
          InfrastructureError: the process could not be started, or was killed from outside.
        """
        what = f"process of {model.measured.label}"
        command = [sys.executable, "-s", "-P", str(_PROBE), json.dumps(self._asked(model, inferences))]
        start = time.perf_counter()
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        except OSError as error:
            raise InfrastructureError(what, f"it did not start ({error})", "Give the machine room") from error
        with process:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            first = time.perf_counter() - start
            lines += process.stdout
        if process.returncode < 0:
            raise InfrastructureError(
                what, f"it was killed by signal {-process.returncode}", "Give the machine more memory, or time"
            )
        if process.returncode or lines[0] != "ready\n":
            raise LeptonError(what, _last(lines), "Mend what it says")
        return Seen(first_answer_s=first, **json.loads(lines[-1]))

    def _asked(self, model: Model, inferences: int) -> dict[str, Any]:
        arguments = self._arguments
        facts = vars(model.hardware) | {"capabilities": sorted(model.hardware.capabilities)} if model.hardware else None
        return {
            "label": arguments.label,
            "plugin": arguments.plugin,
            "plugin_entry": arguments.plugin_entry,
            "component": arguments.component,
            "config": arguments.config,
            "python_path": [str(Path(path).absolute()) for path in arguments.python_path],
            "model": str(model.path.absolute()),
            "manifest": str(
                (arguments.model_manifest if model.path == arguments.model else arguments.baseline_manifest).absolute()
            ),
            "hardware": json.dumps(facts),
            "threads": self._device.threads,
            "inputs": str(self._inputs),
            "batches": len(self._device.batches),
            "inferences": inferences,
        }


@contextlib.contextmanager
def fresh(arguments: argparse.Namespace, device: Device) -> Iterator[Fresh]:
    """Processes that are fed the device's batches, which stand in a file until the end."""
    import numpy

    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "inputs.npz"
        arrays: dict[str, Any] = {
            f"{index}/{name}": array for index, batch in enumerate(device.batches) for name, array in batch.items()
        }
        numpy.savez(inputs, **arrays)
        yield Fresh(arguments, device, inputs)


def _last(lines: list[str]) -> str:
    """The last line that was printed, without the beginning that every error of ours has."""
    said = next((line.strip() for line in reversed(lines) if line.strip()), "it ended without an answer")
    return said.removeprefix("lepton: ")
