"""dataset: a generator's arrays, or those of files, cut into named splits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_rules.actions import component, user_function
from lepton_rules.actions.arguments import Arguments
from lepton_rules.actions.npz import write_npz
from lepton_rules.manifest import parse_json
from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.arrays import read_npy, read_npz
from lepton_rules.plugin.names import suggestion

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray[Any, Any]]
    Indices = np.ndarray[Any, np.dtype[np.int64]]

_SPLITS_LIMIT = 1 << 30  # bytes of a file of indices
LABELS = "labels"


def run(arguments: Arguments) -> None:
    """Writes each --split to the --output_split of the same place, an npz file with every array cut to its samples.

    The arrays come from --generator, which is called with --config and in it the path of each --data under its name, or
    from each --source: an npz file, or an npy file whose array gets the file's name. --splits names a JSON object of
    index lists; without it the one split has every sample. No sample of --evaluation_split may be in another split.

    Raises:
        LeptonError: the generator, the arrays or the indices are not what a dataset is made of.
    """
    import numpy as np

    names = arguments.many("split")
    outputs = arguments.paths("output_split")
    evaluation = arguments.one("evaluation_split")
    splits = arguments.optional_path("splits")
    generator = arguments.optional("generator")
    if generator is not None:
        component.seed_everything(0)
        what = f"generator {generator}"
        config = arguments.json("config") | {name: str(path) for name, path in arguments.named_paths("data").items()}
        arrays = check_arrays(user_function.find(generator, what)(config), what)
    else:
        arrays = check_arrays(_read_sources(arguments.paths("source")), "arrays")
    samples = len(next(iter(arrays.values())))
    if splits is None:
        indices = dict.fromkeys(names, np.arange(samples, dtype=np.int64))
    else:
        indices = read_splits(splits, names, evaluation, samples)
    for name, output in zip(names, outputs, strict=True):
        chosen = indices[name]
        write_npz({key: array[chosen] for key, array in arrays.items()}, output)


def check_arrays(value: object, what: str) -> "dict[str, np.ndarray[Any, Any]]":
    """What a dataset is made of: named arrays of booleans or numbers with equally many samples, at least one.

    Labels of any width of integer become int64, which metrics expect.

    Raises:
        LeptonError: about `what`, when it is anything else.
    """
    import numpy as np

    if not isinstance(value, Mapping):
        raise LeptonError(what, f"it gave {_kind(value)}", "Return a dict of arrays by name")
    if not value:
        raise LeptonError(what, "it gave no arrays", "Return one array for each of the model's inputs, and `labels`")
    arrays = {}
    for name, array in value.items():
        if not isinstance(name, str) or not name or not name.isprintable() or name.startswith("/") or ".." in name:
            raise LeptonError(what, f"{name!r} is no name for an array", "Name arrays as the model's inputs are named")
        if not isinstance(array, np.ndarray):
            raise LeptonError(what, f"{name!r} is {_kind(array)}", "Make it a numpy array")
        if array.dtype.kind not in "biufc":
            raise LeptonError(
                what, f"{name!r} has dtype {array.dtype}, accepted are booleans and numbers", "Convert it with astype"
            )
        if array.ndim == 0:
            raise LeptonError(what, f"{name!r} has no axis", "Make its first axis the sample")
        arrays[name] = array
    counts = {name: len(array) for name, array in sorted(arrays.items())}
    if len(set(counts.values())) > 1:
        raise LeptonError(what, f"its arrays have different numbers of samples: {counts}", "Give each as many")
    if not min(counts.values()):
        raise LeptonError(what, "it has no samples", "Give at least one")
    if LABELS in arrays:
        arrays[LABELS] = _labels(arrays[LABELS], what)
    return arrays


def read_splits(path: Path, names: Sequence[str], evaluation: str, samples: int) -> "dict[str, Indices]":
    """The index lists of a JSON file, checked: one for each of `names`, each index one of `samples`, none twice.

    Raises:
        LeptonError: they are not; or a sample of the split `evaluation` is in another split.
    """
    import numpy as np

    what = f"split_indices {path.name}"
    try:
        if path.stat().st_size > _SPLITS_LIMIT:
            raise LeptonError(what, f"it has more than {_SPLITS_LIMIT} bytes", "List fewer samples")
        table = parse_json(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise LeptonError(what, f"it is not JSON ({error})", "Write an object of lists of indices") from None
    if not isinstance(table, dict):
        raise LeptonError(what, f"it holds {_kind(table)}", "Write an object of lists of indices")
    for name in names:
        if name not in table:
            raise LeptonError(what, f"it has no split {name!r}", suggestion(name, table))
    for name in table:
        if name not in names:
            raise LeptonError(what, f"its split {name!r} is not among splits", suggestion(name, names))
    found: dict[str, Indices] = {}
    for name, listed in table.items():
        if not isinstance(listed, list) or not all(type(index) is int for index in listed):
            raise LeptonError(what, f"split {name!r} is not a list of integers", "List the indices of its samples")
        if not listed:
            raise LeptonError(what, f"split {name!r} is empty", "List at least one sample, or drop the split")
        low, high = min(listed), max(listed)
        if low < 0 or high >= samples:
            wrong = low if low < 0 else high
            raise LeptonError(
                what,
                f"split {name!r} has the index {wrong}, and the samples are 0 to {samples - 1}",
                "Correct the list, or the arrays that it was made for",
            )
        indices = np.array(listed, np.int64)
        ordered = np.sort(indices)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(twice):
            raise LeptonError(what, f"split {name!r} has sample {twice[0]} twice", "List each sample once")
        found[name] = indices
    if evaluation in found:
        for name, indices in found.items():
            shared = np.intersect1d(indices, found[evaluation])
            if name != evaluation and len(shared):
                raise LeptonError(
                    what,
                    f"{len(shared)} samples of {evaluation!r} are also in {name!r}, such as {shared[0]}",
                    "Hold the evaluation split out of every other",
                )
    return found


def _read_sources(paths: Sequence[Path]) -> "dict[str, np.ndarray[Any, Any]]":
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for path in paths:
        with path.open("rb") as stream:
            bare = stream.read(6) == b"\x93NUMPY"
        for name, array in ({path.stem: read_npy(path)} if bare else read_npz(path)).items():
            if name in arrays:
                raise LeptonError("arrays", f"two files have an array {name!r}", "Name every array once")
            arrays[name] = array
    return arrays


def _labels(labels: "np.ndarray[Any, Any]", what: str) -> "np.ndarray[Any, Any]":
    import numpy as np

    if labels.dtype.kind in "fc" and not np.isfinite(labels).all():
        raise LeptonError(what, f"{LABELS!r} has a label that is no number", "Drop the samples that have no label")
    if labels.dtype.kind not in "iu":
        return labels
    if labels.dtype == np.uint64 and labels.max() > np.iinfo(np.int64).max:
        raise LeptonError(what, f"{LABELS!r} has the label {labels.max()}, beyond int64", "Give smaller labels")
    return labels.astype(np.int64)


def _kind(value: object) -> str:
    return "nothing" if value is None else f"an object of type {type(value).__name__}"
