"""Small models, datasets and identities on disk for the tests of the gates."""

import json
from pathlib import Path
from typing import Any

import numpy

from lepton_rules import manifest
from lepton_rules.plugin import HardwareFacts, ModelFacts, NoConfig, TensorSpec
from lepton_rules.worker import isa

PLUGIN_ROOT = Path(__file__).parent / "plugin"


def make_model(
    directory: Path,
    rounds: int = 1,
    fault: str = "",
    batch: int | str = "batch",
    target: str | None = "here",
    padding: int = 0,
    input_width: int = 64,
    macs: int | None = None,
    hold_mb: int = 0,
    load_s: float = 0.0,
) -> tuple[Path, Path]:
    """Writes a model of the plugin `fake`; gives its directory and its manifest.

    Args:
      rounds: how much it computes.
      fault: what goes wrong; see the runtime.
      padding: adds so many bytes to the files.
      macs: what the manifest claims; by default what is true.
      hold_mb: how much memory the runtime holds, and twice that while it loads.
      load_s: how long the runtime takes to load it.
    """
    path = directory / "model"
    path.mkdir(parents=True)
    more = {name: value for name, value in (("hold_mb", hold_mb), ("load_s", load_s)) if value}
    (path / "model.json").write_text(json.dumps({"rounds": rounds, "fault": fault} | more))
    if padding:
        (path / "padding").write_bytes(bytes(padding))
    facts = ModelFacts(
        inputs=(TensorSpec("x", "float32", (batch, input_width)),),
        outputs=(TensorSpec("logits", "float32", (batch, 10)),),
        parameters=4096,
        macs=4096 * rounds if macs is None else macs,
    )
    step = manifest.step(
        component="fake.import", config=NoConfig(), plugin="fake", version="1.0.0", libraries={"numpy": "2"}
    )
    content = manifest.build(
        format="fake",
        facts=facts,
        directory=path,
        step=step,
        hardware=None if target is None else HardwareFacts(target=target, runtime="matmul"),
    )
    manifest.write(content, directory / "manifest.json")
    return path, directory / "manifest.json"


def make_dataset(path: Path, samples: int = 40, **arrays: Any) -> Path:
    """Writes a split whose labels the models of `make_model` get right: the largest of x's first 10 columns."""
    x = numpy.random.default_rng(1).normal(size=(samples, 64)).astype(numpy.float32)
    content = {"x": x, "labels": x[:, :10].argmax(axis=1).astype(numpy.int64)} | arrays
    numpy.savez(path, **{name: array for name, array in content.items() if array is not None})
    return path


def make_identity(path: Path, **changes: Any) -> Path:
    """Writes this machine's identity, or another's."""
    path.write_text(json.dumps({"cpu": isa.cpu_name(), "isa": isa.detect(), "chips": {"cuda": False}} | changes))
    return path
