"""JAX, in one known state: on the CPU, in single precision, with the products that are as exact as they can be."""

from __future__ import annotations

import logging
import os

os.environ["JAX_PLATFORMS"] = "cpu"

import jax

logging.getLogger("jax").setLevel(logging.ERROR)
jax.config.update("jax_enable_x64", False)
jax.config.update("jax_default_matmul_precision", "highest")

__all__ = ["jax"]
