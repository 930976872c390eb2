"""The importer: sources and weights become a model, or are refused with a message that names what is wrong."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from networks import CONVNET, LAYERS, MACS, PARAMETERS, Files, Net, convnet, importing, weights_of, write_files
from safetensors.torch import load, save_file

from lepton_rules.plugin import LeptonError, TensorSpec


def weights_in(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, in memory of their own: `load_file` maps the file, which some tests overwrite."""
    return load(path.read_bytes())


def refused(files: Files, tmp_path: Path, **options: Any) -> str:
    with pytest.raises(LeptonError) as caught:
        importing(files, tmp_path / "model", **options)
    message = str(caught.value)
    assert message.startswith("lepton: ") and "\n" not in message
    return message


def test_model(tmp_path: Path) -> None:
    files = convnet(tmp_path)
    facts = importing(files, tmp_path / "model", outputs=("logits",))
    assert facts.inputs == (TensorSpec("x", "float32", ("batch", 1, 8, 8)),)
    assert facts.outputs == (TensorSpec("logits", "float32", ("batch", 3)),)
    assert (facts.parameters, facts.macs) == (PARAMETERS, MACS)
    written = {str(p.relative_to(tmp_path / "model")) for p in (tmp_path / "model").rglob("*") if p.is_file()}
    assert written == {"program.json", "program/net.py", "program/layers.py", "weights.safetensors"}
    assert (tmp_path / "model/program/net.py").read_text() == CONVNET
    assert json.loads((tmp_path / "model/program.json").read_text()) == {
        "factory": "net:Net",
        "kwargs": {},
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", 1, 8, 8]}],
        "outputs": ["logits"],
    }
    assert weights_in(tmp_path / "model/weights.safetensors").keys() == weights_in(files.weights).keys()


def test_factory_with_arguments(tmp_path: Path) -> None:
    files = convnet(tmp_path)
    assert importing(files, tmp_path / "a", factory="net:make", kwargs='{"width": 4, "classes": 3}') == importing(
        files, tmp_path / "b"
    )
    assert json.loads((tmp_path / "a/program.json").read_text())["kwargs"] == {"classes": 3, "width": 4}


def test_leaves_no_trace(tmp_path: Path) -> None:
    """A second model with modules of the same names must get its own."""
    before = set(sys.path), {name for name in sys.modules if name in ("net", "layers")}
    importing(convnet(tmp_path), tmp_path / "model")
    assert before == (set(sys.path), {name for name in sys.modules if name in ("net", "layers")})
    other = write_files(
        tmp_path / "other",
        {"net.py": "from torch import nn\nclass Net(nn.Linear):\n    def __init__(self): super().__init__(64, 2)\n"},
        weights_of(torch.nn.Linear(64, 2)),
    )
    facts = importing(other, tmp_path / "model2", inputs=("x:float32:n,64",))
    assert facts.outputs == (TensorSpec("output", "float32", ("n", 2)),) and facts.macs == 128


def test_weights_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    files = convnet(tmp_path)
    importing(files, tmp_path / "a")
    weights = weights_in(files.weights)
    save_file(dict(reversed(weights.items())), files.weights, metadata={"format": "pt", "more": "x"})
    importing(files, tmp_path / "b")
    assert (tmp_path / "a/weights.safetensors").read_bytes() == (tmp_path / "b/weights.safetensors").read_bytes()


def test_sources_keep_the_names_that_they_are_imported_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A py_library of the same package may be imported from the repository's root and from the package."""
    net = CONVNET.replace("from layers", "from models.layers")
    files = write_files(
        tmp_path, {"models/net.py": net, "models/layers.py": LAYERS, "models/data.txt": "x"}, weights_of(Net())
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path / "src/models"), str(tmp_path / "src"), *sys.path])
    importing(files, tmp_path / "model")
    importing(files, tmp_path / "model", factory="models.net:Net")
    program = tmp_path / "model/program"
    assert sorted(str(p.relative_to(program)) for p in program.rglob("*") if p.is_file()) == [
        "data.txt", "layers.py", "models/data.txt", "models/layers.py", "models/net.py", "net.py",
    ]  # fmt: skip


def test_outputs_and_dimensions(tmp_path: Path) -> None:
    source = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(10, 6)
    def forward(self, tokens, mask):
        x = self.table(tokens) * mask[..., None]
        return {"hidden": x, "pooled": x.mean(1), "flat": x.flatten(1), "fixed": x.sum((0, 1))}
"""
    module = torch.nn.ModuleDict({"table": torch.nn.Embedding(10, 6)})
    files = write_files(tmp_path, {"net.py": source}, weights_of(module))
    facts = importing(files, tmp_path / "model", inputs=("tokens:int64:batch,length", "mask:bool:batch,length"))
    assert facts.outputs == (
        TensorSpec("hidden", "float32", ("batch", "length", 6)),
        TensorSpec("pooled", "float32", ("batch", 6)),
        TensorSpec("flat", "float32", ("batch", "flat_1")),
        TensorSpec("fixed", "float32", (6,)),
    )
    assert facts.macs is None  # it depends on the length
    assert facts.parameters == 60


def test_macs_are_for_one_sample_of_a_fixed_batch(tmp_path: Path) -> None:
    facts = importing(convnet(tmp_path), tmp_path / "model", inputs=("x:float32:5,1,8,8",))
    assert facts.macs == MACS and facts.outputs[0].shape == (5, 3)


def test_tied_weights_count_once(tmp_path: Path) -> None:
    source = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(4, 4, bias=False)
        self.b = torch.nn.Linear(4, 4, bias=False)
        self.b.weight = self.a.weight
    def forward(self, x):
        return self.b(self.a(x))
"""
    weight = torch.rand(4, 4)
    files = write_files(tmp_path, {"net.py": source}, {"a.weight": weight, "b.weight": weight.clone()})
    assert importing(files, tmp_path / "model", inputs=("x:float32:n,4",)).parameters == 16


# --- Refusals ---


def changed(files: Files, change: Any) -> Files:
    weights = weights_in(files.weights)
    change(weights)
    save_file(weights, files.weights)
    return files


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda w: w.pop("head.bias"), "they lack head.bias"),
        (lambda w: w.update(extra=torch.zeros(1)), "they have extra"),
        (
            lambda w: w.update({"head.bias": torch.zeros(4)}),
            "'head.bias' is float32[4], in the module it is float32[3]",
        ),
        (lambda w: w.update({"head.bias": torch.zeros(3).half()}), "'head.bias' is float16[3]"),
        (lambda w: w["head.weight"].fill_(float("nan")), "'head.weight' has NaN"),
        (lambda w: w["conv.weight"].fill_(float("inf")), "'conv.weight' has NaN or infinite"),
    ],
    ids=["missing", "unknown", "shape", "dtype", "nan", "infinity"],
)
def test_weights_of_another_module(change: Any, why: str, tmp_path: Path) -> None:
    assert why in refused(changed(convnet(tmp_path), change), tmp_path)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"factory": "net"}, "not module:attribute"),
        ({"factory": "nett:Net"}, "no module 'nett' among srcs"),
        ({"factory": "net.inner:Net"}, "no module 'net.inner' among srcs"),
        ({"factory": "net:Nett"}, "Did you mean 'Net'"),
        ({"factory": "torch:nn"}, "one of the environment's"),
        ({"factory": "net:torch.zeros"}, "raises TypeError"),
        ({"factory": "net:make", "kwargs": '{"width": "wide"}'}, "raises"),
        ({"factory": "net:make", "kwargs": '{"depth": 3}'}, "depth"),
        ({"kwargs": '{"width": 5}'}, "in the module it is"),
        ({"kwargs": "[1]"}, "JSON list"),
        ({"kwargs": "{"}, "not JSON"),
        ({"inputs": ()}, "there is none"),
        ({"inputs": ("x:float32",)}, "2 parts"),
        ({"inputs": ("x:float33:n,1,8,8",)}, "Did you mean 'float32'"),
        ({"inputs": ("x y:float32:n,1,8,8",)}, "no name"),
        ({"inputs": ("x:float32:n,0,8,8",)}, "from 1 to"),
        ({"inputs": ("x:float32:n,-1,8,8",)}, "neither a length nor a name"),
        ({"inputs": ("x:float32:n,99999999999999999999,8,8",)}, "from 1 to"),
        ({"inputs": ("x:float32:n,1,8,8", "x:float32:n,1,8,8")}, "two are named 'x'"),
        ({"inputs": ("x:float32:n,1,8,8", "y:float32:n")}, "forward fails on"),
        ({"inputs": ("x:float32:n,2,8,8",)}, "forward fails on"),
        ({"inputs": ("x:int64:n,1,8,8",)}, "forward fails on"),
        ({"outputs": ("a", "b")}, "forward gives 1, and 2 are named"),
    ],
    ids=str,
)
def test_bad_configuration(config: dict[str, Any], why: str, tmp_path: Path) -> None:
    assert why in refused(convnet(tmp_path), tmp_path, **config)


def test_source_missing(tmp_path: Path) -> None:
    files = convnet(tmp_path)
    assert "'layers', which is neither in srcs" in refused(Files(files.sources[:1], files.weights), tmp_path)
    assert "no Python source" in refused(Files((), files.weights), tmp_path)


def test_two_sources_of_one_name(tmp_path: Path) -> None:
    files = convnet(tmp_path)
    other = write_files(tmp_path / "other", {"net.py": "x = 1"}, {"a": torch.zeros(1)})
    assert "two files are both imported as net.py" in refused(
        Files((*files.sources, *other.sources), files.weights), tmp_path
    )


def test_no_module_comes_out(tmp_path: Path) -> None:
    files = write_files(tmp_path / "a", {"net.py": "def Net(): return 3"}, {"a": torch.zeros(1)})
    assert "it gives a int" in refused(files, tmp_path / "a")
    source = "import torch\nclass Net(torch.nn.Identity):\n    def forward(self, x): return 'x'"
    files = write_files(tmp_path / "b", {"net.py": source}, {})
    assert "forward gives a str" in refused(files, tmp_path / "b")


# --- Code in the weights ---


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_code_in_the_weights_is_refused(tmp_path: Path) -> None:
    files = convnet(tmp_path)
    torch.save(weights_in(files.weights), tmp_path / "weights.safetensors")
    assert "lepton_checkpoint(src" in refused(files, tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(pickle.dumps({"x": Evil(tmp_path / "canary")}))
    assert "a pickle" in refused(files, tmp_path)
    assert not (tmp_path / "canary").exists()


def test_code_in_the_weights_runs_where_the_target_allows_it(tmp_path: Path) -> None:
    files = convnet(tmp_path)
    expected = importing(files, tmp_path / "model")
    weights = weights_in(files.weights)
    torch.save({**weights, "head.bias": torch.nn.Parameter(weights["head.bias"])}, tmp_path / "weights.pt")
    pickled = Files(files.sources, tmp_path / "weights.pt")
    assert importing(pickled, tmp_path / "model2", allow_code=True) == expected
    assert (tmp_path / "model/weights.safetensors").read_bytes() == (
        tmp_path / "model2/weights.safetensors"
    ).read_bytes()
    torch.save({"x": Evil(tmp_path / "canary")}, tmp_path / "weights.pt")
    refused(pickled, tmp_path, allow_code=True)
    assert (tmp_path / "canary").exists()
