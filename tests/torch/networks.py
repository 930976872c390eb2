"""Small modules as a user would write them: sources in files, weights beside them."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lepton_plugin_torch.program import Program, built
from safetensors.torch import save_file

from lepton_rules.plugin import (
    ExportContext,
    ImportContext,
    ModelDirectory,
    ModelFacts,
    PassContext,
    parse_config,
)
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

RESIDUAL = '''
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class Net(nn.Module):
    """A stem, a residual block that keeps its width and one that does not, a head."""

    def __init__(self, width=8, classes=3):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.blocks = nn.Sequential(Block(width, width, 1), Block(width, 2 * width, 2))
        self.head = nn.Linear(2 * width, classes)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).mean(dim=(2, 3)))
'''

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


def module_in(directory: Path, source: str, **options: Any) -> torch.nn.Module:
    """The module that `Net` in a source makes, with seeded weights: positive and negative, each convolution's small."""
    (directory / "made").mkdir(parents=True, exist_ok=True)
    (directory / "made" / "net.py").write_text(source)
    torch.manual_seed(7)
    module: torch.nn.Module = module_of(directory / "made" / "net.py").Net(**options)
    generator = torch.Generator().manual_seed(7)
    for name, tensor in module.state_dict().items():
        if name.endswith(("running_mean", "running_var")) or ".bn" in name:
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return module.eval()


def imported(directory: Path, source: str, module: torch.nn.Module, **config: Any) -> ModelDirectory:
    """The model of one source file and a module's weights, with its manifest."""
    files = write_files(directory, {"net.py": source}, {k: v.contiguous() for k, v in module.state_dict().items()})
    return directory_of(directory / "model", importing(files, directory / "model", **config))


def residual(directory: Path) -> ModelDirectory:
    """The residual network."""
    return imported(directory, RESIDUAL, module_in(directory, RESIDUAL))


def write_samples(path: Path, count: int = 48, size: int = 8) -> Path:
    """A dataset for the networks here: a short bright stroke somewhere, level, upright or slanted, among noise."""
    generator = np.random.default_rng(1)
    labels = np.arange(count, dtype=np.int64) % 3
    x = generator.normal(0, 0.3, (count, 1, size, size)).astype(np.float32)
    down, across = ((labels != 0) * 1, (labels != 1) * 1)
    rows, columns = generator.integers(1, size - 1, (2, count))
    for step in (-1, 0, 1):
        x[np.arange(count), 0, rows + step * down, columns + step * across] += 3
    np.savez(path, x=x, labels=labels)
    return path


def passing(
    name: str, model: ModelDirectory, output: Path, config: dict[str, Any] | None = None, **slots: Any
) -> ModelDirectory:
    """Runs a pass of the plugin on a model, as an action would; its facts are in the result's manifest."""
    plugin = load("torch", "lepton_plugin_torch")
    descriptor = plugin.find("passes", name)
    hardware = slots.pop("hardware", None)
    output.mkdir(parents=True)
    facts = plugin.resolve(descriptor)(  # type: ignore[arg-type]
        PassContext(
            label="//tests:artifact",
            config=parse_config(descriptor.config, config or {}),  # type: ignore[union-attr]
            model=model,
            slots=slots,
            hardware=hardware,
            output=output,
        )
    )
    assert isinstance(facts, ModelFacts)
    return directory_of(output, facts)


def write_archive(path: Path, module: torch.nn.Module) -> Path:
    """What torch.export.save writes of a module for images [n, 1, 8, 8]."""
    dimensions = ({0: torch.export.Dim("n")},)
    torch.export.save(torch.export.export(module, (torch.zeros(2, 1, 8, 8),), dynamic_shapes=dimensions), path)
    return path


def importing_archive(path: Path, output: Path, **config: Any) -> ModelFacts:
    """Imports a torch.export archive, as an action would."""
    plugin = load("torch", "lepton_plugin_torch")
    descriptor = plugin.find("importers", "torch_export")
    output.mkdir()
    facts = plugin.resolve(descriptor)(  # type: ignore[arg-type]
        ImportContext(
            label="//tests:model",
            config=parse_config(descriptor.config, config),  # type: ignore[union-attr]
            sources=(path,),
            weights=(),
            allow_code=False,
            output=output,
        )
    )
    assert isinstance(facts, ModelFacts)
    return facts


def exported_from(
    model: ModelDirectory, output: Path, config: dict[str, Any] | None = None, exporter: str = "pytorch_to_onnx"
) -> ModelFacts:
    """Exports a model into `output`, as an action would."""
    plugin = load("torch", "lepton_plugin_torch")
    descriptor = plugin.find("exporters", exporter)
    output.mkdir(exist_ok=True)
    facts = plugin.resolve(descriptor)(  # type: ignore[arg-type]
        ExportContext(
            label="//tests:artifact",
            config=parse_config(descriptor.config, config or {}),  # type: ignore[union-attr]
            model=model,
            hardware=None,
            output=output,
        )
    )
    assert isinstance(facts, ModelFacts)
    return facts


@contextlib.contextmanager
def opened(model: ModelDirectory) -> Iterator[torch.nn.Module]:
    """The module of a model on disk."""
    with built(model.path, Program.read(model.path)) as module:
        yield module


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
            "digest": "sha256:" + "0" * 64,
            "notes": dict(facts.notes),
        },
    )
