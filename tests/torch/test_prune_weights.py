"""Unstructured and N:M pruning against numpy, and what they say of themselves."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lepton_plugin_torch.prune_weights import n_m_mask
from networks import opened, passing, residual, write_samples
from safetensors.torch import load

from lepton_rules.plugin import DatasetFile, HardwareFacts, LeptonError, ModelDirectory

Array = np.ndarray[Any, Any]
LAYERS = ["stem", "blocks.0.conv1", "blocks.0.conv2", "blocks.1.conv1", "blocks.1.conv2", "blocks.1.shortcut.0", "head"]


def weights(model: ModelDirectory) -> dict[str, Array]:
    return {name: tensor.numpy() for name, tensor in load((model.path / "weights.safetensors").read_bytes()).items()}


def without_least(weight: Array, share: float) -> Array:
    count = round(share * weight.size)
    result = weight.copy().reshape(-1)
    result[np.argsort(np.abs(result), kind="stable")[:count]] = 0
    return result.reshape(weight.shape)


@pytest.mark.parametrize("sparsity", [0.25, 0.9])
def test_the_least_weights_of_each_layer(sparsity: float, tmp_path: Path) -> None:
    model = residual(tmp_path)
    before, after = weights(model), weights(passing("prune_magnitude", model, tmp_path / "p", {"sparsity": sparsity}))
    for name, weight in before.items():
        pruned = name.removesuffix(".weight") in LAYERS
        np.testing.assert_array_equal(after[name], without_least(weight, sparsity) if pruned else weight)


def test_the_least_weights_of_the_model(tmp_path: Path) -> None:
    model = residual(tmp_path)
    config = {"sparsity": 0.6, "scope": "model", "exclude": ["blocks.0"]}
    result = passing("prune_magnitude", model, tmp_path / "p", config)
    before, after = weights(model), weights(result)
    layers = [name for name in LAYERS if not name.startswith("blocks.0")]
    flat = without_least(np.concatenate([before[f"{name}.weight"].reshape(-1) for name in layers]), 0.6)
    found = np.concatenate([after[f"{name}.weight"].reshape(-1) for name in layers])
    np.testing.assert_array_equal(found, flat)
    notes = result.manifest["notes"]
    assert notes["zeros"] == {name: int((after[f"{name}.weight"] == 0).sum()) for name in layers}
    assert notes["sparsity"] == round(float((flat == 0).mean()), 6)
    assert notes["left_alone"] == {"blocks.0": "excluded"}
    assert np.array_equal(before["blocks.0.conv1.weight"], after["blocks.0.conv1.weight"])


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (1, 2)])
def test_n_of_m(n: int, m: int, tmp_path: Path) -> None:
    model = residual(tmp_path)
    result = passing("prune_n_m", model, tmp_path / "p", {"n": n, "m": m})
    before, after = weights(model), weights(result)
    for name in LAYERS[1:]:
        old, new = (np.moveaxis(table[f"{name}.weight"], 1, -1).reshape(-1, m) for table in (before, after))
        for group, kept in zip(old, new, strict=True):
            order = np.argsort(-np.abs(group), kind="stable")
            wanted = np.zeros_like(group)
            wanted[order[:n]] = group[order[:n]]
            np.testing.assert_array_equal(kept, wanted)
    np.testing.assert_array_equal(before["stem.weight"], after["stem.weight"])
    assert result.manifest["notes"]["left_alone"] == {"stem": f"its reduced axis has a length that {m} does not divide"}


def test_the_first_of_equals_stays() -> None:
    mask = n_m_mask(torch.tensor([[1.0, -1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]), 1, 2, 4)
    assert mask is not None and mask.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0]]
    transposed = n_m_mask(torch.tensor([[1.0], [4.0], [3.0], [2.0]]), 0, 2, 4)
    assert transposed is not None and transposed.tolist() == [[0], [1], [1], [0]]


def chip(*capabilities: str) -> HardwareFacts:
    return HardwareFacts(target="chip", runtime="runtime", capabilities=frozenset(capabilities))


@pytest.mark.parametrize(
    ("name", "config", "hardware", "says"),
    [
        ("prune_magnitude", {}, chip("sparse_2_4"), "size only"),
        ("prune_n_m", {}, None, "size only"),
        ("prune_n_m", {}, chip("int8"), "size only"),
        ("prune_n_m", {"n": 1}, chip("sparse_2_4"), "size only"),
        ("prune_n_m", {}, chip("sparse_2_4"), "size and time"),
    ],
)
def test_it_says_what_is_gained(name: str, config: Any, hardware: Any, says: str, tmp_path: Path) -> None:
    model = residual(tmp_path)
    result = passing(name, model, tmp_path / "p", config, hardware=hardware)
    notes = result.manifest["notes"]
    assert notes["effect"].startswith(f"{says}:")
    assert notes["before"] == notes["after"]
    sizes = {"before": model, "after": result}
    assert notes["deflated_weights_bytes"] == {
        side: len(zlib.compress((m.path / "weights.safetensors").read_bytes(), 6)) for side, m in sizes.items()
    }
    assert notes["deflated_weights_bytes"]["after"] < notes["deflated_weights_bytes"]["before"]


@pytest.mark.parametrize("name", ["prune_magnitude", "prune_n_m"])
def test_fine_tuning_keeps_the_zeros(name: str, tmp_path: Path) -> None:
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    model = residual(tmp_path)
    plain = passing(name, model, tmp_path / "a")
    tuned = passing(name, model, tmp_path / "b", {"epochs": 10, "batch_size": 8}, train=dataset)
    first, second = weights(plain), weights(tuned)
    assert set(first) == set(second)
    for layer in LAYERS:
        old, new = first[f"{layer}.weight"], second[f"{layer}.weight"]
        assert np.all(new[old == 0] == 0)
    assert not np.array_equal(first["head.weight"], second["head.weight"])
    training = tuned.manifest["notes"]["training"]
    assert training["last_loss"]["cross_entropy"] < training["first_loss"]["cross_entropy"]
    with opened(tuned) as module:
        assert module(torch.zeros(1, 1, 8, 8)).shape == (1, 3)


@pytest.mark.parametrize(
    ("name", "config", "why"),
    [
        ("prune_magnitude", {"exclude": ["hed"]}, "Did you mean 'head'"),
        ("prune_magnitude", {"exclude": ["stem", "blocks", "head"]}, "no layer can be pruned"),
        ("prune_magnitude", {"epochs": 1}, "nothing is bound to it"),
        ("prune_n_m", {"n": 4}, "accepted is n less than m"),
        ("prune_n_m", {"m": 32}, "no layer can be pruned"),
    ],
)
def test_what_cannot_be_done_is_said(name: str, config: Any, why: str, tmp_path: Path) -> None:
    with pytest.raises(LeptonError) as caught:
        passing(name, residual(tmp_path), tmp_path / "p", config)
    assert why in str(caught.value) and "\n" not in str(caught.value)
