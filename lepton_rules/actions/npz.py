"""Writes `.npz` files with one spelling: equal arrays give equal bytes."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin import LeptonError

if TYPE_CHECKING:
    import numpy

# The oldest time that the zip format can say.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_npz(arrays: Mapping[str, "numpy.ndarray[Any, Any]"], path: Path) -> None:
    """Writes arrays in name order, uncompressed, in C order and little-endian, with a fixed time.

    `numpy.savez` puts the time of day into the archive, and the order of its keywords.

    Raises:
        LeptonError: an array holds objects, which only a pickle could carry.
    """
    import numpy

    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            array = numpy.asarray(arrays[name])
            if array.dtype.hasobject:
                raise LeptonError(f"array {name!r}", f"it has dtype {array.dtype}", "Give it a numeric dtype")
            plain = numpy.asarray(array, array.dtype.newbyteorder("<"), order="C")
            member = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            member.external_attr = 0o644 << 16
            with archive.open(member, "w", force_zip64=True) as stream:
                numpy.lib.format.write_array(stream, plain, version=(1, 0), allow_pickle=False)
