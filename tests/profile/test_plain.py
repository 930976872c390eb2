"""A stranger's runtime without a profiler: timed as a whole, after each pass, and its memory counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest
from subjects import PROGRAMS, start

from lepton_rules import manifest
from lepton_rules.manifest import schema
from lepton_rules.plugin import HardwareFacts, ModelFacts, NoConfig, TensorSpec
from lepton_rules.worker import isa

PLUGIN = Path(__file__).parent / "plain"


def model(folder: Path, steps: tuple[str, ...], **changes: Any) -> Path:
    """Writes `model/` and `manifest.json` below `folder`."""
    path = folder / "model"
    path.mkdir(parents=True)
    (path / "model.json").write_text(json.dumps({"load_mb": 80, "run_mb": 60} | changes))
    spec = TensorSpec("x", "float32", ("batch", 4))
    facts = ModelFacts(inputs=(spec,), outputs=(TensorSpec("y", "float32", ("batch", 4)),), parameters=0, macs=None)
    parent = None
    for name in steps:
        step = manifest.step(component=name, config=NoConfig(), plugin="plain", version="1", libraries={})
        parent = manifest.build(
            format="plain",
            facts=facts,
            directory=path,
            step=step,
            parent=parent,
            hardware=HardwareFacts(target="desk", runtime="plain"),
        )
    assert parent is not None
    manifest.write(parent, folder / "manifest.json")
    return folder


def run(folder: Path, steps: list[Path], *more: str, target: str = "desk", program: str = "profile") -> tuple[int, str]:
    numpy.savez(folder / "data.npz", x=numpy.ones((20, 4), numpy.float32), labels=numpy.zeros(20, numpy.int64))
    identity = {"cpu": isa.cpu_name(), "isa": isa.detect(), "chips": {"cuda": False}}
    (folder / "identity.json").write_text(json.dumps(identity))
    flags = ["--label=//m:x.profile", "--artifact_label=//m:x", "--plugin=plain", "--plugin_entry=lepton_plugin_plain"]
    flags += ["--component=plain", f"--python_path={PLUGIN}", f"--model={steps[-1] / 'model'}", "--preload=numpy"]
    flags += [f"--hardware={json.dumps({'target': target, 'runtime': 'plain', 'threads': 1})}"]
    flags += [f"--model_manifest={steps[-1] / 'manifest.json'}", f"--dataset={folder / 'data.npz'}"]
    flags += [f"--identity={folder / 'identity.json'}", *more]
    for number, step in enumerate(steps, start=1):
        flags += [f"--step_manifest={step / 'manifest.json'}", f"--step_model={number}={step / 'model'}"]
    process = start(program, flags, folder)
    output, _ = process.communicate(timeout=100)
    return process.returncode, output


def test_what_is_measured_without_a_profiler(tmp_path: Path) -> None:
    steps = [
        model(tmp_path / "1", ("plain.import",), load_mb=2, run_mb=1),
        model(tmp_path / "2", ("plain.import", "plain.break"), broken=True),
        model(tmp_path / "3", ("plain.import", "plain.break", "plain.mend")),
    ]
    status, output = run(tmp_path, steps, "--seconds=0.2", "--json=out.json")
    assert status == 0, output
    profile = json.loads((tmp_path / "out.json").read_text())
    assert list(schema.problems(profile, json.loads((PROGRAMS / "profile.schema.json").read_text()))) == []
    assert profile["latencies_ns"] and profile["nodes"] == [] and profile["peaks"] is None
    # A step that the chip does not run has no time, and takes none away from the others.
    assert [bool(step["latencies_ns"]) for step in profile["steps"]] == [True, False, True]
    memory = profile["memory"]
    grown = {name: (memory[name] - memory["libraries"]) / 2**20 for name in ("load_peak", "loaded", "inference_peak")}
    # 80 MB and their half while it loads, the half of them after that, and 60 MB more while it runs.
    assert grown["load_peak"] == pytest.approx(120, abs=25)
    assert grown["loaded"] == pytest.approx(40, abs=25)
    assert grown["inference_peak"] == pytest.approx(100, abs=25)
    assert "trace" not in output and "time by operator" not in output and "after each pass" in output


def test_what_does_not_run_is_one_line(tmp_path: Path) -> None:
    good, broken = model(tmp_path / "1", ("plain.import",)), model(tmp_path / "2", ("plain.import", "p.x"), broken=True)
    status, output = run(tmp_path, [good], target="moon")
    assert status == 1
    assert output.startswith("lepton: hardware moon in //m:x.profile: this machine (") and "has no cuda" in output
    for program in ("profile", "monitor"):
        status, output = run(tmp_path, [broken], *(["--port=0"] if program == "monitor" else []), program=program)
        assert status == 1
        assert "lepton: model in //m:x.profile: its format is unknown to the chip. Build it for this chip.\n" in output


def test_monitor_without_a_profiler(tmp_path: Path) -> None:
    status, output = run(
        tmp_path, [model(tmp_path / "1", ("plain.import",))], "--port=0", "--seconds=0.3", program="monitor"
    )
    assert status == 0, output
    assert output.startswith("metrics: http://127.0.0.1:")
