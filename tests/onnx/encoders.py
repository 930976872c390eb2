"""A small BERT-like encoder as exporters write one, and the same in numpy."""

from __future__ import annotations

import math

import numpy as np
import onnx
from networks import Array, weights
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, POSITIONS, HIDDEN, HEADS, INNER = 50, 16, 16, 4, 32
EPSILON = 1e-12
_HEAD = HIDDEN // HEADS


def encoder_weights(layers: int = 2, seed: int = 0, outlier: float = 1.0) -> dict[str, Array]:
    """The constants by name. `outlier` scales one channel of every normalisation, as trained encoders have it."""
    constants = {
        "words": weights(VOCABULARY, HIDDEN, seed=seed, scale=0.5),
        "positions": weights(POSITIONS, HIDDEN, seed=seed + 1, scale=0.2),
    }
    for name in ["embed", *[f"l{i}.{part}" for i in range(layers) for part in ("attended", "done")]]:
        gamma = 1 + weights(HIDDEN, seed=seed + 2 + len(constants), scale=0.1)
        gamma[3] *= outlier
        constants[f"{name}.gamma"] = gamma
        constants[f"{name}.beta"] = weights(HIDDEN, seed=seed + 3 + len(constants), scale=0.1)
    for i in range(layers):
        shapes = {"q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "o": (HIDDEN, HIDDEN)}
        shapes |= {"up": (HIDDEN, INNER), "down": (INNER, HIDDEN)}
        for part, shape in shapes.items():
            constants[f"l{i}.{part}.w"] = weights(*shape, seed=seed + 7 + len(constants), scale=0.3)
            constants[f"l{i}.{part}.b"] = weights(shape[1], seed=seed + 11 + len(constants), scale=0.1)
    return constants


def encoder(layers: int = 2, constants: dict[str, Array] | None = None, opset: int = 17) -> onnx.ModelProto:
    """input_ids and attention_mask, int64 [batch, sequence], to hidden [batch, sequence, HIDDEN]."""
    values = dict(constants or encoder_weights(layers))
    nodes: list[onnx.NodeProto] = []

    def add(op: str, inputs: list[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(op, inputs, [output], output, **attributes))
        return output

    def constant(name: str, array: Array) -> str:
        values[name] = array
        return name

    def linear(source: str, name: str) -> str:
        product = add("MatMul", [source, f"{name}.w"], f"{name}.product")
        return add("Add", [f"{name}.b", product], f"{name}.sum")

    def norm(source: str, name: str) -> str:
        inputs = [source, f"{name}.gamma", f"{name}.beta"]
        return add("LayerNormalization", inputs, f"{name}.norm", axis=-1, epsilon=EPSILON)

    one, minus = constant("one", np.float32([1.0])), constant("minus", np.float32([-10000.0]))
    outer = add("Unsqueeze", ["attention_mask", constant("axis1", np.int64([1]))], "mask1")
    outer = add("Unsqueeze", [outer, constant("axis2", np.int64([2]))], "mask2")
    outer = add("Cast", [outer], "mask_float", to=TensorProto.FLOAT)
    mask = add("Mul", [add("Sub", [one, outer], "mask_inverse"), minus], "mask")

    length = add("Gather", [add("Shape", ["input_ids"], "shape"), constant("place", np.int64(1))], "length", axis=0)
    length = add("Unsqueeze", [length, constant("axis0", np.int64([0]))], "length1")
    index = add(
        "Slice",
        [constant("index", np.arange(POSITIONS)[None]), constant("zero", np.int64([0])), length, "axis1"],
        "ids",
    )
    words = add("Gather", ["words", "input_ids"], "word")
    x = norm(add("Add", [words, add("Gather", ["positions", index], "position")], "embedded"), "embed")
    heads = constant("heads", np.int64([0, 0, HEADS, _HEAD]))
    flat = constant("flat", np.int64([0, 0, HIDDEN]))
    for i in range(layers):
        parts = {}
        for part, order in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
            split = add("Reshape", [linear(x, f"l{i}.{part}"), heads], f"l{i}.{part}.heads")
            parts[part] = add("Transpose", [split], f"l{i}.{part}.turned", perm=order)
        scores = add("MatMul", [parts["q"], parts["k"]], f"l{i}.scores")
        scores = add("Div", [scores, constant("root", np.float32(math.sqrt(_HEAD)))], f"l{i}.scaled")
        shares = add("Softmax", [add("Add", [scores, mask], f"l{i}.masked")], f"l{i}.shares", axis=-1)
        mixed = add("MatMul", [shares, parts["v"]], f"l{i}.mixed")
        mixed = add("Transpose", [mixed], f"l{i}.mixed.turned", perm=[0, 2, 1, 3])
        mixed = add("Reshape", [mixed, flat], f"l{i}.mixed.flat")
        x = norm(add("Add", [linear(mixed, f"l{i}.o"), x], f"l{i}.attended.in"), f"l{i}.attended")
        up = linear(x, f"l{i}.up")
        inner = add("Erf", [add("Div", [up, constant("root2", np.float32(math.sqrt(2)))], f"l{i}.erf.in")], f"l{i}.erf")
        inner = add("Mul", [up, add("Add", [inner, one], f"l{i}.erf1")], f"l{i}.gelu2")
        inner = add("Mul", [inner, constant("half", np.float32(0.5))], f"l{i}.gelu")
        x = norm(add("Add", [linear(inner, f"l{i}.down"), x], f"l{i}.done.in"), f"l{i}.done")
    nodes[-1].output[0] = "hidden"
    graph = helper.make_graph(
        nodes,
        "encoder",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["batch", "sequence", HIDDEN])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def encode(constants: dict[str, Array], ids: Array, mask: Array, layers: int = 2) -> Array:
    """What the encoder computes, in float64."""
    c = {name: value.astype(np.float64) for name, value in constants.items()}
    erf = np.vectorize(math.erf)

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
        result: Array = scaled * c[f"{name}.gamma"] + c[f"{name}.beta"]
        return result

    def linear(x: Array, name: str) -> Array:
        result: Array = x @ c[f"{name}.w"] + c[f"{name}.b"]
        return result

    batch, length = ids.shape
    x = norm(c["words"][ids] + c["positions"][:length], "embed")
    bias = (1.0 - mask[:, None, None, :]) * -10000.0
    for i in range(layers):
        q, k, v = (
            linear(x, f"l{i}.{part}").reshape(batch, length, HEADS, _HEAD).transpose(0, 2, 1, 3) for part in "qkv"
        )
        scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(_HEAD) + bias
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        mixed = (shares @ v).transpose(0, 2, 1, 3).reshape(batch, length, HIDDEN)
        x = norm(linear(mixed, f"l{i}.o") + x, f"l{i}.attended")
        up = linear(x, f"l{i}.up")
        x = norm(linear(0.5 * up * (1 + erf(up / math.sqrt(2))), f"l{i}.down") + x, f"l{i}.done")
    return x


def sentences(count: int = 12, length: int = 10, seed: int = 5) -> dict[str, Array]:
    """Token ids, and masks of several lengths."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(3, length + 1, count)
    mask = (np.arange(length)[None] < lengths[:, None]).astype(np.int64)
    return {"input_ids": generator.integers(0, VOCABULARY, (count, length)), "attention_mask": mask}
