"""Each loss against numpy, and distillation as a whole: a student learns what the teacher says."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lepton_plugin_torch import losses
from networks import RESIDUAL, imported, module_in, opened, passing, residual, write_samples

from lepton_rules.plugin import DatasetFile, LeptonError, ModelDirectory

Array = np.ndarray[Any, Any]
CHAIN = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 6, 3, padding=1, stride=2)
        self.head = nn.Linear(6, 3)
    def forward(self, x):
        return self.head(torch.relu(self.second(torch.relu(self.first(x)))).mean(dim=(2, 3)))
"""


def draw(*shape: int, seed: int) -> Array:
    return np.random.default_rng(seed).normal(0, 2, shape)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def huber(a: Array, b: Array) -> float:
    d = np.abs(a - b)
    return float(np.mean(np.where(d < 1, 0.5 * d**2, d - 0.5)))


def value(loss: Any, *arrays: Array, **options: float) -> float:
    """The loss in double precision; labels stay integers."""
    return float(loss(*map(torch.from_numpy, arrays), **options))


S, T, LABELS = draw(5, 4, seed=1), draw(5, 4, seed=2), np.array([0, 3, 1, 2, 2])
FEATURES = draw(5, 3, 4, 2, seed=3), draw(5, 7, 4, 2, seed=4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_response_kl(temperature: float) -> None:
    p, q = softmax(T / temperature), softmax(S / temperature)
    expected = temperature**2 * np.mean(np.sum(p * (np.log(p) - np.log(q)), axis=1))
    assert value(losses.response_kl, S, T, temperature=temperature) == pytest.approx(expected, rel=1e-9)
    assert value(losses.response_kl, T, T, temperature=temperature) == pytest.approx(0, abs=1e-12)


def test_response_mse_and_hint() -> None:
    assert value(losses.response_mse, S, T) == pytest.approx(np.mean((S - T) ** 2), rel=1e-12)
    assert value(losses.hint, S, T) == pytest.approx(np.mean((S - T) ** 2), rel=1e-12)


def test_cross_entropy() -> None:
    p = softmax(S)[np.arange(5), LABELS]
    assert value(losses.cross_entropy, S, LABELS) == pytest.approx(-np.log(p).mean(), rel=1e-9)


@pytest.mark.parametrize(("alpha", "gamma"), [(1.0, 0.0), (0.25, 2.0), (0.5, 5.0)])
def test_focal(alpha: float, gamma: float) -> None:
    p = softmax(S)[np.arange(5), LABELS]
    expected = np.mean(-alpha * (1 - p) ** gamma * np.log(p))
    assert value(losses.focal, S, LABELS, alpha=alpha, gamma=gamma) == pytest.approx(expected, rel=1e-9)


def test_attention() -> None:
    maps = []
    for features in FEATURES:
        flat = np.mean(features**2, axis=1).reshape(5, -1)
        maps.append(flat / np.linalg.norm(flat, axis=1, keepdims=True))
    assert value(losses.attention, *FEATURES) == pytest.approx(np.mean((maps[0] - maps[1]) ** 2), rel=1e-9)


def test_relation_distance() -> None:
    potentials = []
    for points in (draw(5, 3, seed=5), draw(5, 8, seed=6)):
        d = np.array([[np.linalg.norm(a - b) for b in points] for a in points])
        potentials.append(d / d[~np.eye(5, dtype=bool)].mean())
    found = value(losses.relation_distance, draw(5, 3, seed=5), draw(5, 8, seed=6))
    assert found == pytest.approx(huber(*potentials), rel=1e-9)


def test_relation_angle() -> None:
    cosines = []
    for points in (draw(4, 3, seed=5), draw(4, 8, seed=6)):
        table = np.zeros((4, 4, 4))
        for i, j, k in itertools.product(range(4), repeat=3):
            a, b = points[j] - points[i], points[k] - points[i]
            if np.any(a) and np.any(b):
                table[i, j, k] = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        cosines.append(table)
    found = value(losses.relation_angle, draw(4, 3, seed=5), draw(4, 8, seed=6))
    assert found == pytest.approx(huber(*cosines), rel=1e-9)


@pytest.mark.parametrize("relation", [losses.relation_distance, losses.relation_angle])
def test_relations_have_gradients_where_samples_coincide(relation: Any) -> None:
    student = torch.zeros(3, 2, requires_grad=True)
    relation(student, torch.randn(3, 2, generator=torch.Generator().manual_seed(1))).backward()
    assert student.grad is not None and torch.isfinite(student.grad).all()


# --- The pass ---


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> ModelDirectory:
    """A residual network that knows the classes: the result of fine-tuning."""
    directory = tmp_path_factory.mktemp("teacher")
    dataset = DatasetFile(write_samples(directory / "samples.npz"))
    config = {"ratio": 0.1, "round_to": 1, "epochs": 12, "batch_size": 8, "learning_rate": 0.05}
    return passing("prune_channels", residual(directory), directory / "teacher", config, train=dataset)


def answers(model: ModelDirectory, x: Array) -> Array:
    with opened(model) as module, torch.no_grad():
        return np.asarray(module(torch.from_numpy(x)).numpy())


COMMON = {"epochs": 20, "batch_size": 8, "learning_rate": 0.02, "optimizer": "adamw"}


@pytest.mark.parametrize(
    "config",
    [
        {"label_weight": 0.0},
        {"label_weight": 0.0, "response": "mse", "response_weight": 1.0},
        {"response_weight": 0.0, "label_weight": 1.0},
        {"response_weight": 0.0, "label_weight": 1.0, "label_loss": "focal", "focal_alpha": 0.5},
        {"mixup": 0.5},
    ],
    ids=str,
)
def test_a_student_learns(config: dict[str, Any], teacher: ModelDirectory, tmp_path: Path) -> None:
    """A student with another architecture in a source of the same name."""
    student = imported(tmp_path, CHAIN, module_in(tmp_path, CHAIN))
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    result = passing("distill", student, tmp_path / "taught", COMMON | config, teacher=teacher, train=dataset)
    found = dataset.arrays()
    wanted = answers(teacher, found["x"]).argmax(1)
    agreement = (answers(result, found["x"]).argmax(1) == wanted).mean()
    notes = result.manifest["notes"]
    assert agreement > 0.75 > (answers(student, found["x"]).argmax(1) == wanted).mean()
    assert notes["agreement_on_train"]["after"] == round(agreement, 6)
    assert notes["before"]["parameters"] == notes["after"]["parameters"] == result.manifest["parameters"]
    assert sorted(path.name for path in result.path.iterdir()) == ["program", "program.json", "weights.safetensors"]


@pytest.mark.parametrize("term", ["hint", "attention", "distance", "angle"])
def test_each_term_alone_is_minimised(term: str, teacher: ModelDirectory, tmp_path: Path) -> None:
    student = passing("prune_channels", teacher, tmp_path / "student", {"ratio": 0.4, "round_to": 1})
    config = {
        **COMMON,
        "response_weight": 0.0,
        "label_weight": 0.0,
        f"{term}_weight": 1.0,
        "features": ["blocks.0", "blocks.1=blocks.1"],
    }
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    result = passing("distill", student, tmp_path / "taught", config, teacher=teacher, train=dataset)
    training = result.manifest["notes"]["training"]
    assert training["first_loss"].keys() == {term}
    assert training["last_loss"][term] < 0.7 * training["first_loss"][term]


def test_weights_scale_their_terms(teacher: ModelDirectory, tmp_path: Path) -> None:
    """The first step's loss, in one batch of all samples, is what numpy says of the pass's input."""
    student = imported(tmp_path, CHAIN, module_in(tmp_path, CHAIN))
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    config = {"epochs": 1, "batch_size": 48, "response_weight": 0.7, "label_weight": 0.2, "temperature": 2.0,
              "distance_weight": 0.5}  # fmt: skip
    result = passing("distill", student, tmp_path / "taught", config, teacher=teacher, train=dataset)
    found = dataset.arrays()
    s, t = (answers(model, found["x"]).astype(np.float64) for model in (student, teacher))
    first = result.manifest["notes"]["training"]["first_loss"]
    assert first["response"] == pytest.approx(0.7 * value(losses.response_kl, s, t, temperature=2.0), rel=1e-4)
    assert first["label"] == pytest.approx(0.2 * value(losses.cross_entropy, s, found["labels"]), rel=1e-4)
    assert first["distance"] == pytest.approx(0.5 * value(losses.relation_distance, s, t), rel=1e-3)


def test_the_teacher_is_an_input_and_stays_as_it_is(teacher: ModelDirectory, tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in teacher.path.rglob("*") if p.is_file()}
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    model = residual(tmp_path)
    results = [
        passing("distill", model, tmp_path / name, {"epochs": 1}, teacher=other, train=dataset)
        for name, other in (("a", teacher), ("b", teacher), ("c", model))
    ]
    weights = [(result.path / "weights.safetensors").read_bytes() for result in results]
    assert weights[0] == weights[1] != weights[2]
    assert before == {p: p.read_bytes() for p in teacher.path.rglob("*") if p.is_file()}
    assert results[0].manifest["notes"]["teacher"] == teacher.manifest["digest"]


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"features": ["blocks.9"], "hint_weight": 1.0}, "the student has no layer 'blocks.9'"),
        ({"features": ["blocks.0=blocks.9"], "hint_weight": 1.0}, "the teacher has no layer 'blocks.9'"),
        ({"features": ["blocks.0=blocks.1"], "hint_weight": 1.0}, "equal heights and widths"),
        ({"hint_weight": 1.0}, "need features"),
        ({"response_weight": 0.0, "label_weight": 0.0}, "every weight is 0"),
        ({"learning_rate": 90.0, "epochs": 8}, "learning_rate"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said(config: dict[str, Any], why: str, teacher: ModelDirectory, tmp_path: Path) -> None:
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    with pytest.raises(LeptonError) as caught:
        passing("distill", residual(tmp_path), tmp_path / "x", config, teacher=teacher, train=dataset)
    assert why in str(caught.value) and "\n" not in str(caught.value)


def test_a_teacher_of_another_kind(teacher: ModelDirectory, tmp_path: Path) -> None:
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    other = ModelDirectory(path=teacher.path, manifest={**teacher.manifest, "format": "onnx"})
    with pytest.raises(LeptonError, match="its model is onnx"):
        passing("distill", residual(tmp_path), tmp_path / "x", teacher=other, train=dataset)
    wide = RESIDUAL.replace("classes=3", "classes=4")
    four = imported(tmp_path / "four", wide, module_in(tmp_path / "four", wide))
    with pytest.raises(LeptonError, match="the same shape"):
        passing("distill", residual(tmp_path), tmp_path / "y", teacher=four, train=dataset)
