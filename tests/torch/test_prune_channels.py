"""Structured pruning against numpy: which channels go, that nothing else changes, and goals that are met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import RESIDUAL, imported, module_in, opened, passing, residual, write_samples
from torch.nn import functional

from lepton_rules.plugin import DatasetFile, LeptonError

CHAIN = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 6, 3, padding=1, bias=False)
        self.head = nn.Linear(6, 3)
    def forward(self, x):
        x = torch.relu(self.second(torch.relu(self.bn(self.first(x)))))
        return self.head(x.mean(dim=(2, 3)))
"""


def arrays(module: torch.nn.Module) -> dict[str, np.ndarray[Any, Any]]:
    return {name: tensor.numpy().astype(np.float64) for name, tensor in module.state_dict().items()}


def kept_of_first(before: dict[str, np.ndarray[Any, Any]], after: torch.nn.Module) -> list[int]:
    """Which of the first layer's channels are left, told by their weights."""
    rows = before["first.weight"].reshape(8, -1)
    left = arrays(after)["first.weight"].reshape(-1, rows.shape[1])
    return [int(np.flatnonzero(np.all(rows == row, axis=1))[0]) for row in left]


def scores(importance: str, w: dict[str, np.ndarray[Any, Any]], g: dict[str, np.ndarray[Any, Any]]) -> Any:
    """The mean over the layers of the group {first, bn, second's inputs}, as the papers define each layer's part."""

    def outputs(a: Any) -> Any:
        return np.abs(a).reshape(8, -1)

    def inputs(a: Any) -> Any:
        return np.abs(a).transpose(1, 0, 2, 3).reshape(8, -1)

    if importance == "batch_norm_scale":
        return np.abs(w["bn.weight"])
    if importance == "taylor":
        parts = [
            outputs(w["first.weight"] * g["first.weight"]).sum(1),
            np.abs(w["bn.weight"] * g["bn.weight"]),
            inputs(w["second.weight"] * g["second.weight"]).sum(1),
        ]
    else:
        p = 1 if importance == "l1" else 2
        parts = [
            (outputs(w["first.weight"]) ** p).sum(1),
            np.abs(w["bn.weight"]) ** p,
            (inputs(w["second.weight"]) ** p).sum(1),
        ]
    return np.mean(parts, axis=0)


@pytest.mark.parametrize("importance", ["l1", "l2", "batch_norm_scale", "taylor"])
def test_the_least_important_channels_go(importance: str, tmp_path: Path) -> None:
    module = module_in(tmp_path, CHAIN)
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    found = dataset.arrays()
    functional.cross_entropy(module(torch.from_numpy(found["x"])), torch.from_numpy(found["labels"])).backward()  # type: ignore[no-untyped-call]
    gradients = {name: p.grad.numpy().astype(np.float64) for name, p in module.named_parameters() if p.grad is not None}
    before = arrays(module)
    wanted = np.sort(np.argsort(scores(importance, before, gradients), kind="stable")[4:])
    pruned = passing(
        "prune_channels",
        imported(tmp_path, CHAIN, module),
        tmp_path / "pruned",
        {"importance": importance, "ratio": 0.5, "round_to": 1, "exclude": ["second"], "batch_size": 16},
        train=dataset,
    )
    with opened(pruned) as smaller:
        assert kept_of_first(before, smaller) == wanted.tolist()
        after = arrays(smaller)
    np.testing.assert_array_equal(after["second.weight"], before["second.weight"][:, wanted])
    np.testing.assert_array_equal(after["bn.running_var"], before["bn.running_var"][wanted])
    assert pruned.manifest["notes"]["channels"] == {"first": [8, 4]}
    assert pruned.manifest["notes"]["left_alone"] == {"head": "its channels are the output's", "second": "excluded"}


def test_channels_that_carry_nothing_go_without_a_trace(tmp_path: Path) -> None:
    """In a residual network half of each group is zero; pruned by half, it computes the same."""
    module = module_in(tmp_path, RESIDUAL)
    state = module.state_dict()
    dead = {"stem": 8, "blocks.0": 8, "blocks.1": 16}
    with torch.no_grad():
        for prefix, width in dead.items():
            for name, tensor in state.items():
                # Odd channels: no weight goes into them, and normalization adds nothing.
                if name.startswith(f"{prefix}.") and name.endswith(("weight", "bias")) and tensor.shape[0] == width:
                    tensor[1::2] = 0
    expected = module(torch.from_numpy(np.load(write_samples(tmp_path / "samples.npz"))["x"])).detach().numpy()
    model = imported(tmp_path, RESIDUAL, module)
    pruned = passing("prune_channels", model, tmp_path / "pruned", {"ratio": 0.5, "round_to": 1})
    notes = pruned.manifest["notes"]
    assert {name: after for name, (_, after) in notes["channels"].items()} == {
        "stem": 4, "blocks.0.conv1": 4, "blocks.0.conv2": 4, "blocks.1.conv1": 8, "blocks.1.conv2": 8,
        "blocks.1.shortcut.0": 8,
    }  # fmt: skip
    with opened(pruned) as smaller, torch.no_grad():
        found = smaller(torch.from_numpy(np.load(tmp_path / "samples.npz")["x"])).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert notes["before"]["macs"] == model.manifest["macs"] and notes["after"]["macs"] == pruned.manifest["macs"]
    assert notes["before"]["parameters"] == model.manifest["parameters"]
    sizes = {side: sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) for side, path in
             (("before", model.path), ("after", pruned.path))}  # fmt: skip
    assert {side: notes[side]["bytes"] for side in sizes} == sizes and sizes["after"] < sizes["before"]


def macs_of_residual(stem: int, block: int, head: int) -> int:
    """8x8 pixels, of which the second block keeps 4x4. The widths inside blocks are those of their outputs."""
    first = 64 * 9 * (stem + stem * block + block * stem)
    return first + 16 * (9 * (stem * head + head * head) + stem * head) + head * 3


@pytest.mark.parametrize("goal", [0.7, 0.35, 0.1])
def test_the_goal_in_macs_is_met_and_hardly_more(goal: float, tmp_path: Path) -> None:
    model = residual(tmp_path)
    total = model.manifest["macs"]
    assert total == macs_of_residual(8, 8, 16)
    pruned = passing("prune_channels", model, tmp_path / "a", {"macs_ratio": goal, "round_to": 1})
    notes = pruned.manifest["notes"]
    assert pruned.manifest["macs"] <= goal * total and notes["goal"] == {"macs_ratio": goal}
    less = passing("prune_channels", model, tmp_path / "b", {"ratio": notes["ratio"] - 0.005, "round_to": 1})
    assert less.manifest["macs"] > goal * total


def test_the_goal_in_time_is_met_by_the_table(tmp_path: Path) -> None:
    """The estimate is the sum of the layers' costs, here a line through 0.01 microseconds a thousand, plus one."""
    table = {
        "version": 1,
        "channel_multiple": 4,
        "overhead_us": 1.0,
        "convolution": [[0, 0], [1000, 0.01]],
        "linear": [[0, 0], [1000, 0.01]],
    }
    model = residual(tmp_path)

    def estimate(stem: int, block: int, head: int) -> float:
        def up(n: int) -> int:
            return -(-n // 4) * 4

        a, b, c = up(stem), up(block), up(head)
        first = 64 * 9 * (4 * a + a * b + b * a)
        return 1 + (first + 16 * (9 * (a * c + c * c) + a * c) + c * 4) * 1e-5

    pruned = passing(
        "prune_channels",
        model,
        tmp_path / "pruned",
        {"max_latency_us": 1.5, "cost_table": json.dumps(table), "round_to": 1},
    )
    notes = pruned.manifest["notes"]
    assert notes["estimated_latency_us"]["before"] == round(estimate(8, 8, 16), 3)
    widths = {name: after for name, (_, after) in notes["channels"].items()}
    after = estimate(widths["stem"], widths["blocks.0.conv1"], widths["blocks.1.conv1"])
    assert notes["estimated_latency_us"]["after"] == round(after, 3) <= 1.5


def test_round_to_and_scope(tmp_path: Path) -> None:
    model = residual(tmp_path)
    rounded = passing("prune_channels", model, tmp_path / "a", {"ratio": 0.6, "round_to": 4})
    assert {after for _, after in rounded.manifest["notes"]["channels"].values()} == {4}
    least = passing("prune_channels", model, tmp_path / "b", {"ratio": 0.9, "round_to": 8})
    assert {after for _, after in least.manifest["notes"]["channels"].values()} == {8}
    anywhere = passing("prune_channels", model, tmp_path / "c", {"ratio": 0.5, "round_to": 1, "scope": "model"})
    shares = {after / before for before, after in anywhere.manifest["notes"]["channels"].values()}
    assert len(shares) > 1


def test_fine_tuning_learns(tmp_path: Path) -> None:
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    config = {"ratio": 0.5, "round_to": 1, "epochs": 12, "batch_size": 8, "learning_rate": 0.05}
    pruned = passing("prune_channels", residual(tmp_path), tmp_path / "pruned", config, train=dataset)
    training = pruned.manifest["notes"]["training"]
    assert training["last_loss"]["cross_entropy"] < 0.5 * training["first_loss"]["cross_entropy"]
    found = dataset.arrays()
    with opened(pruned) as module, torch.no_grad():
        answers = module(torch.from_numpy(found["x"])).argmax(1).numpy()
    assert (answers == found["labels"]).mean() > 0.9


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"exclude": ["stm"]}, "Did you mean 'stem'"),
        ({"exclude": ["stem", "blocks"]}, "no channel can go"),
        ({"macs_ratio": 0.001}, "without 98% of the channels"),
        ({"macs_ratio": 1.0}, "meets the goal"),
        ({"epochs": 1}, "nothing is bound to it"),
        ({"importance": "taylor"}, "nothing is bound to it"),
    ],
)
def test_what_cannot_be_done_is_said(config: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(LeptonError) as caught:
        passing("prune_channels", residual(tmp_path), tmp_path / "pruned", {"round_to": 1, **config})
    assert why in str(caught.value) and "\n" not in str(caught.value)


def test_labels_must_be_classes(tmp_path: Path) -> None:
    write_samples(tmp_path / "samples.npz")
    found = dict(np.load(tmp_path / "samples.npz"))
    for labels, why in ((found["labels"] + 1, "from 1 to 3"), (found["labels"] / 2, "no classes"), (None, "no labels")):
        changed = {k: v for k, v in {**found, "labels": labels}.items() if v is not None}
        np.savez(tmp_path / "changed.npz", **changed)
        with pytest.raises(LeptonError, match=why):
            passing(
                "prune_channels",
                residual(tmp_path),
                tmp_path / why.replace(" ", "_"),
                {"epochs": 1},
                train=DatasetFile(tmp_path / "changed.npz"),
            )


def test_a_buffer_that_would_not_fit_is_told(tmp_path: Path) -> None:
    source = RESIDUAL.replace(
        "self.head = ", 'self.register_buffer("gain", torch.ones(2 * width, 1, 1))\n        self.head = '
    ).replace("self.blocks(self.stem(x))", "(self.blocks(self.stem(x)) * self.gain)")
    model = imported(tmp_path, source, module_in(tmp_path, source))
    with pytest.raises(LeptonError, match="without some channels the module fails"):
        passing("prune_channels", model, tmp_path / "a", {"round_to": 1})
    kept = passing("prune_channels", model, tmp_path / "b", {"round_to": 1, "exclude": ["blocks.1.conv2"]})
    assert kept.manifest["notes"]["channels"].keys() == {"stem", "blocks.0.conv1", "blocks.0.conv2", "blocks.1.conv1"}


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"channel_multiple": 0},
        {"channel_multiple": True},
        {"overhead_us": -1},
        {"overhead_us": "1"},
        {"convolution": [[1, 1]]},
        {"convolution": [[1, 1], [1, 2]]},
        {"convolution": [[1, 2], [2, 1]]},
        {"linear": [[1, 1], [2]]},
        {"linear": {}},
        {"more": 1},
    ],
    ids=str,
)
def test_a_table_that_is_none(change: dict[str, Any], tmp_path: Path) -> None:
    good: dict[str, Any] = {"version": 1, "channel_multiple": 4, "overhead_us": 1, "convolution": [[0, 0], [1, 1]],
                            "linear": [[0, 0], [1, 1]]}  # fmt: skip
    with pytest.raises(LeptonError, match="cost_table"):
        passing("prune_channels", residual(tmp_path), tmp_path / "pruned", {"cost_table": json.dumps(good | change)})
