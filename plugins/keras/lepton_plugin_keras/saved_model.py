"""TensorFlow SavedModels: graphs, which are programs. Accepted are those that only compute.

TensorFlow's own advice is to run an untrusted SavedModel in a sandbox, as its operators read and write files and call
Python. Here the file is read as what it is, a protocol buffer, before TensorFlow loads it: whatever its signature
reaches must be on the list below, and nothing may run while it is loaded. Format:
https://www.tensorflow.org/guide/saved_model#the_savedmodel_format_on_disk
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.names import suggestion
from lepton_rules.plugin.safetensors_file import open_regular

MODEL_FILE = "saved_model.pb"
_FIX = "Export it again with model.export(…), without preprocessing that reads files or texts"
_LIMIT = (1 << 31) - 1  # protobuf's
# Beside these TensorFlow and Keras write notes that no reader needs.
_NOTES = frozenset({"fingerprint.pb", "keras_metadata.pb"})

# Operators that compute on their inputs, hold constants, read variables or call functions that do.
PURE = frozenset(
    """
    Abs Acos Acosh Add AddN AddV2 All Any ArgMax ArgMin Asin Asinh Atan Atan2 Atanh AvgPool AvgPool3D BatchMatMul
    BatchMatMulV2 BatchMatMulV3 BatchToSpaceND BiasAdd BiasAddV1 Bitcast BroadcastArgs BroadcastGradientArgs
    BroadcastTo Cast Ceil ClipByValue Concat ConcatV2 Const Conv1D Conv2D Conv2DBackpropInput Conv3D
    Conv3DBackpropInputV2 Cos Cosh Cumsum DepthToSpace DepthwiseConv2d DepthwiseConv2dNative Div DivNoNan Einsum Elu
    EmptyTensorList EnsureShape Equal Erf Erfc Exp ExpandDims Fill Floor FloorDiv FloorMod FusedBatchNorm
    FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual Identity IdentityN If IsFinite
    IsInf IsNan L2Loss LRN LeakyRelu Less LessEqual LinSpace Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr
    MatMul MatrixBandPart MatrixDiag MatrixDiagV2 MatrixDiagV3 Max MaxPool MaxPool3D MaxPoolV2 Maximum Mean Min
    Minimum MirrorPad Mod Mul Neg NoOp NotEqual OneHot OnesLike Pack Pad PadV2 PartitionedCall Placeholder
    PlaceholderWithDefault Pow PreventGradient Prod Range Rank ReadVariableOp RealDiv Reciprocal Relu Relu6 Reshape
    ResizeBicubic ResizeBilinear ResizeNearestNeighbor ReverseSequence ReverseV2 Rint Roll Round Rsqrt ScatterNd
    Select SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToBatchND
    SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze StatefulPartitionedCall StatelessIf
    StatelessWhile StopGradient StridedSlice Sub Sum Tan Tanh TensorListFromTensor TensorListGetItem
    TensorListLength TensorListReserve TensorListResize TensorListSetItem TensorListStack TensorScatterUpdate Tile
    TopKV2 Transpose TruncateDiv Unique Unpack VarHandleOp Where While Xlogy ZerosLike
    """.split()
)
# Classes of TensorFlow's own that an object may name.
_REGISTERED = frozenset({"", "tf.TrackableConstant"})
# What the functions that save and restore variables consist of. They never run here: variables are read by TensorFlow's
# checkpoint reader.
_SAVING = frozenset(
    """
    AssignVariableOp DisableCopyOnRead MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename StaticRegexFullMatch
    StringJoin VarIsInitializedOp
    """.split()
)


def is_saved_model(sources: Sequence[Path]) -> bool:
    """Whether files are those of a SavedModel: the format tells its parts by their names."""
    return any(path.name == MODEL_FILE for path in sources)


def copy(sources: Sequence[Path], output: Path, signature: str, what: str) -> None:
    """Copies a SavedModel's files to `output`, once they are known to be safe to load.

    Raises:
        LeptonError: about `what`: they are not.
    """
    models = [path for path in sources if path.name == MODEL_FILE]
    if len(models) != 1:
        raise LeptonError(what, f"there are {len(models)} files {MODEL_FILE}", "Give the files of one SavedModel")
    root = models[0].parent
    for path in sorted(sources):
        open_regular(path, f"file {path.name!r} of {what}").close()
        if not path.is_relative_to(root):
            raise LeptonError(what, f"{path.name!r} is not below the directory of {MODEL_FILE}", "Leave it out")
        place = path.relative_to(root)
        if place.parts[0] in ("assets", "assets.extra"):
            raise LeptonError(what, f"it has the asset {place.name!r}, a file that it reads when it runs", _FIX)
        if place.parts[0] != "variables" and place.name not in (_NOTES | {MODEL_FILE}):
            raise LeptonError(what, f"{str(place)!r} is no part of a SavedModel", "Leave it out")
    vet(models[0], signature, what)
    for path in sources:
        place = path.relative_to(root)
        if place.name not in _NOTES:
            target = output / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def vet(path: Path, signature: str, what: str) -> None:
    """Nothing, where what `path` says can be loaded, and `signature` be run, without anything but arithmetic.

    Raises:
        LeptonError: about `what`: it cannot, or it has no such signature.
    """
    graph = _parse(path, what)
    if graph.asset_file_def:
        raise LeptonError(what, "it has assets, files that it reads when it runs", _FIX)
    if signature not in graph.signature_def:
        known = [name for name in graph.signature_def if not name.startswith("__")]
        raise LeptonError(what, f"it has no signature {signature!r}", suggestion(signature, known))
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    for function in functions.values():
        # Loading builds the graph of every function and runs none.
        _vet_nodes(function.node_def, PURE | _SAVING, f"function {function.signature.name[:80]!r} of {what}")
    _vet_nodes(graph.graph_def.node, PURE | _SAVING, what)
    for node in graph.object_graph_def.nodes:
        kind = node.WhichOneof("kind")
        if kind in ("asset", "resource") or node.registered_saver or node.registered_name not in _REGISTERED:
            shown = node.registered_name or node.registered_saver or kind
            raise LeptonError(what, f"it has an object ({shown}) that runs code or reads files when it is loaded", _FIX)
        if any(pair.save_function or pair.restore_function for pair in node.saveable_objects.values()):
            raise LeptonError(what, "it has an object that runs code when its values are loaded", _FIX)
        if any(child.local_name in ("_create_resource", "_initialize", "initializer") for child in node.children):
            raise LeptonError(what, "it has an object that runs code when it is loaded", _FIX)
    for name in _reached(graph, signature, functions):
        _vet_nodes(functions[name].node_def, PURE, f"function {name[:80]!r} of {what}")


def _parse(path: Path, what: str) -> Any:
    """The one graph in a saved_model.pb."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    if path.stat().st_size > _LIMIT:
        raise LeptonError(what, f"{MODEL_FILE} has more than {_LIMIT} bytes", _FIX)
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString(path.read_bytes())
    except (DecodeError, RecursionError) as error:
        raise LeptonError(what, f"{MODEL_FILE} is damaged ({str(error)[:200]})", _FIX) from None
    graphs = [graph for graph in model.meta_graphs if list(graph.meta_info_def.tags) == ["serve"]]
    if len(graphs) != 1 or len(model.meta_graphs) != 1:
        raise LeptonError(what, f"it has {len(model.meta_graphs)} graphs, accepted is one with the tag serve", _FIX)
    if not graphs[0].object_graph_def.nodes:
        raise LeptonError(what, "it is of TensorFlow 1", "Load it with TensorFlow 2 and save it again")
    return graphs[0]


def _vet_nodes(nodes: Iterable[Any], known: frozenset[str], what: str) -> None:
    for node in nodes:
        if node.op not in known:
            raise LeptonError(what, f"it has the operator {node.op[:80]!r}, which does more than compute", _FIX)


def _reached(graph: Any, signature: str, functions: dict[str, Any]) -> set[str]:
    """The names of the functions that a signature calls, directly or not."""
    nodes = {node.name: node for node in graph.graph_def.node}
    waiting: list[Any] = []
    for tensor in graph.signature_def[signature].outputs.values():
        node = nodes.get(tensor.name.partition(":")[0])
        waiting += [node] if node is not None else []
    found: set[str] = set()
    while waiting:
        for name in _called(waiting.pop()):
            if name in functions and name not in found:
                found.add(name)
                waiting += functions[name].node_def
    # The object graph may bind the signature to a function of its own.
    for name in graph.object_graph_def.concrete_functions:
        if "traced_save" not in name and "traced_restore" not in name and name in functions:
            found.add(name)
    return found


def _called(node: Any) -> Iterable[str]:
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        for function in value.list.func:
            yield function.name
