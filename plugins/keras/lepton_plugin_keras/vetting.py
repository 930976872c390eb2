"""Which Keras configurations are data: those that name nothing but layers that are known to run no code and read no
file.

A configuration is JSON that names a class for each layer, initializer and activation, and Keras imports what it names.
`safe_mode` has been got around again and again (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905,
CVE-2025-9906, CVE-2025-12058, CVE-2025-49655), so every name is compared with the lists below before Keras sees any of
it, whatever the format of the file.
"""

from __future__ import annotations

from typing import Any

from lepton_rules.plugin import LeptonError

_DEPTH_LIMIT = 100
_FIX = (
    "Build the model of Keras's own layers and save it again, export it as ONNX where it is trained, or set "
    "allow_code = True if you know who made it"
)

MODELS = frozenset({"Functional", "Model", "Sequential"})

# Layers that compute on their inputs alone. Not here, for what they do: Lambda and the wrappers of other frameworks
# (TorchModuleWrapper, FlaxLayer, JaxLayer, TFSMLayer) run code; StringLookup, IntegerLookup and TextVectorization read
# files of words.
LAYERS = frozenset(
    """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average AveragePooling1D
    AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization Bidirectional CategoryEncoding
    CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D
    ConvLSTM3D Convolution1D Convolution2D Convolution3D Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D
    DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Flatten GRU GRUCell GaussianDropout
    GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D
    GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention Identity InputLayer LSTM LSTMCell
    LayerNormalization LeakyReLU Masking MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum
    Minimum MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization RNN ReLU RepeatVector Rescaling
    Reshape Resizing SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D
    SpatialDropout3D SpectralNormalization StackedRNNCells Subtract ThresholdedReLU TimeDistributed UnitNormalization
    UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
    """.split()
)
INITIALIZERS = frozenset(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal
    OrthogonalInitializer IdentityInitializer RandomNormal RandomUniform STFT STFTInitializer TruncatedNormal
    VarianceScaling Zeros
    """.split()
)
REGULARIZERS = frozenset({"L1", "L1L2", "L2", "OrthogonalRegularizer"})
CONSTRAINTS = frozenset({"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"})
POLICIES = frozenset({"DTypePolicy", "DTypePolicyMap", "Policy"})
ACTIVATIONS = frozenset(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid
    log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid
    sparsemax squareplus swish tanh tanh_shrink threshold
    """.split()
)
# What stands for a plain value in JSON.
_VALUES = frozenset({"__keras_tensor__", "__tensor__", "__numpy__", "__tuple__", "__ellipsis__", "slice"})
# Operations in a functional graph, `x + y` or `keras.ops.mean(x)`.
_OPERATIONS = frozenset(
    """
    Absolute Add Clip Concatenate Divide Exp ExpandDims GetItem Log Matmul Max Maximum Mean Min Minimum Multiply
    Negative Power Relu Reshape Sigmoid Softmax Sqrt Square Squeeze Stack Subtract Sum Tanh Transpose TrueDivide
    """.split()
)

_HOMES = {
    "keras": MODELS | POLICIES,
    "keras.models": MODELS,
    "keras.src.models.functional": MODELS,
    "keras.src.models.sequential": MODELS,
    "keras.layers": LAYERS,
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": REGULARIZERS,
    "keras.constraints": CONSTRAINTS,
    "keras.activations": ACTIVATIONS,
    "keras.dtype_policies": POLICIES,
    "keras.mixed_precision": POLICIES,
    "keras.src.ops.numpy": _OPERATIONS,
    "keras.src.ops.nn": _OPERATIONS,
    "keras.src.ops.core": frozenset({"Cast", "Slice"}),
    "builtins": frozenset({"slice"}),
}
_NAMED = frozenset().union(*_HOMES.values()) | _VALUES
_OF_CODE = frozenset({"__lambda__", "Lambda", "TorchModuleWrapper", "FlaxLayer", "JaxLayer", "TFSMLayer"})
_OF_FILES = frozenset({"StringLookup", "IntegerLookup", "TextVectorization", "HashedCrossing", "Hashing"})


def vet(config: Any, what: str) -> None:
    """Nothing, where a configuration (decoded JSON) is of a model that is built of the layers above.

    Raises:
        LeptonError: about `what`: it names something else, or is no model's configuration.
    """
    if not isinstance(config, dict) or config.get("class_name") not in MODELS:
        named = config.get("class_name") if isinstance(config, dict) else type(config).__name__
        why = f"its configuration is of {_short(named)}, accepted are Sequential and Functional"
        raise LeptonError(what, why, _FIX)
    if "layers" not in (config["config"] if isinstance(config.get("config"), dict) else {}):
        raise LeptonError(what, "its configuration lists no layers: it is of a class of the user's own", _FIX)
    try:
        _vet(config, what, 0)
    except RecursionError:
        raise LeptonError(what, "its configuration is nested too deep", _FIX) from None


def without_training(value: Any) -> Any:
    """A configuration without how its models were compiled: an import has no use for optimizers, losses, metrics."""
    if isinstance(value, dict):
        return {key: without_training(item) for key, item in value.items() if key != "compile_config"}
    if isinstance(value, list):
        return [without_training(item) for item in value]
    return value


def _vet(value: Any, what: str, depth: int) -> None:
    if depth > _DEPTH_LIMIT:
        raise LeptonError(what, f"its configuration is nested more than {_DEPTH_LIMIT} deep", _FIX)
    if isinstance(value, list):
        for item in value:
            _vet(item, what, depth + 1)
    elif isinstance(value, dict):
        if "class_name" in value:
            _vet_object(value, what)
        elif "module" in value or "registered_name" in value:
            raise LeptonError(what, f"its configuration names {_short(value.get('module'))} without a class", _FIX)
        for item in value.values():
            _vet(item, what, depth + 1)


def _vet_object(value: dict[str, Any], what: str) -> None:
    name, module, registered = value["class_name"], value.get("module"), value.get("registered_name")
    if name == "function":
        name, module = value.get("config"), module if module != "builtins" else "keras.activations"
        registered = None if registered == name else registered
    if not isinstance(name, str) or not isinstance(module, str | None) or not isinstance(registered, str | None):
        raise LeptonError(what, f"its configuration names {_short(name)}, which is no name", _FIX)
    shown = _short(name if module is None else f"{module}.{name}")
    if name in _OF_CODE:
        raise LeptonError(what, f"its configuration names {shown}, which runs code from the file", _FIX)
    if name in _OF_FILES:
        raise LeptonError(what, f"its configuration names {shown}, which reads files or texts", _FIX)
    if registered is not None and registered not in (name, f"keras>{name}"):
        raise LeptonError(what, f"its configuration names {_short(registered)}, a class of the user's own", _FIX)
    known = _NAMED if module is None else _HOMES.get(module, frozenset())
    if name not in known and not (name in _VALUES and module in (None, "builtins")):
        raise LeptonError(what, f"its configuration names {shown}, which is none of the layers that are known", _FIX)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
