"""The importer of torch.export archives: what is a graph of tensors comes in, and what could run is refused."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from lepton_plugin_torch.memory import load_exported, save_exported
from networks import directory_of, exported_from, importing_archive
from onnx.reference import ReferenceEvaluator
from torch import nn

from lepton_rules.plugin import LeptonError, TensorSpec


class Net(nn.Module):
    """A convolution, a normalization, a buffer, a constant, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self._norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 3)
        self.scale: torch.Tensor
        self.register_buffer("scale", torch.tensor([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        offset = torch.tensor([0.5, 1.5, 2.5]).to(x.dtype)
        hidden = torch.relu(self._norm(self.conv(x)) * self.scale).mean((2, 3))
        logits: torch.Tensor = self.head(hidden) + offset
        return logits


def save(module: nn.Module, path: Path, *inputs: torch.Tensor, free: bool = True) -> Path:
    dims = tuple({0: torch.export.Dim("n")} if free else None for _ in inputs)
    torch.export.save(torch.export.export(module.eval(), inputs, dynamic_shapes=dims), path)
    return path


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(4)
    return save(Net(), tmp_path_factory.mktemp("archive") / "net.pt2", torch.zeros(2, 1, 8, 8))


def test_it_computes_what_torch_computes(archive: Path, tmp_path: Path) -> None:
    facts = importing_archive(archive, tmp_path / "model", outputs=("logits",))
    assert facts.inputs == (TensorSpec("x", "float32", ("batch", 1, 8, 8)),)
    assert facts.outputs == (TensorSpec("logits", "float32", ("batch", 3)),)
    assert facts.parameters == 40 + 8 + 15 and facts.macs == 64 * 36 + 12
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["program.json", "weights.safetensors"]
    model = directory_of(tmp_path / "model", facts)
    assert exported_from(model, tmp_path / "onnx", exporter="torch_export_to_onnx").macs == facts.macs
    torch.manual_seed(4)
    x = torch.randn(5, 1, 8, 8)
    torch.manual_seed(4)
    with torch.no_grad():
        expected = Net().eval()(x).numpy()
    graph = onnx.load(tmp_path / "onnx/model.onnx")
    assert graph.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    found: Any
    (found,) = ReferenceEvaluator(graph).run(["logits"], {"x": x.numpy()})
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_nothing_of_where_it_was_made_is_kept(archive: Path, tmp_path: Path) -> None:
    importing_archive(archive, tmp_path / "model")
    text = (tmp_path / "model/program.json").read_text()
    for trace in ("stack_trace", "nn_module_stack", "test_export_archive", "site-packages", str(Path.home())):
        assert trace not in text
    assert str(Path(__file__).parent).encode() in archive.read_bytes()


def test_same_program_same_bytes(archive: Path, tmp_path: Path) -> None:
    """Two saves of a program differ in an identity that the archive holds, and in paths; the models do not."""
    torch.manual_seed(4)
    again = save(Net(), tmp_path / "again.pt2", torch.zeros(2, 1, 8, 8))
    importing_archive(archive, tmp_path / "a")
    importing_archive(again, tmp_path / "b")
    for name in ("program.json", "weights.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_programs_in_memory(tmp_path: Path) -> None:
    """From Python a program becomes the importer's file, and a model becomes a module."""
    torch.manual_seed(4)
    program = torch.export.export(Net().eval(), (torch.ones(2, 1, 8, 8),))
    (path,) = save_exported(program, tmp_path, {}).sources
    facts = importing_archive(path, tmp_path / "model")
    with torch.no_grad():
        found = load_exported(directory_of(tmp_path / "model", facts))(torch.ones(2, 1, 8, 8))
        torch.testing.assert_close(found, program.module()(torch.ones(2, 1, 8, 8)))


def test_fixed_shapes_and_several_tensors(tmp_path: Path) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(6, 2)

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.head(a) + b, b > 0

    path = save(Two(), tmp_path / "two.pt2", torch.zeros(3, 6), torch.zeros(3, 2), free=False)
    facts = importing_archive(path, tmp_path / "model", outputs=("sum", "positive"))
    assert [spec.shape for spec in facts.inputs] == [(3, 6), (3, 2)]
    assert facts.outputs == (TensorSpec("sum", "float32", (3, 2)), TensorSpec("positive", "bool", (3, 2)))
    exported_from(directory_of(tmp_path / "model", facts), tmp_path / "onnx", exporter="torch_export_to_onnx")


# --- Refusals ---

Members = dict[str, bytes]
PROGRAM = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"


def refused(path: Path, tmp_path: Path) -> str:
    with pytest.raises(LeptonError) as caught:
        importing_archive(path, tmp_path / "model")
    message = str(caught.value)
    assert message.startswith("lepton: ") and "\n" not in message
    assert not list((tmp_path / "model").iterdir())
    return message


def rewritten(archive: Path, target: Path, change: Callable[[Members], object]) -> Path:
    with zipfile.ZipFile(archive) as source:
        root = source.namelist()[0].partition("/")[0]
        members = {name.partition("/")[2]: source.read(name) for name in source.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as written:
        for name, data in members.items():
            written.writestr(f"{root}/{name}", data)
    return target


def program(change: Callable[[Any], object]) -> Callable[[Members], None]:
    def apply(members: Members) -> None:
        value = json.loads(members[PROGRAM])
        change(value)
        members[PROGRAM] = json.dumps(value).encode()

    return apply


def weight(change: Callable[[Any], object]) -> Callable[[Members], None]:
    def apply(members: Members) -> None:
        value = json.loads(members[WEIGHTS])
        change(value["config"]["conv.weight"])
        members[WEIGHTS] = json.dumps(value).encode()

    return apply


def operator(name: str) -> Callable[[Members], None]:
    return program(lambda value: value["graph_module"]["graph"]["nodes"][0].update(target=name))


def renamed(value: Any, old: str, new: str) -> Any:
    """The whole program with one name in place of another, so that it stays consistent."""
    if isinstance(value, dict):
        return {renamed(k, old, new): renamed(v, old, new) for k, v in value.items()}
    if isinstance(value, list):
        return [renamed(entry, old, new) for entry in value]
    return new if value == old else value


def name_of_input(new: str) -> Callable[[Members], None]:
    def apply(members: Members) -> None:
        members[PROGRAM] = json.dumps(renamed(json.loads(members[PROGRAM]), "x", new)).encode()

    return apply


def expression(text: str) -> Callable[[Members], None]:
    def apply(members: Members) -> None:
        changed = json.loads(members[PROGRAM], object_hook=lambda d: d | {"expr_str": text} if "expr_str" in d else d)
        members[PROGRAM] = json.dumps(changed).encode()

    return apply


def tree(**fields: Any) -> Callable[[Members], None]:
    def change(value: Any) -> None:
        signature = value["graph_module"]["module_call_graph"][0]["signature"]
        spec = json.loads(signature["in_spec"])
        spec[1].update(fields)
        signature["in_spec"] = json.dumps(spec)

    return program(change)


class Bomb:
    def __reduce__(self) -> Any:
        return (Path("/tmp/lepton_export_bomb").touch, ())


PLANTED = "__import__('pathlib').Path('/tmp/lepton_export_bomb').touch()"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (operator("os.system"), "it calls 'os.system'"),
        (operator("torch.os.system"), "it calls 'torch.os.system'"),
        (operator("torch.ops.aten.__class__.mro"), "it calls"),
        (operator("torch.ops.aten.from_file.default"), "it calls"),
        (operator("torch.ops.aten.nothing.default"), "it calls"),
        (operator("torch.ops.aten.relu.nothing"), "it calls"),
        (operator("torch.ops.mine.relu.default"), "it calls"),
        (operator("torch.ops.higher_order.cond"), "it calls"),
        (operator("_operator.attrgetter"), "it calls"),
        (expression(PLANTED), "it has the expression"),
        (expression("s77.__class__"), "it has the expression"),
        (expression("2**99999999"), "it has the expression"),
        (expression("Symbol('x')"), "it has the expression"),
        (expression("(" * 900 + "s77" + ")" * 900), "it has the expression"),
        (expression("lambda: s77"), "it has the expression"),
        (name_of_input(f"x={PLANTED}"), "it has the name"),
        (name_of_input("__import__"), "it has the name"),
        (name_of_input("x\n    pass"), "it has the name"),
        (name_of_input("lambda"), "torch cannot read it"),
        (tree(type="collections.defaultdict", context='{"default_factory_module": "this"}'), "accepted are tuples"),
        (tree(type="mine.Container"), "accepted are tuples"),
        (tree(children_spec="x"), "no known containers"),
        (program(lambda v: v.pop("graph_module")), "none of torch.export"),
        (program(lambda v: v["graph_module"].pop("graph")), "not as torch writes it"),
        (program(lambda v: v["graph_module"]["graph"].update(nodes=7)), "not as torch writes it"),
        (
            program(
                lambda v: v["graph_module"]["graph"]["nodes"][0]["inputs"][0].update(arg={"as_graph": {"name": "g"}})
            ),
            "a graph inside a graph",
        ),
        (
            program(
                lambda v: v["graph_module"]["graph"]["nodes"][0]["inputs"][0].update(arg={"as_operator": "os.system"})
            ),
            "an operator as an argument",
        ),
        (lambda m: m.update({PROGRAM: b"[" * 100_000}), "no JSON"),
        (lambda m: m.update({PROGRAM: b'{"graph_module": {"x": NaN}}'}), "no JSON"),
        (lambda m: m.update({PROGRAM: b"\xff\xfe"}), "no JSON"),
        (lambda m: m.pop(PROGRAM), "0 programs"),
        (lambda m: m.update({"models/other.json": m[PROGRAM]}), "2 programs"),
        (lambda m: m.update(archive_format=b"zip"), "torch.export.save did not write"),
        (lambda m: m.pop("archive_format"), "torch.export.save did not write"),
        (lambda m: m.update(byteorder=b"big"), "not little-endian"),
        (lambda m: m.update({"data/aotinductor/model/a.so": b"\x7fELF"}), "neither a graph nor a plain tensor"),
        (lambda m: m.update({"data/constants/custom_obj_0": b"x"}), "neither a graph nor a plain tensor"),
        (lambda m: m.pop(WEIGHTS), "it has no data/weights"),
        (lambda m: m.update({WEIGHTS: b"[]"}), "not as torch writes it"),
        (weight(lambda w: w.update(use_pickle=True)), "is pickled"),
        (weight(lambda w: w.update(path_name="../x")), "no bytes"),
        (weight(lambda w: w.pop("tensor_meta")), "not described"),
        (weight(lambda w: w["tensor_meta"].update(dtype=99)), "not dense"),
        (weight(lambda w: w["tensor_meta"].update(layout=1)), "not dense"),
        (weight(lambda w: w["tensor_meta"]["sizes"][0].update(as_int=1 << 40)), "has 144 bytes"),
        (weight(lambda w: w["tensor_meta"]["sizes"][0].update(as_int=-1)), "not described"),
        (weight(lambda w: w["tensor_meta"]["storage_offset"].update(as_int=1)), "has 144 bytes"),
        (weight(lambda w: w["tensor_meta"].update(strides=[{"as_int": 0}] * 4)), ""),
        (lambda m: m.update({"data/weights/weight_0": b"123"}), "has 3 bytes"),
        (lambda m: m.update({"code/x.py": b"x"}), "TorchScript"),
    ],
)
def test_what_could_run_or_is_forged(
    change: Callable[[Members], object], why: str, archive: Path, tmp_path: Path
) -> None:
    bomb = Path("/tmp/lepton_export_bomb")
    bomb.unlink(missing_ok=True)
    path = rewritten(archive, tmp_path / "net.pt2", change)
    if why:
        assert why in refused(path, tmp_path)
    else:  # Odd, and a tensor all the same: one value in each place.
        importing_archive(path, tmp_path / "model")
    assert not bomb.exists()


def test_pickled_inputs_are_never_read(archive: Path, tmp_path: Path) -> None:
    bomb = Path("/tmp/lepton_export_bomb")
    bomb.unlink(missing_ok=True)
    path = rewritten(
        archive, tmp_path / "n.pt2", lambda m: m.update({"data/sample_inputs/model.pt": pickle.dumps(Bomb())})
    )
    importing_archive(path, tmp_path / "model")
    assert not bomb.exists()


def test_guards_are_dropped(archive: Path, tmp_path: Path) -> None:
    path = rewritten(archive, tmp_path / "n.pt2", program(lambda value: value.update(guards_code=[PLANTED])))
    facts = importing_archive(path, tmp_path / "model")
    exported_from(directory_of(tmp_path / "model", facts), tmp_path / "onnx", exporter="torch_export_to_onnx")
    assert not Path("/tmp/lepton_export_bomb").exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no torch.export archive but"),
        (b"version https://git-lfs.github.com/spec/v1\n", "no torch.export archive but"),
        (b"<!DOCTYPE html>", "no torch.export archive but"),
        (pickle.dumps(Bomb()), "no torch.export archive but"),
        (b"PK\x03\x04" + bytes(100), "zip archive"),
    ],
)
def test_another_kind_of_file(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "model.pt2").write_bytes(content)
    assert why in refused(tmp_path / "model.pt2", tmp_path)


def test_checkpoints_and_truncated_archives(archive: Path, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(Net().state_dict(), buffer)
    (tmp_path / "a.pt2").write_bytes(buffer.getvalue())
    assert "a checkpoint of torch.save" in refused(tmp_path / "a.pt2", tmp_path)
    (tmp_path / "model").rmdir()
    (tmp_path / "b.pt2").write_bytes(archive.read_bytes()[:-100])
    assert "does not end where the file ends" in refused(tmp_path / "b.pt2", tmp_path)


def test_a_stored_program_is_checked_again(archive: Path, tmp_path: Path) -> None:
    facts = importing_archive(archive, tmp_path / "model")
    stored = json.loads((tmp_path / "model/program.json").read_text())
    stored["program"]["graph_module"]["graph"]["nodes"][0]["target"] = "os.system"
    (tmp_path / "model/program.json").write_text(json.dumps(stored))
    with pytest.raises(LeptonError, match=r"it calls 'os\.system'"):
        exported_from(directory_of(tmp_path / "model", facts), tmp_path / "onnx", exporter="torch_export_to_onnx")
