"""SmoothQuant: moves the difficulty of quantizing activations into the weights.

A transformer's activations have a few channels of great magnitude, which take the range that one scale for all channels
has to cover. For each channel j of a linear layer's input X, with weights W,

    s_j = max|X_j| ** alpha / max|W_j| ** (1 - alpha),    X' = X / s,    W' = s W,    so that X' W' = X W

(G. Xiao, J. Lin, M. Seznec, H. Wu, J. Demouth and S. Han, "SmoothQuant: Accurate and Efficient Post-Training
Quantization for Large Language Models", 2022, https://arxiv.org/abs/2211.10438, equation 4). The layers that read one
activation share its factors, W then being all their weights. 1 / s goes into what makes the activation: into the gains
and biases of a layer normalisation, or through Relu into the linear layer before. Where something else reads the
activation too, as the residual sum of a BERT does, or nothing can take the factors, a multiplication is put in.

As in the paper, only layers that read a layer normalisation are smoothed unless all are asked for: there some channels
are great for every token. Behind a Gelu a channel may be still in all calibration samples and great in the next.

Nothing is quantized here: a quantizing pass follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.calibration import Calibration
from lepton_plugin_onnx.constants import Constants
from lepton_plugin_onnx.files import read_model
from lepton_plugin_onnx.finish import finish
from lepton_plugin_onnx.graphs import fresh_name, names_of, readers_of
from lepton_plugin_onnx.quantize import refuse_quantized
from lepton_plugin_onnx.selection import require_nodes
from lepton_rules.plugin import DatasetFile, LeptonError, ModelFacts, PassContext, TensorSpec
from lepton_rules.plugin.arrays import require_fit

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from lepton_plugin_onnx.configs import SmoothQuantConfig

    Array = np.ndarray[Any, Any]

_WHAT = "pass onnx.smooth_quant"
_LEAST = 1e-5  # of a magnitude and of a factor, as the authors have it: a channel that is never used stays finite
_NORMS = ("LayerNormalization", "SkipLayerNormalization")


def smooth_quant(context: PassContext) -> ModelFacts:
    """Writes the smoothed model, which computes the same. LeptonError where the calibration samples do not fit, a name
    is unknown, the model is quantized already, or it has no linear layer with constant weights."""
    config: SmoothQuantConfig = context.config
    model = read_model(context.model.path)
    refuse_quantized(model, _WHAT)
    require_nodes(model, config.exclude, "smooth_quant")
    groups = _groups(model, set(config.exclude))
    if config.layers == "after_norm":
        norms = {node.output[0] for node in model.graph.node if node.op_type in _NORMS}
        groups = {activation: nodes for activation, nodes in groups.items() if activation in norms}
    if not groups:
        what = "after a layer normalisation " if config.layers == "after_norm" else ""
        why = f"the model has no linear layer with constant weights {what}to smooth"
        raise LeptonError(_WHAT, why, "Leave this pass out")
    slot = context.slots["calibration"]
    assert isinstance(slot, DatasetFile)
    arrays = slot.arrays()
    specs = [TensorSpec.from_json(spec) for spec in context.model.manifest["inputs"]]
    samples = min(require_fit(arrays, specs, f"slot calibration of {_WHAT}"), config.max_samples)
    calibration = Calibration(model, list(groups), arrays, samples, context.threads)
    magnitudes, samples = calibration.channel_magnitudes(), calibration.samples
    del arrays, calibration  # the session holds the weights too

    editor = _Editor(model)
    smoothed, left = {}, {}
    for activation, nodes in groups.items():
        names = [node.name for node in nodes]
        factors = editor.factors(nodes, magnitudes[activation], config)
        absorbed = editor.divide(activation, factors, names)
        if not absorbed and not config.insert_multiplications:
            left[activation] = f"nothing before {', '.join(names)} can take the factors"
            continue
        if not absorbed:
            absorbed = editor.multiply(activation, factors, nodes)
        for node in nodes:
            editor.scale_rows(node, factors)
        before, after = magnitudes[activation], magnitudes[activation] / factors
        smoothed[activation] = {
            "layers": names,
            "absorbed_by": absorbed,
            "largest_to_mean_before": _spread(before),
            "largest_to_mean_after": _spread(after),
        }
    if not smoothed:
        raise LeptonError(_WHAT, "nothing could be smoothed", "Set insert_multiplications, or leave this pass out")
    notes = {"alpha": config.alpha, "samples": samples, "smoothed": smoothed, "left": left}
    return finish(model, context.output, notes)


def _spread(magnitudes: Array) -> float:
    return round(float(magnitudes.max() / max(magnitudes.mean(), _LEAST)), 4)


def _groups(model: onnx.ModelProto, exclude: set[str]) -> dict[str, list[onnx.NodeProto]]:
    """Activation to the linear layers that read it, in graph order."""
    from onnx import TensorProto

    constants = {t.name: t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT}
    groups: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        linear = (node.op_type in ("MatMul", "Gemm") and not node.domain) or (
            node.op_type == "Attention" and node.domain == "com.microsoft"
        )
        if not linear or node.name in exclude or node.input[0] in constants or node.input[1] not in constants:
            continue
        if len(constants[node.input[1]].dims) == 2 and not _flag(node, "transA"):
            groups.setdefault(node.input[0], []).append(node)
    return groups


def _flag(node: onnx.NodeProto, name: str) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), 0)


class _Editor:
    """Scales what makes activations, and what reads them."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._constants = Constants(model.graph)
        self._outputs = {value.name for value in model.graph.output}

    def factors(self, nodes: Sequence[onnx.NodeProto], magnitudes: Array, config: SmoothQuantConfig) -> Array:
        """s [channels] of the layers that share an activation."""
        import numpy as np

        rows = []
        for node in nodes:
            weights = np.abs(self._constants.values(node.input[1]))
            rows.append(weights.max(0 if _flag(node, "transB") else 1).astype(np.float64))
        largest = np.maximum(np.max(rows, axis=0), _LEAST)
        factors: Array = np.maximum(magnitudes, _LEAST) ** config.alpha / largest ** (1 - config.alpha)
        factors = np.maximum(factors, _LEAST)
        factors[magnitudes == 0] = 1.0
        if config.powers_of_two:
            factors = 2.0 ** np.round(np.log2(factors))
        return factors

    def divide(self, name: str, factors: Array, readers: Sequence[str]) -> str:
        """Makes the value `name` come out divided by `factors`; the node that took them, or nothing where none can.

        Every reader of the value must be one of `readers`.
        """
        found = readers_of(self._graph).get(name, [])
        if name in self._outputs or {node.name for node in found} != set(readers):
            return ""
        maker = next((node for node in self._graph.node if name in node.output), None)
        if maker is None:
            return ""
        vectors = [place for place, source in enumerate(maker.input) if self._is_vector(source, len(factors))]
        if maker.op_type in _NORMS and maker.output[0] == name:
            places = [1, 2] if maker.op_type == "LayerNormalization" else [2, 3]
            places = [place for place in places if len(maker.input) > place and maker.input[place]]
            return self._scale_all(maker, places, factors) if set(places) <= set(vectors) else ""
        if maker.op_type == "Relu" and not maker.domain:
            return self.divide(maker.input[0], factors, [maker.name])
        if maker.op_type == "Add" and len(vectors) == 1:
            behind = self.divide(maker.input[1 - vectors[0]], factors, [maker.name])
            return self._scale_all(maker, vectors, factors) if behind else ""
        if maker.op_type == "Mul" and len(vectors) == 1:
            return self._scale_all(maker, vectors, factors)
        if maker.op_type in ("MatMul", "Gemm") and self._is_matrix(maker.input[1]):
            biased = len(maker.input) > 2 and maker.input[2] != ""
            if biased and 2 not in vectors:
                return ""
            self._scale(maker, 1, (1 / factors)[:, None] if _flag(maker, "transB") else 1 / factors)
            return self._scale_all(maker, [2] if biased else [], factors)
        return ""

    def multiply(self, name: str, factors: Array, nodes: Sequence[onnx.NodeProto]) -> str:
        """Puts a multiplication by 1 / factors between the value and the layers; its name."""
        import numpy as np
        from onnx import helper

        gain = self._constants.add(f"{name}_smoothing", (1 / factors).astype(np.float32))
        product = fresh_name(f"{name}_smooth", names_of(self._graph))
        names = {node.name for node in nodes}
        first = next(index for index, node in enumerate(self._graph.node) if node.name in names)
        for node in nodes:
            node.input[0] = product
        self._graph.node.insert(first, helper.make_node("Mul", [name, gain], [product], product))
        return product

    def scale_rows(self, node: onnx.NodeProto, factors: Array) -> None:
        """Multiplies the weights' rows, one for each input channel."""
        self._scale(node, 1, factors if _flag(node, "transB") else factors[:, None])

    def _is_vector(self, name: str, size: int) -> bool:
        return name in self._constants and self._constants.dims(name) in ([size], [1, size], [1, 1, size])

    def _is_matrix(self, name: str) -> bool:
        return name in self._constants and len(self._constants.dims(name)) == 2

    def _scale_all(self, node: onnx.NodeProto, places: Sequence[int], factors: Array) -> str:
        """Divides constants of a node; its name."""
        for place in places:
            self._scale(node, place, 1 / factors)
        return str(node.name)

    def _scale(self, node: onnx.NodeProto, place: int, by: Array) -> None:
        import numpy as np

        values = self._constants.values(node.input[place])
        self._constants.replace(node, place, (values.astype(np.float64) * by).astype(values.dtype))
