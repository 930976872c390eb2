"""What the facts say of models whose cost is counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from harness import apply
from lepton_plugin_onnx.facts import facts_of
from networks import CONVNET_MACS, CONVNET_PARAMETERS, Array, convnet, model_of, perceptron, samples, weights
from onnx import TensorProto, helper

from lepton_rules.plugin import LeptonError, TensorSpec


def test_the_signature() -> None:
    facts = facts_of(convnet())
    assert facts.inputs == (TensorSpec("x", "float32", ("batch", 3, 8, 8)),)
    assert facts.outputs == (TensorSpec("y", "float32", ("batch", 5)),)
    assert facts.notes["operators"]["Conv"] == 2


def test_dimensions_without_a_name_get_one() -> None:
    model = convnet()
    model.graph.input[0].type.tensor_type.shape.dim[0].Clear()
    model.graph.output[0].type.tensor_type.ClearField("shape")
    facts = facts_of(model)
    assert facts.inputs[0].shape == ("x_0", 3, 8, 8)
    assert facts.outputs[0].shape[1:] == (5,)


@pytest.mark.parametrize("batch", ["batch", 1, 4])
def test_macs_are_of_one_sample(batch: int | str) -> None:
    assert facts_of(convnet(batch=batch)).macs == CONVNET_MACS


def test_cost_stays_through_quantization(tmp_path: Path) -> None:
    """The same products and the same parameters, whatever they are stored in."""
    fp32 = facts_of(convnet())
    assert (fp32.parameters, fp32.macs) == (CONVNET_PARAMETERS, CONVNET_MACS)
    folded, _ = apply("optimize", convnet(), tmp_path / "folded")
    for name, config in (
        ("quantize", {}),
        ("quantize", {"quantize_bias": False, "activation_type": "int8", "activation_symmetric": True}),
        ("to_fp16", {}),
        ("quantize_dynamic", {}),
    ):
        calibration = {"x": samples()} if name == "quantize" else None
        _, facts = apply(name, folded, tmp_path / f"{name}{len(config)}", config, calibration)
        assert facts.macs == CONVNET_MACS, name
        # The normalisation is in the convolution now: 8 biases for its 4 * 8 numbers.
        assert facts.parameters == CONVNET_PARAMETERS - 4 * 8 + 8, name


@pytest.mark.parametrize(
    ("node", "constants", "shape", "expected"),
    [
        (("Conv", {"group": 4, "strides": [2, 2]}), {"w": weights(8, 1, 3, 3)}, [4, 9, 9], 8 * 4 * 4 * 9),
        (("Conv", {"dilations": [2, 2]}), {"w": weights(8, 4, 3, 3)}, [4, 9, 9], 8 * 5 * 5 * 4 * 9),
        (("ConvTranspose", {"strides": [2, 2]}), {"w": weights(4, 6, 2, 2)}, [4, 5, 5], 4 * 5 * 5 * 6 * 4),
        (("MatMul", {}), {"w": weights(7, 3)}, [5, 7], 5 * 7 * 3),
        (("Gemm", {}), {"w": weights(7, 3)}, [7], 7 * 3),
        (("Relu", {}), {}, [7], 0),
    ],
)
def test_macs_by_hand(
    node: tuple[str, dict[str, object]], constants: dict[str, Array], shape: list[int], expected: int
) -> None:
    op, attributes = node
    made = helper.make_node(op, ["x", *constants], ["y"], "node", **attributes)  # type: ignore[arg-type]
    model = model_of([made], constants, {"x": ["n", *shape]}, {"y": []})
    model.graph.output[0].type.tensor_type.ClearField("shape")
    assert facts_of(model).macs == expected


def test_macs_that_are_not_known() -> None:
    symbolic = model_of(
        [helper.make_node("Conv", ["x", "w"], ["y"], "c")],
        {"w": weights(2, 3, 3, 3)},
        {"x": ["n", 3, "height", "width"]},
        {"y": ["n", 2, "h", "w"]},
    )
    assert facts_of(symbolic).macs is None
    recurrent = model_of(
        [helper.make_node("LSTM", ["x", "w", "r"], ["y"], "l", hidden_size=4)],
        {"w": weights(1, 16, 3), "r": weights(1, 16, 4)},
        {"x": ["t", "n", 3]},
        {"y": ["t", 1, "n", 4]},
    )
    assert facts_of(recurrent).macs is None


def test_parameters_are_what_is_learned() -> None:
    model = perceptron()
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, -1]), "shape"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(1e-5, np.float32), "epsilon"))
    assert facts_of(model).parameters == 6 * 16 + 3 * 16 + 3


def test_what_is_no_tensor() -> None:
    model = convnet()
    model.graph.input.append(helper.make_tensor_sequence_value_info("q", TensorProto.FLOAT, None))
    with pytest.raises(LeptonError, match="'q' of the model's signature: it is no tensor"):
        facts_of(model)
