"""A network of Keras with a layer of its own and a Lambda, and its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from lepton_rules.plugin.training import TrainingContext


@keras.saving.register_keras_serializable(package="rings")
class Centred(keras.layers.Layer):
    """`x` without a learned middle."""

    def build(self, shape: Any) -> None:
        self.middle = self.add_weight(shape=(shape[-1],), initializer="zeros", name="middle")

    def call(self, x: Any) -> Any:
        return x - self.middle


def train(context: TrainingContext) -> Any:
    """The network from `x` [batch, 2] to `scores` [batch, 2], trained on the split `train`."""
    split = context.datasets["train"]
    model = keras.Sequential(
        [
            keras.Input((2,), name="x"),
            Centred(),
            keras.layers.Lambda(lambda x: x * x),
            keras.layers.Dense(2, name="scores"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.2), loss=loss)
    x, labels = np.asarray(split["x"]), np.asarray(split["labels"])
    model.fit(x, labels, batch_size=20, epochs=30, shuffle=False, verbose=0)
    return model
