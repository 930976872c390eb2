"""Files that `skops.io.dump` writes: a zip with a schema, which names a type for each object, and arrays.

A pickle runs whatever it names; a skops file only what its reader allows. The reader's own judgement has been got
around (CVE-2024-37065, CVE-2025-54412, CVE-2025-54413, CVE-2025-54886), so here every node of the schema is compared
with the lists below before skops builds anything of it. Format: https://skops.readthedocs.io/en/stable/persistence.html
"""

from __future__ import annotations

import json
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Any

import skops.io

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.content import START_BYTES, kind_of
from lepton_rules.plugin.safetensors_file import open_regular

SCHEMA = "schema.json"
_FIX = "Save it with skops.io.dump(estimator, path)"
_SCHEMA_LIMIT = 256 << 20  # bytes
_RATIO_LIMIT = 100
_DEPTH_LIMIT = 200
# Nodes that hold data, and objects of types that are judged by their names. Not here, for what they do: functions,
# methods, partial functions and operators.
_LOADERS = frozenset(
    """
    CachedNode DTypeNode DatetimeNode DefaultDictNode DictNode FrozenSetNode JsonNode ListNode LossNode MaskedArrayNode
    NdArrayNode ObjectNode OrderedDictNode RandomGeneratorNode RandomStateNode SGDNode SetNode SliceNode
    SparseMatrixNode TreeNode TupleNode TypeNode _DictWithDeprecatedKeysNode
    """.split()
)
_VALUES = {
    "builtins": frozenset("bool bytes complex dict float frozenset int list set slice str tuple NoneType".split()),
    "collections": frozenset({"OrderedDict", "defaultdict"}),
    "numpy": frozenset(
        """
        bool bool_ dtype float16 float32 float64 int8 int16 int32 int64 intp ndarray uint8 uint16 uint32 uint64
        """.split()
    ),
    "numpy.ma": frozenset({"MaskedArray"}),
    "numpy.random.mtrand": frozenset({"RandomState"}),
    "numpy.random": frozenset({"Generator", "RandomState"}),
    "numpy.random._generator": frozenset({"Generator"}),
    "scipy.sparse": frozenset({"csc_matrix", "csr_matrix"}),
    "scipy.sparse._csc": frozenset({"csc_matrix", "csc_array"}),
    "scipy.sparse._csr": frozenset({"csr_matrix", "csr_array"}),
}
# Types without code of their own that skops does not list: trees and the like, which estimators consist of.
KNOWN = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
)
# Those that run what they are given.
_OF_CODE = frozenset({"FunctionTransformer"})


def load(path: Path, trusted: tuple[str, ...], what: str) -> Any:
    """The object in a file, once everything that it names is known or trusted.

    Raises:
        LeptonError: about `what`: it is no such file, it is damaged, or it names something else.
    """
    for name in trusted:
        if name.partition(".")[0] not in ("sklearn", "numpy", "scipy") or not name.replace(".", "").isidentifier():
            raise LeptonError("trusted", f"{name!r} is no type of scikit-learn, numpy or scipy", "Remove it")
    vet(path, frozenset(trusted), what)
    accepted = sorted({*KNOWN, *trusted})
    try:
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(accepted))
        if unknown:
            raise LeptonError(
                what,
                f"it holds types that are not known to be safe ({', '.join(unknown[:5])})",
                "Name them in trusted if you trust where the file comes from",
            )
        return skops.io.load(path, trusted=accepted)
    except LeptonError:
        raise
    except Exception as error:  # skops and scikit-learn raise whatever their parts raise
        first = (str(error).strip().splitlines() or [""])[0][:200]
        raise LeptonError(
            what, f"skops cannot read it ({type(error).__name__}: {first})", "Save it again with these versions"
        ) from None


def vet(path: Path, trusted: frozenset[str], what: str) -> None:
    """Nothing, where the file is a zip as skops writes it, and every node in its schema is of a known kind, and of a
    type that is known or `trusted`.

    Raises:
        LeptonError: about `what`: it is not.
    """
    with open_regular(path, what) as stream:
        start = stream.read(START_BYTES)
        if not start.startswith(b"PK\x03\x04"):
            raise LeptonError(what, _refusal(start), _FIX)
        try:
            with zipfile.ZipFile(stream) as archive:
                members = archive.infolist()
                _check_members(members, path.stat().st_size, what)
                text = archive.read(SCHEMA)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError) as error:
            raise LeptonError(what, f"its zip archive is damaged ({str(error)[:200]})", _FIX) from None
    try:
        schema = json.loads(text.decode("utf-8"))
        _vet(schema, {member.filename for member in members}, trusted, what, 0)
    except (ValueError, RecursionError) as error:
        raise LeptonError(what, f"its schema is not JSON ({str(error)[:200]})", _FIX) from None


def _refusal(start: bytes) -> str:
    kind = kind_of(start)
    if kind == "a pickle" or start[:2] in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        return f"it is {'a pickle' if kind == 'a pickle' else 'what joblib compressed'}, and reading it would run it"
    return f"it is no skops file but {kind}"


def _check_members(members: list[zipfile.ZipInfo], size: int, what: str) -> None:
    names = [member.filename for member in members]
    if SCHEMA not in names:
        raise LeptonError(what, f"it is no skops file: it has no member {SCHEMA!r}", _FIX)
    for member in members:
        name = member.filename
        about = f"member {name[:80]!r} of {what}"
        if names.count(name) > 1 or member.orig_filename != name:
            raise LeptonError(about, "its name is there twice, or forged", _FIX)
        if name != SCHEMA and (Path(name).name != name or Path(name).suffix not in (".npy", ".npz")):
            raise LeptonError(about, "it is no array of a skops file", _FIX)
        if member.flag_bits & 0x1 or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise LeptonError(about, "it is encrypted, or neither stored nor deflated", _FIX)
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise LeptonError(about, "it is not a plain file", _FIX)
        if member.compress_size > size or member.file_size > _RATIO_LIMIT * max(member.compress_size, 1):
            raise LeptonError(about, f"{member.compress_size} bytes declare {member.file_size}", _FIX)
        if name == SCHEMA and member.file_size > _SCHEMA_LIMIT:
            raise LeptonError(about, f"it has {member.file_size} bytes, at most {_SCHEMA_LIMIT} are read", _FIX)


def _vet(value: Any, files: set[str], trusted: frozenset[str], what: str, depth: int) -> None:
    if depth > _DEPTH_LIMIT:
        raise LeptonError(what, f"its schema is nested more than {_DEPTH_LIMIT} deep", _FIX)
    if isinstance(value, list):
        for item in value:
            _vet(item, files, trusted, what, depth + 1)
    elif isinstance(value, dict):
        if "__loader__" in value or "__class__" in value:
            _vet_node(value, files, trusted, what)
        for item in value.values():
            _vet(item, files, trusted, what, depth + 1)


def _vet_node(node: dict[str, Any], files: set[str], trusted: frozenset[str], what: str) -> None:
    loader, module, name = (node.get(key) for key in ("__loader__", "__module__", "__class__"))
    if not all(isinstance(text, str) for text in (loader, module, name)):
        raise LeptonError(what, "an object in its schema has no type", _FIX)
    assert isinstance(module, str)
    shown = f"{module}.{name}"[:120]
    if loader not in _LOADERS or name in _OF_CODE:
        kind = "a function, or what calls one" if loader not in _LOADERS else "a function that it calls"
        raise LeptonError(what, f"it holds {shown} ({loader}): {kind}", "Build the pipeline of estimators alone")
    file = node.get("file")
    if file is not None and file not in files:
        raise LeptonError(what, f"its schema names the file {str(file)[:80]!r}, which it has not", _FIX)
    if name in _VALUES.get(module, frozenset()) or shown in trusted:
        return
    if module.partition(".")[0] != "sklearn":
        raise LeptonError(
            what,
            f"it holds {shown}, which is of neither scikit-learn nor numpy",
            "Build the pipeline of scikit-learn's own estimators",
        )
