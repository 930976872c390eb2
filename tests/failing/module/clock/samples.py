"""The text that the contract of rival and clock is tried on."""

from pathlib import Path

from lepton_rules.plugin import ModelFacts, TensorSpec
from lepton_rules.plugin.contract import SampleModel, Samples


def write(directory: Path) -> Samples:
    model = directory / "model"
    model.mkdir()
    (model / "text.txt").write_text("a text", encoding="utf-8")
    facts = ModelFacts(
        inputs=(TensorSpec("x", "float32", ("batch", 2)),),
        outputs=(TensorSpec("y", "float32", ("batch", 2)),),
        parameters=6,
        macs=None,
    )
    return Samples(models={"text": SampleModel(path=model, facts=facts)})
