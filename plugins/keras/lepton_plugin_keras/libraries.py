"""TensorFlow and Keras, imported in one known state. Every module of this plugin that uses them takes them from here.

What a user's `~/.keras/keras.json` or shell says must not reach a build: the backend, the types and the layout are set
here, and so is what they print.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import tensorflow as tf

__all__ = ["keras", "prepare", "tf"]


def prepare(threads: int) -> None:
    """Sets what a build's outcome may depend on: seeds, threads, deterministic kernels, Keras's global settings."""
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.disable_traceback_filtering()
    keras.utils.clear_session()
    logging.getLogger("absl").setLevel(logging.ERROR)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    tf.config.experimental.enable_op_determinism()
    with contextlib.suppress(RuntimeError):
        # An action does this first: TensorFlow refuses it once it has computed anything in the process.
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(0)
