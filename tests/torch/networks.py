"""Small modules as a user would write them: sources in files, weights beside them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from lepton_rules.plugin import ImportContext, ModelDirectory, ModelFacts, parse_config
from lepton_rules.plugin.manager import load

CONVNET = '''
import torch
from layers import Block
from torch import nn


class Net(nn.Module):
    """A convolution, a block from another file with a buffer, a head."""

    def __init__(self, width=4, classes=3):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.block = Block(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = torch.relu(self.bn(self.conv(x)))
        return self.head(self.block(x).mean(dim=(2, 3)))


def make(**options):
    return Net(**options)
'''

LAYERS = """
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.register_buffer("scale", torch.full((width, 1, 1), 0.5))

    def forward(self, x):
        return x + self.conv(x) * self.scale
"""

FACTORY = "net:Net"
INPUTS = ("x:float32:batch,1,8,8",)
# 8x8 pixels: 9 multiplications for each of 4 channels, 36 for each of 4, and the head.
MACS = 64 * (9 * 4 + 36 * 4) + 4 * 3
PARAMETERS = 9 * 4 + 2 * 4 + (36 * 4 + 4) + (4 * 3 + 3)


@dataclass(frozen=True)
class Files:
    """A module's sources and weights on disk."""

    sources: tuple[Path, ...]
    weights: Path


def module_of(source: Path) -> Any:
    """The module in a file, under a name that nothing else has."""
    spec = importlib.util.spec_from_file_location(f"_{source.parent.name}_{source.stem}", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_files(directory: Path, sources: dict[str, str], weights: dict[str, torch.Tensor]) -> Files:
    """Writes sources, by file name, and weights."""
    paths = []
    for name, text in sources.items():
        path = directory / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        paths.append(path)
    save_file(weights, directory / "weights.safetensors")
    return Files(tuple(paths), directory / "weights.safetensors")


def weights_of(module: torch.nn.Module, seed: int = 3) -> dict[str, torch.Tensor]:
    """Seeded weights for every tensor of a module; running variances stay positive."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(tensor.shape, generator=generator) + 0.1 if tensor.is_floating_point() else tensor
        for name, tensor in module.state_dict().items()
    }


class Block(torch.nn.Module):
    """The module of LAYERS, here."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(4, 4, 3, padding=1)
        self.scale: torch.Tensor
        self.register_buffer("scale", torch.full((4, 1, 1), 0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        changed: torch.Tensor = self.conv(x) * self.scale
        return x + changed


class Net(torch.nn.Module):
    """The module of CONVNET, here."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.bn = torch.nn.BatchNorm2d(4)
        self.block = Block()
        self.head = torch.nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn(self.conv(x)))
        logits: torch.Tensor = self.head(self.block(x).mean(dim=(2, 3)))
        return logits


def convnet(directory: Path) -> Files:
    """The convolutional network of two files."""
    return write_files(directory, {"net.py": CONVNET, "layers.py": LAYERS}, weights_of(Net()))


def importing(files: Files, output: Path, allow_code: bool = False, **config: Any) -> ModelFacts:
    """Imports `files` into `output` with the plugin's importer, as an action would."""
    plugin = load("torch", "lepton_plugin_torch")
    descriptor = plugin.find("importers", "pytorch")
    output.mkdir(parents=True, exist_ok=True)
    facts = plugin.resolve(descriptor)(  # type: ignore[arg-type]
        ImportContext(
            label="//tests:model",
            config=parse_config(descriptor.config, {"factory": FACTORY, "inputs": INPUTS} | config),  # type: ignore[union-attr]
            sources=files.sources,
            weights=(files.weights,),
            allow_code=allow_code,
            output=output,
        )
    )
    assert isinstance(facts, ModelFacts)
    return facts


def directory_of(path: Path, facts: ModelFacts) -> ModelDirectory:
    """The model at `path` with the part of a manifest that exporters read."""
    return ModelDirectory(
        path=path,
        manifest={
            "format": "pytorch",
            "inputs": [spec.to_json() for spec in facts.inputs],
            "outputs": [spec.to_json() for spec in facts.outputs],
            "parameters": facts.parameters,
            "macs": facts.macs,
        },
    )
