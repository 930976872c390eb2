"""What the author of lepton-plugin-pocket runs, in an environment that has the two distributions and pytest."""

from __future__ import annotations

from pathlib import Path

from lepton_rules.plugin import ModelFacts
from lepton_rules.plugin.contract import SampleModel, Samples
from lepton_rules.plugin.contract.pytest_suite import PluginContract


def write(directory: Path) -> Samples:
    model = directory / "model"
    model.mkdir()
    (model / "model.txt").write_text("one long line of text\nshort\n", "utf-8")
    facts = ModelFacts(inputs=(), outputs=(), parameters=2, macs=None)
    return Samples(models={"text": SampleModel(path=model, facts=facts)}, refused={"passes.shorten": [{"width": 0}]})


class TestPocket(PluginContract):
    """The plugin is found by its entry point."""

    plugin = "pocket"
    samples = "pocket_contract_test:write"
