"""HDF5 files that a stranger may have made: only groups and plain arrays of numbers, all of it in the file itself.

HDF5 has links into other files, arrays whose bytes lie in other files, views over several files, objects, references:
none of them is needed for weights, and each is refused before anything is read. Format: the HDF5 File Format
Specification, version 3.0.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.safetensors_file import open_regular

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FIX = "Save the model again with Keras, model.save(…)"
_OBJECTS_LIMIT = 100_000
_RATIO_LIMIT = 100  # of an array's bytes to those that its compressed chunks take
_RANK_LIMIT = 32
_FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)


def check_hdf5(path: Path, what: str) -> None:
    """Nothing, where the file is as the module says.

    Raises:
        LeptonError: about `what`: it is not, or it is damaged.
    """
    open_regular(path, what).close()
    try:
        with h5py.File(path, "r") as file:
            if h5py.h5f.get_obj_count(file.id, h5py.h5f.OBJ_FILE) != 1:
                raise LeptonError(what, "it is several files in one", _FIX)
            _check_group(file, path.stat().st_size, what)
    except LeptonError:
        raise
    except Exception as error:  # h5py raises OSError, KeyError, RuntimeError, ValueError for damaged files
        raise LeptonError(what, f"it is a damaged HDF5 file ({_line(error)})", _FIX) from None


def _check_group(file: h5py.File, size: int, what: str) -> None:
    waiting, seen = [file["/"]], set()
    while waiting:
        group = waiting.pop()
        for raw in group.id:
            name = raw.decode("utf-8", "replace")
            link = group.id.links.get_info(raw)
            where = f"{group.name.rstrip('/')}/{name}"[:120]
            if link.type != h5py.h5l.TYPE_HARD:
                raise LeptonError(what, f"{where!r} is a link to somewhere else", _FIX)
            identity = h5py.h5o.open(group.id, raw)
            address = h5py.h5o.get_info(identity).addr
            if address in seen:
                raise LeptonError(what, f"{where!r} is there under two names", _FIX)
            seen.add(address)
            if len(seen) > _OBJECTS_LIMIT:
                raise LeptonError(what, f"it has more than {_OBJECTS_LIMIT} objects", _FIX)
            if isinstance(identity, h5py.h5g.GroupID):
                waiting.append(h5py.Group(identity))
            elif isinstance(identity, h5py.h5d.DatasetID):
                _check_array(identity, size, f"array {where!r} of {what}")
            else:
                raise LeptonError(what, f"{where!r} is neither a group nor an array", _FIX)


def _check_array(identity: h5py.h5d.DatasetID, size: int, what: str) -> None:
    plan = identity.get_create_plist()
    layout = plan.get_layout()
    if plan.get_external_count() or layout == h5py.h5d.VIRTUAL:
        raise LeptonError(what, "its bytes are in other files", _FIX)
    dtype = identity.dtype
    if dtype.kind not in "biuf" or dtype.metadata:
        raise LeptonError(what, f"it has dtype {dtype}, accepted are booleans and numbers", _FIX)
    space = identity.get_space()
    if space.get_simple_extent_type() == h5py.h5s.NULL or space.get_simple_extent_ndims() > _RANK_LIMIT:
        raise LeptonError(what, "it has no shape that an array can have", _FIX)
    count = 1
    for length in identity.shape:
        count *= int(length)  # Python's integers: no overflow
    declared, stored = count * dtype.itemsize, identity.get_storage_size()
    if stored > size:
        raise LeptonError(what, f"it takes {stored} bytes of a file of {size}", _FIX)
    if layout == h5py.h5d.CHUNKED:
        for index in range(plan.get_nfilters()):
            if plan.get_filter(index)[0] not in _FILTERS:
                raise LeptonError(what, "it is compressed in another way than gzip", _FIX)
        if declared > _RATIO_LIMIT * max(stored, 1):
            raise LeptonError(what, f"it declares {declared} bytes, and {stored} are there", _FIX)
    elif stored < declared:
        raise LeptonError(what, f"it declares {declared} bytes, and {stored} are there", _FIX)


def check_finite(arrays: dict[str, np.ndarray], what: str) -> None:
    """Raises LeptonError about the first array that holds NaN or infinity."""
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise LeptonError(what, f"weight {name!r} has NaN or infinite values", "Train again with a smaller rate")


def _line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
