"""Trains the detector: a small convolutional network on one second of four channels, some 20 seconds on one core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lepton_rules.plugin.training import TrainingContext

BATCH = 64
RATE = 4e-3


def network(samples: int, channels: int) -> Any:
    """`window` [batch, samples, channels] to `scores` [batch, 2], logits of sound and faulty."""
    window = keras.Input((samples, channels), name="window")
    x: Any = window
    for filters, kernel, stride in ((16, 9, 2), (32, 7, 2), (32, 5, 2)):
        x = layers.Conv1D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    x = layers.Dropout(0.3)(x)
    return keras.Model(window, layers.Dense(2, name="scores")(x))


def augmented(windows: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """Windows with another start, another polarity of all channels, and a little noise: none of it tells a fault."""
    count, samples, channels = windows.shape
    places = (np.arange(samples)[None] + generator.integers(0, samples, (count, 1))) % samples
    moved = np.take_along_axis(windows, places[:, :, None], axis=1)
    signs = generator.choice(np.array([-1.0, 1.0]), (count, 1, 1))
    noise = generator.normal(0, 1, windows.shape) * generator.uniform(0, 0.25, (count, 1, channels))
    changed: NDArray[np.float32] = (moved * signs + noise).astype(np.float32)
    return changed


def train(context: TrainingContext) -> Any:
    """Gives the network trained on the split `train`.

    Args:
      context: configuration `epochs` (30). Dataset `train`: `window`, `labels`.

    Returns:
      keras.Model.
    """
    config = dict(context.config)
    epochs = int(config.pop("epochs", 30))
    if config:
        raise ValueError(f"unknown configuration {sorted(config)}; known is epochs")
    split = context.datasets["train"]
    windows, labels = split["window"], split["labels"]
    model = network(*windows.shape[1:])
    steps = epochs * (len(windows) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(RATE / 10, steps, warmup_target=RATE, warmup_steps=steps // 10)
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=1e-3),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.05),
    )
    generator = np.random.default_rng(context.seed)
    targets = np.eye(2, dtype=np.float32)[labels]
    for _ in range(epochs):
        order = generator.permutation(len(windows))[: len(windows) // BATCH * BATCH]
        changed = augmented(windows[order], generator)
        model.fit(changed, targets[order], batch_size=BATCH, shuffle=False, verbose=0)
    return model
