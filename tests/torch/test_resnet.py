"""The example's network and its training, in short: what is promised of their sizes, and the same bytes each time."""

from __future__ import annotations

import pytest
import torch
from lepton_plugin_torch.checkpoint import prepare
from resnet import ResNet18
from train import train

from lepton_rules.plugin.training import TrainingContext


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (32, 3)])
def test_network(size: int, channels: int) -> None:
    network = ResNet18(channels=channels).eval()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    assert 11.1e6 < parameters < 11.3e6
    with torch.no_grad():
        assert network(torch.zeros(2, channels, size, size)).shape == (2, 10)


def context(seed: int = 0, **config: object) -> TrainingContext:
    generator = torch.Generator().manual_seed(5)
    images = torch.randn(20, 1, 16, 16, generator=generator).numpy()
    labels = torch.randint(0, 10, (20,), generator=generator).numpy()
    splits = {"train": {"image": images, "labels": labels}}
    return TrainingContext(label="//x", datasets=splits, config=config, seed=seed, threads=1)


def trained(seed: int = 0) -> dict[str, torch.Tensor]:
    prepare(seed, 1)
    return dict(train(context(seed, half_epochs="2", full_epochs="0")))


def test_training_is_the_same_each_time() -> None:
    first = trained()
    torch.rand(11)
    second = trained()
    assert first.keys() == ResNet18().state_dict().keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["head.weight"], trained(1)["head.weight"])


def test_unknown_configuration() -> None:
    with pytest.raises(ValueError, match="half_epoch'"):
        train(context(half_epoch=1))
