"""What a test of the example measured is read, kept and shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lepton_rules
from lepton_rules.tools.history import store
from lepton_rules.tools.history.main import main

ROOT = Path(lepton_rules.__file__).parent.parent
MEASUREMENT = ROOT / "models" / "resnet" / "resnet_int8_cpu_size_test.measurement.json"


def test_a_real_measurement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "models" / "x" / "test.outputs" / "measurement.json"
    place.parent.mkdir(parents=True)
    place.write_bytes(MEASUREMENT.read_bytes())
    file = tmp_path / "history.jsonl"
    assert main(["collect", str(tmp_path), "--file", str(file), "--commit", "abc"]) == 0
    (made,) = store.read(file)
    content = json.loads(MEASUREMENT.read_text())
    assert made.measurement["artifact"] == content["artifact"]
    assert made.measurement["budgets"] == content["budgets"]
    assert main(["changes", "--file", str(file)]) == 0
    assert main(["plot", "--file", str(file)]) == 0
    assert "max_size_ratio" in capsys.readouterr().out
