"""Quantization-aware training: rounding against numpy, and a model that rounding spoils gets better by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lepton_plugin_torch.fake_quantize import ActivationRounding, fake_activation, fake_weight
from networks import RESIDUAL, imported, module_in, opened, passing, residual, write_samples
from torch import nn

from lepton_rules.plugin import DatasetFile, LeptonError, ModelDirectory

Array = np.ndarray[Any, Any]


def draw(*shape: int) -> Array:
    return np.random.default_rng(3).normal(0, 1, shape).astype(np.float32)


def rounded(x: Array, scale: Any, low: int, high: int, zero: int = 0) -> Array:
    return np.asarray((np.clip(np.rint(x / scale) + zero, low, high) - zero) * scale)


@pytest.mark.parametrize("bits", [8, 7, 4])
def test_weights(bits: int) -> None:
    weight, top = draw(5, 3, 2, 2), 2 ** (bits - 1) - 1
    scale = np.abs(weight).max(axis=(1, 2, 3), keepdims=True) / top
    found = fake_weight(torch.from_numpy(weight), bits, 0).numpy()
    np.testing.assert_allclose(found, rounded(weight, scale, -top, top), rtol=1e-5, atol=1e-6)
    found = fake_weight(torch.from_numpy(weight), bits, None).numpy()
    np.testing.assert_allclose(found, rounded(weight, np.abs(weight).max() / top, -top, top), rtol=1e-5, atol=1e-6)


def test_weights_that_a_norm_will_be_folded_into() -> None:
    weight, factor = draw(4, 3), np.array([0.1, 1, 5, 20], np.float32)
    folded = weight * factor[:, None]
    expected = rounded(folded, np.abs(folded).max() / 127, -127, 127) / factor[:, None]
    found = fake_weight(torch.from_numpy(weight), 8, None, torch.from_numpy(factor)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    # With a scale for each channel the factor changes nothing.
    plain = fake_weight(torch.from_numpy(weight), 8, 0).numpy()
    scaled = fake_weight(torch.from_numpy(folded), 8, 0).numpy() / factor[:, None]
    np.testing.assert_allclose(plain, scaled, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 3.0), (0.5, 3.0), (-3.0, -1.0)])
def test_activations(low: float, high: float) -> None:
    x = draw(100) * 3
    floor, ceiling = min(low, 0), max(high, 0)
    scale = (ceiling - floor) / 255
    expected = rounded(x, scale, 0, 255, round(-floor / scale))
    found = fake_activation(torch.from_numpy(x), low, high, 8, False).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    scale = max(-floor, ceiling) / 127
    found = fake_activation(torch.from_numpy(x), low, high, 8, True).numpy()
    np.testing.assert_allclose(found, rounded(x, scale, -127, 127), rtol=1e-4, atol=1e-5)


def test_gradients_pass_straight_through() -> None:
    x = torch.tensor([-5.0, -0.4, 0.3, 9.0], requires_grad=True)
    fake_activation(x, -1.0, 1.0, 8, False).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None and x.grad.tolist() == [0, 1, 1, 0]


def test_ranges_follow_the_batches() -> None:
    layer, rounding = nn.Linear(2, 2), ActivationRounding(8, False)
    layer.train()
    for low, high in ((-1.0, 1.0), (-2.0, 11.0)):
        rounding(layer, (torch.tensor([low, high]),))
    assert rounding.range == pytest.approx((-1.1, 2.0))
    layer.eval()
    rounding(layer, (torch.tensor([-100.0, 100.0]),))
    assert rounding.range == pytest.approx((-1.1, 2.0))


def simulated(model: ModelDirectory, x: Array, bits: int) -> Array:
    """The classes that the model names with every weight rounded, one scale a layer, norms folded: by numpy's rules."""
    top = 2 ** (bits - 1) - 1
    with opened(model) as module, torch.no_grad():
        for name, layer in module.named_modules():
            if not isinstance(layer, nn.Conv2d | nn.Linear):
                continue
            norm = dict(module.named_modules()).get(name.replace("conv", "bn")) if "conv" in name else None
            if name.endswith("shortcut.0"):
                norm = module.get_submodule(name[:-1] + "1")
            factor = np.ones(len(layer.weight), np.float32)
            if isinstance(norm, nn.BatchNorm2d):
                assert norm.running_var is not None
                factor = (norm.weight.abs() / torch.sqrt(norm.running_var + norm.eps)).numpy()
            folded = layer.weight.numpy() * factor.reshape(-1, *[1] * (layer.weight.dim() - 1))
            integers = rounded(folded, np.abs(folded).max() / top, -top, top)
            layer.weight.copy_(torch.from_numpy(integers / factor.reshape(-1, *[1] * (layer.weight.dim() - 1))))
        return np.asarray(module(torch.from_numpy(x)).argmax(1).numpy())


def test_a_model_that_rounding_spoils_gets_better(tmp_path: Path) -> None:
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz", 96))
    found = dataset.arrays()
    config = {"ratio": 0.1, "round_to": 1, "epochs": 12, "batch_size": 8, "learning_rate": 0.05}
    trained = passing("prune_channels", residual(tmp_path), tmp_path / "trained", config, train=dataset)
    options = {"epochs": 10, "batch_size": 8, "learning_rate": 0.02, "weight_bits": 3, "per_channel": False}
    aware = passing("quantize_aware_training", trained, tmp_path / "aware", options, train=dataset)
    before, after = (float((simulated(model, found["x"], 3) == found["labels"]).mean()) for model in (trained, aware))
    assert before < 0.9 < after
    notes = aware.manifest["notes"]
    assert notes["folded_norms"] == 5 and len(notes["rounded"]) == 7
    assert notes["activation_ranges"]["stem"][1] > 3
    assert notes["before"]["parameters"] == notes["after"]["parameters"]
    assert (aware.path / "program.json").read_bytes() == (trained.path / "program.json").read_bytes()


def test_excluded_layers_are_not_rounded(tmp_path: Path) -> None:
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    aware = passing(
        "quantize_aware_training", residual(tmp_path), tmp_path / "a", {"epochs": 1, "exclude": ["head"]}, train=dataset
    )
    assert "head" not in aware.manifest["notes"]["rounded"] and "stem" in aware.manifest["notes"]["rounded"]


@pytest.mark.parametrize(
    ("config", "why"),
    [({"exclude": ["steam"]}, "Did you mean 'stem'"), ({"exclude": ["stem", "blocks", "head"]}, "no linear layer")],
)
def test_what_cannot_be_done_is_said(config: Any, why: str, tmp_path: Path) -> None:
    dataset = DatasetFile(write_samples(tmp_path / "samples.npz"))
    model = imported(tmp_path, RESIDUAL, module_in(tmp_path, RESIDUAL))
    with pytest.raises(LeptonError, match=why):
        passing("quantize_aware_training", model, tmp_path / "a", config, train=dataset)
