"""The exporter: the graph computes what the module does, has one spelling, and tells nothing of where it was made."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from networks import (
    CONVNET,
    LAYERS,
    MACS,
    PARAMETERS,
    Files,
    Net,
    convnet,
    directory_of,
    exported_from,
    importing,
    weights_of,
    write_files,
)
from onnx.reference import ReferenceEvaluator
from safetensors.torch import load_file

from lepton_rules.plugin import LeptonError, ModelFacts, TensorSpec


def exporting(files: Files, directory: Path, config: dict[str, Any] | None = None, **options: Any) -> ModelFacts:
    """Imports and exports; the graph is `directory`/onnx/model.onnx."""
    facts = importing(files, directory / "model", **options)
    return exported_from(directory_of(directory / "model", facts), directory / "onnx", config)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("exported")
    facts = exporting(convnet(directory), directory, outputs=("logits",))
    assert facts.inputs == (TensorSpec("x", "float32", ("batch", 1, 8, 8)),)
    assert facts.outputs == (TensorSpec("logits", "float32", ("batch", 3)),)
    assert (facts.parameters, facts.macs) == (PARAMETERS, MACS)
    return directory


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_computes_what_torch_computes(exported: Path, batch: int) -> None:
    module = Net()
    module.load_state_dict(load_file(exported / "weights.safetensors"))
    x = torch.randn(batch, 1, 8, 8, generator=torch.Generator().manual_seed(batch))
    with torch.no_grad():
        expected = module.eval()(x).numpy()
    found: Any
    (found,) = ReferenceEvaluator(str(exported / "onnx/model.onnx")).run(None, {"x": x.numpy()})
    assert found.shape == (batch, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_graph_is_valid_and_says_its_signature(exported: Path) -> None:
    model = onnx.load(exported / "onnx/model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 20)]
    assert [value.name for value in model.graph.input] == ["x"]
    assert [value.name for value in model.graph.output] == ["logits"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    names = [tensor.name for tensor in model.graph.initializer]
    assert names == sorted(names) and all(tensor.HasField("raw_data") for tensor in model.graph.initializer)


def test_the_file_tells_nothing_of_its_making(exported: Path) -> None:
    data = (exported / "onnx/model.onnx").read_bytes()
    model = onnx.load_from_string(data)
    assert not (model.producer_name or model.producer_version or model.doc_string or model.metadata_props)
    for node in model.graph.node:
        assert not (node.doc_string or node.metadata_props)
    for trace in (b"net.py", b"site-packages", b"pytorch", b"Traceback", str(exported).encode(), b"pkg.torch"):
        assert trace not in data


CHILD = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from networks import convnet
from test_export import exporting
exporting(convnet(Path(sys.argv[1])), Path(sys.argv[1]), outputs=("logits",))
"""


def test_same_bytes_in_another_process_and_place(exported: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}
    place = tmp_path / "somewhere" / "else"
    place.mkdir(parents=True)
    subprocess.run(
        [sys.executable, "-c", CHILD, str(place), "--", str(Path(__file__).parent), *sys.path],
        env=environment,
        cwd=tmp_path,
        check=True,
    )
    for name in ("model/weights.safetensors", "model/program.json", "onnx/model.onnx"):
        assert (place / name).read_bytes() == (exported / name).read_bytes(), name


def test_same_bytes_twice_in_one_process(exported: Path, tmp_path: Path) -> None:
    exporting(convnet(tmp_path), tmp_path, outputs=("logits",))
    assert (tmp_path / "onnx/model.onnx").read_bytes() == (exported / "onnx/model.onnx").read_bytes()


@pytest.mark.parametrize("opset", [18, 23])
def test_opset(opset: int, tmp_path: Path) -> None:
    exporting(convnet(tmp_path), tmp_path, {"opset": opset})
    model = onnx.load(tmp_path / "onnx/model.onnx")
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]


def small(tmp_path: Path, forward: str, more: str = "") -> Files:
    """A module with one linear layer, `self.head` from 8 to 3, and this forward pass."""
    source = f"""
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(8, 3)
    def forward(self, x{more}):
        {forward}
"""
    module = torch.nn.ModuleDict({"head": torch.nn.Linear(8, 3)})
    return write_files(tmp_path, {"net.py": source}, weights_of(module))


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    files = small(tmp_path, "return self.head(x), self.head(x) * weight[:, None], weight > 0", ", weight")
    facts = exporting(
        files,
        tmp_path,
        inputs=("x:float32:n,8", "weight:float32:n"),
        outputs=("raw", "weighted", "positive"),
    )
    assert facts.outputs == (
        TensorSpec("raw", "float32", ("n", 3)),
        TensorSpec("weighted", "float32", ("n", 3)),
        TensorSpec("positive", "bool", ("n",)),
    )


@pytest.mark.parametrize(
    ("forward", "why"),
    [
        ("return self.head(x) + torch.randn(3)", "differs from torch's"),
        ("return self.head(x) if x.sum() > 0 else self.head(-x)", "torch cannot express the module"),
        ("return self.head(x) * (2.0 if x.shape[0] == 2 else 3.0)", ""),
    ],
    ids=["random", "a branch on the data", "a branch on the batch"],
)
def test_what_the_graph_cannot_say_fails(forward: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(LeptonError) as caught:
        exporting(small(tmp_path, forward), tmp_path, inputs=("x:float32:n,8",))
    message = str(caught.value)
    assert why in message and message.startswith("lepton: ONNX export: ") and "\n" not in message
    assert not (tmp_path / "onnx/model.onnx").exists()


def test_tolerance(tmp_path: Path) -> None:
    """Nothing is as exact as this."""
    with pytest.raises(LeptonError, match="differs from torch's by"):
        exporting(convnet(tmp_path), tmp_path, {"tolerance": 0.0})


def test_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    exporting(small(tmp_path, "return self.head(x)"), tmp_path, inputs=("x:float32:n,8",))
    out, err = capfd.readouterr()
    assert not re.sub(r"\s", "", out + err)


def test_an_output_may_be_called_as_an_inner_value(tmp_path: Path) -> None:
    """torch names inner values after its operators: a module that ends in others has a value `linear` of its own."""
    source = CONVNET.replace("return self.head(", "return -self.head(")
    files = write_files(tmp_path, {"net.py": source, "layers.py": LAYERS}, weights_of(Net()))
    exporting(files, tmp_path, outputs=("linear",))
    model = onnx.load(tmp_path / "onnx" / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [value.name for value in model.graph.output] == ["linear"]
