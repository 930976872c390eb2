"""The wall time of the latency test's program on the small model, at a batch that takes a given time.

Usage: wall.py FOLDER BATCH

Prints JSON: {"wall": seconds of the process from start to end, "load": seconds of those that went into libraries and
models, "inference_ms", "verdict"}.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from record import write_model

from lepton_rules import manifest
from lepton_rules.plugin import ModelFacts, NoConfig, TensorSpec
from lepton_rules.worker import isa

_TREE = Path(__file__).resolve().parents[3]
_MACS = 24 * 9 * 256 + 48 * 24 * 9 * 256 + 48 * 48 * 9 * 64 + 64 * 48 * 9 * 16 + 640


def main(folder: Path, batch: int) -> None:
    """Writes what the program wants, and times it."""
    import numpy as np

    model = folder / "model"
    model.mkdir(parents=True, exist_ok=True)
    write_model(model / "model.onnx")
    facts = ModelFacts(
        inputs=(TensorSpec("x", "float32", ("batch", 1, 16, 16)),),
        outputs=(TensorSpec("y", "float32", ("batch", 10)),),
        parameters=60_000,
        macs=_MACS,
    )
    step = manifest.step(component="bench.write", config=NoConfig(), plugin="bench", version="1", libraries={})
    content = manifest.build(format="onnx", facts=facts, directory=model, step=step, hardware=None)
    manifest.write(content, folder / "manifest.json")
    np.savez(folder / "data.npz", x=np.random.default_rng(2).normal(size=(1024, 1, 16, 16)).astype(np.float32))
    identity = {"cpu": isa.cpu_name(), "isa": isa.detect(), "chips": {}}
    (folder / "identity.json").write_text(json.dumps(identity), encoding="utf-8")
    flags = {
        "label": "//bench:wall_latency_test",
        "artifact_label": "//bench:small",
        "plugin": "onnxruntime",
        "plugin_entry": "lepton_plugin_onnxruntime",
        "component": "onnxruntime",
        "python_path": _TREE / "plugins/onnxruntime",
        "model": model,
        "model_manifest": folder / "manifest.json",
        "baseline_model": model,
        "baseline_manifest": folder / "manifest.json",
        "dataset": folder / "data.npz",
        "identity": folder / "identity.json",
        "batch": batch,
        "budget": "min_speedup=0.9",
    }
    start = time.perf_counter()
    done = subprocess.run(
        [
            sys.executable,
            "-s",
            "-P",
            str(_TREE / "lepton_rules/measure/latency_test.py"),
            *[f"--{name}={value}" for name, value in flags.items()],
        ],
        env={**os.environ, "TEST_UNDECLARED_OUTPUTS_DIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - start
    measured = json.loads((folder / "measurement.json").read_text("utf-8"))
    pairs = measured["samples"]["pairs"]
    print(
        json.dumps(
            {
                "wall": wall,
                "load": measured["samples"]["load_seconds"],
                "inference_ms": statistics.median(pairs["baseline_ns"]) / pairs["repeats"] / 1e6,
                "verdict": measured["budgets"][0]["verdict"],
                "status": done.returncode,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
