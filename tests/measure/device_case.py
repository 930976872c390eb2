"""A candidate, a baseline and all else that the programs of tests on a chip want."""

import json
from pathlib import Path
from typing import Any

from programs import Done, run_program

from models import PLUGIN_ROOT, make_dataset, make_identity, make_model

HERE = {"target": "here", "runtime": "matmul", "capabilities": [], "options": {}, "threads": 1}
# Enough multiplications for half a millisecond, whatever the machine.
WORK = 300


class Case:
    """A candidate, a baseline and all else that a program wants, each of which a test may replace."""

    def __init__(
        self, directory: Path, candidate: dict[str, Any], baseline: dict[str, Any], program: str = "latency_test"
    ) -> None:
        self.directory = directory
        self.program = program
        model, manifest = make_model(directory / "candidate", **candidate)
        other, other_manifest = make_model(directory / "baseline", **baseline)
        self.flags: dict[str, Any] = {
            "label": f"//x:y_{program}",
            "artifact_label": "//x:y",
            "plugin": "fake",
            "plugin_entry": "lepton_plugin_fake",
            "component": "matmul",
            "python_path": PLUGIN_ROOT,
            "model": model,
            "model_manifest": manifest,
            "baseline_label": "//x:b",
            "baseline_model": other,
            "baseline_manifest": other_manifest,
            "hardware": json.dumps(HERE),
            "dataset": make_dataset(directory / "dataset.npz"),
            "identity": make_identity(directory / "identity.json"),
            "batch": 1,
        }

    def run(self, *budgets: str, **changes: Any) -> Done:
        flags = {name: value for name, value in (self.flags | changes).items() if value is not None}
        return run_program(
            self.directory,
            self.program,
            *[f"--{name}={value}" for name, value in flags.items()],
            *[f"--budget={budget}" for budget in budgets],
        )
