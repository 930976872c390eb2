"""A perceptron in JAX, and its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from lepton_rules.plugin.training import TrainingContext


def make() -> Any:
    """The function of weights and `x` [batch, 2] that gives `scores` [batch, 2]."""

    def apply(weights: Any, x: Any) -> Any:
        hidden = jnp.tanh(x @ weights["hidden/kernel"] + weights["hidden/bias"])
        return hidden @ weights["last/kernel"]

    return apply


def train(context: TrainingContext) -> Any:
    """Its weights after 1,000 steps on the split `train`."""
    x, labels = (jnp.asarray(context.datasets["train"][name]) for name in ("x", "labels"))
    one, two = jax.random.split(jax.random.key(context.seed))
    weights = {
        "hidden/kernel": jax.random.normal(one, (2, 16)),
        "hidden/bias": jnp.zeros(16),
        "last/kernel": 0.1 * jax.random.normal(two, (16, 2)),
    }
    apply = make()

    def loss(weights: Any) -> Any:
        return -jax.nn.log_softmax(apply(weights, x))[jnp.arange(len(x)), labels].mean()

    step = jax.jit(lambda weights: jax.tree.map(lambda w, g: w - 0.5 * g, weights, jax.grad(loss)(weights)))
    for _ in range(1000):
        weights = step(weights)
    return weights
