"""Small Keras models with seeded weights, and the plugin's components called as an action calls them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lepton_plugin_keras.libraries import keras

from lepton_rules.plugin import ExportContext, ImportContext, ModelDirectory, ModelFacts, parse_config
from lepton_rules.plugin.manager import load

layers = keras.layers


def seeded(model: Any) -> Any:
    """The model with weights that depend on nothing but their shapes; variances stay positive."""
    generator = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(generator.uniform(0.1, 1.0, tuple(weight.shape)) * (1 if "variance" in weight.path else 0.3))
    return model


def convnet() -> Any:
    """Convolution, batch normalization, a residual, a head: `image` [batch, 8, 8, 1] to `logits` [batch, 3]."""
    image = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Add()([x, layers.Conv2D(4, 3, padding="same", activation="relu")(x)])
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    return seeded(keras.Model(image, layers.Dense(3, name="logits")(x)))


# Of one image: 9 multiplications for each of 4 channels and 64 pixels, 36 for each in the second, and the head.
MACS = 64 * (9 * 4 + 36 * 4) + 4 * 3
PARAMETERS = 9 * 4 + 4 * 4 + (36 * 4 + 4) + (4 * 3 + 3)


def sequential() -> Any:
    """One-dimensional and depthwise convolutions in a row."""
    return seeded(
        keras.Sequential(
            [
                keras.Input((32, 2), name="signal"),
                layers.Normalization(mean=[0.0, 1.0], variance=[1.0, 4.0]),
                layers.Conv1D(4, 5, strides=2, activation="gelu"),
                layers.SeparableConv1D(6, 3, activation="swish"),
                layers.LayerNormalization(),
                layers.GlobalMaxPooling1D(),
                layers.Dense(2, activation="softmax"),
            ]
        )
    )


def attention() -> Any:
    """Two inputs of open length, two outputs."""
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    scale = keras.Input((1,), name="scale")
    x = layers.Embedding(7, 8)(tokens)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])
    pooled = layers.Multiply(name="pooled")([layers.GlobalAveragePooling1D()(x), scale])
    return seeded(keras.Model([tokens, scale], [layers.Dense(5, name="each")(x), pooled]))


def recurrent() -> Any:
    """An LSTM in both directions."""
    signal = keras.Input((6, 3), name="signal")
    x = layers.Bidirectional(layers.LSTM(4))(signal)
    return seeded(keras.Model(signal, layers.Dense(2, name="scores")(x)))


MODELS: dict[str, Callable[[], Any]] = {
    "convnet": convnet,
    "sequential": sequential,
    "attention": attention,
    "recurrent": recurrent,
}


def saved(model: Any, directory: Path, kind: str) -> tuple[Path, ...]:
    """The model saved as `keras`, `h5` or `saved_model`: its files, whose names say nothing."""
    directory.mkdir(parents=True, exist_ok=True)
    if kind == "saved_model":
        model.export(directory / "saved", verbose=False)
        return tuple(sorted(path for path in (directory / "saved").rglob("*") if path.is_file()))
    model.save(directory / f"model.{kind}")
    return ((directory / f"model.{kind}").rename(directory / "model.bin"),)


def importing(
    sources: Sequence[Path], output: Path, weights: Sequence[Path] = (), *, allow_code: bool = False, **config: Any
) -> ModelFacts:
    """Imports into `output` with the plugin's importer."""
    plugin = load("keras", "lepton_plugin_keras")
    descriptor = plugin.find("importers", "keras")
    output.mkdir(parents=True, exist_ok=True)
    facts = plugin.resolve(descriptor)(  # type: ignore[arg-type]
        ImportContext(
            label="//tests:model",
            config=parse_config(descriptor.config, config),  # type: ignore[union-attr]
            sources=tuple(sources),
            weights=tuple(weights),
            allow_code=allow_code,
            output=output,
        )
    )
    assert isinstance(facts, ModelFacts)
    return facts


def exporting(model: Path, facts: ModelFacts, output: Path, **config: Any) -> ModelFacts:
    """Exports the imported model at `model` into `output`."""
    plugin = load("keras", "lepton_plugin_keras")
    descriptor = plugin.find("exporters", "keras_to_onnx")
    output.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format": "keras",
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
