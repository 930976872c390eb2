"""Small functions as a user would write them: sources in files, weights beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lepton_plugin_jax.program import write_weights

from lepton_rules.plugin import ExportContext, ImportContext, ModelDirectory, ModelFacts, parse_config
from lepton_rules.plugin.manager import load

CONVNET = """
import jax
import jax.numpy as jnp
from parts import norm


def make(slope=0.1):
    def apply(weights, image):
        x = jax.lax.conv_general_dilated(
            image, weights["conv"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = jax.nn.leaky_relu(norm(x, weights["scale"], weights["shift"]), slope)
        return x.mean((1, 2)) @ weights["head"] + weights["bias"]

    return apply
"""

PARTS = """
def norm(x, scale, shift):
    return x * scale + shift
"""

ENCODER = """
import jax
import jax.numpy as jnp


def make():
    def apply(weights, tokens, mask):
        h = weights["table"][tokens]
        q, k, v = (h @ weights[name] for name in "qkv")
        a = jnp.einsum("bld,bmd->blm", q, k) / jnp.sqrt(8.0) + jnp.where(mask[:, None, :] > 0, 0.0, -1e9)
        h = h + jax.nn.softmax(a) @ v
        h = (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + 1e-5)
        return {"hidden": jnp.tanh(h), "pooled": jax.nn.gelu(h).max(1)}

    return apply
"""

INPUTS = ("image:float32:batch,8,8,1",)
MACS = 64 * 9 * 4 + 4 * 3
PARAMETERS = 9 * 4 + 4 + 4 + 4 * 3 + 3


def drawn(**shapes: tuple[int, ...]) -> dict[str, np.ndarray[Any, Any]]:
    """Seeded weights of these shapes."""
    generator = np.random.default_rng(3)
    return {name: generator.normal(0, 0.5, shape).astype(np.float32) for name, shape in sorted(shapes.items())}


def convnet_weights() -> dict[str, np.ndarray[Any, Any]]:
    """Those of CONVNET."""
    return drawn(conv=(3, 3, 1, 4), scale=(4,), shift=(4,), head=(4, 3), bias=(3,))


def encoder_weights() -> dict[str, np.ndarray[Any, Any]]:
    """Those of ENCODER."""
    return drawn(table=(7, 8), q=(8, 8), k=(8, 8), v=(8, 8))


def write(directory: Path, weights: dict[str, np.ndarray[Any, Any]], **sources: str) -> tuple[tuple[Path, ...], Path]:
    """Writes sources and weights; returns their paths. The weights' file has a name that says nothing."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in sources.items():
        paths.append(directory / f"{name}.py")
        paths[-1].write_text(text)
    np.savez(directory / "weights.npz", **weights)  # type: ignore[arg-type]  # its stub takes no mapping
    write_weights([directory / "weights.npz"], directory / "weights.bin")
    return tuple(paths), directory / "weights.bin"


def convnet(directory: Path) -> tuple[tuple[Path, ...], Path]:
    """The convolutional network of two files."""
    return write(directory, convnet_weights(), net=CONVNET, parts=PARTS)


def importing(sources: Sequence[Path], weights: Sequence[Path], output: Path, **config: Any) -> ModelFacts:
    """Imports into `output` with the plugin's importer."""
    plugin = load("jax", "lepton_plugin_jax")
    descriptor = plugin.find("importers", "jax")
    output.mkdir(parents=True, exist_ok=True)
    facts = plugin.resolve(descriptor)(  # type: ignore[arg-type]
        ImportContext(
            label="//tests:model",
            config=parse_config(descriptor.config, {"factory": "net:make", "inputs": INPUTS} | config),  # type: ignore[union-attr]
            sources=tuple(sources),
            weights=tuple(weights),
            allow_code=False,
            output=output,
        )
    )
    assert isinstance(facts, ModelFacts)
    return facts


def exporting(model: Path, facts: ModelFacts, output: Path, **config: Any) -> ModelFacts:
    """Exports the imported model at `model` into `output`."""
    plugin = load("jax", "lepton_plugin_jax")
    descriptor = plugin.find("exporters", "jax_to_onnx")
    output.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format": "jax",
        "inputs": [spec.to_json() for spec in facts.inputs],
        "outputs": [spec.to_json() for spec in facts.outputs],
        "parameters": facts.parameters,
        "macs": facts.macs,
    }
    found = plugin.resolve(descriptor)(  # type: ignore[arg-type]
        ExportContext(
            label="//tests:model",
            config=parse_config(descriptor.config, config),  # type: ignore[union-attr]
            model=ModelDirectory(path=model, manifest=manifest),
            hardware=None,
            output=output,
        )
    )
    assert isinstance(found, ModelFacts)
    return found
