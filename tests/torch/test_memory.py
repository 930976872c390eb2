"""PyTorch modules in memory, through the Python functions of lepton_rules.api."""

from __future__ import annotations

from pathlib import Path

import pytest
import scale
import torch
from safetensors.torch import save_file

import lepton_rules
import lepton_rules.api as lepton
from lepton_rules.plugin import LeptonError

TORCH = Path(lepton_rules.__file__).parent.parent / "plugins" / "torch"
INPUTS = ["image:float32:batch,1,4,4"]


@pytest.fixture(scope="module", autouse=True)
def plugin() -> None:
    lepton.use("torch", TORCH)


def test_a_module_becomes_a_model_and_a_module_again(tmp_path: Path) -> None:
    module = scale.Scale()
    with torch.no_grad():
        module.weight.fill_(5.0)
    held = lepton.model(module, inputs=INPUTS)
    assert held.manifest["steps"][0]["config"]["factory"] == "scale:Scale"
    again = held.load()
    image = torch.ones(2, 1, 4, 4)
    assert torch.equal(again(image), image * 5)
    # The same as from its files.
    save_file(module.state_dict(), tmp_path / "weights.safetensors")
    by_files = lepton.model(
        importer="torch.pytorch",
        sources=[scale.__file__],
        weights=[tmp_path / "weights.safetensors"],
        roots=[Path(__file__).parent],
        factory="scale:Scale",
        inputs=INPUTS,
    )
    assert by_files.manifest == held.manifest


def test_what_the_importer_must_be_told_is_asked_for() -> None:
    with pytest.raises(LeptonError, match="'inputs' is missing"):
        lepton.model(scale.Scale())


def test_a_class_that_is_in_no_file_is_refused() -> None:
    class Local(torch.nn.Module):
        pass

    made: dict[str, type] = {}
    exec("import torch\nclass Cell(torch.nn.Module):\n    pass", made)
    for module in (Local(), made["Cell"]()):
        with pytest.raises(LeptonError, match="its class is not at the top of a file"):
            lepton.model(module, inputs=INPUTS)
