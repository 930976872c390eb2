"""The zip archives that Keras 3 writes, `.keras` files: three members of known names, read strictly."""

from __future__ import annotations

import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.safetensors_file import open_regular

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_MEMBERS = frozenset({METADATA, CONFIG, WEIGHTS})
_JSON_LIMIT = 64 << 20  # bytes
_RATIO_LIMIT = 100
_FIX = 'Save the model again with Keras 3, model.save("model.keras")'


def unpack(path: Path, directory: Path, what: str) -> None:
    """Writes the members of a `.keras` file into `directory`, under their names.

    Raises:
        LeptonError: about `what`: it is no such archive, or one that two readers could read differently.
    """
    try:
        with open_regular(path, what) as stream, zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            _check(members, path.stat().st_size, what)
            for member in members:
                with archive.open(member) as source, (directory / member.filename).open("wb") as target:
                    shutil.copyfileobj(_Bounded(source, member.file_size, what), target, 1 << 20)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError, OSError) as error:
        raise LeptonError(what, f"its zip archive is damaged ({str(error)[:200]})", _FIX) from None
    except RuntimeError:  # zipfile, on encryption
        raise LeptonError(what, "its zip archive is encrypted", _FIX) from None


def _check(members: list[zipfile.ZipInfo], size: int, what: str) -> None:
    names = [member.filename for member in members]
    for name in names:
        if name.startswith("assets/"):
            raise LeptonError(what, "it has assets (files that a layer reads)", "Save a model without such layers")
        if name not in _MEMBERS:
            shown = repr(name)[:120]
            raise LeptonError(what, f"it is no .keras file: its member {shown} is none of {sorted(_MEMBERS)}", _FIX)
        if names.count(name) > 1:
            raise LeptonError(what, f"it has two members named {name!r}", _FIX)
    for name in sorted(_MEMBERS - {METADATA}):
        if name not in names:
            raise LeptonError(what, f"it is no .keras file: it has no member {name!r}", _FIX)
    for member in members:
        about = f"member {member.filename!r} of {what}"
        if member.orig_filename != member.filename or member.flag_bits & 0x1:
            raise LeptonError(about, "its name or its flags are forged, or it is encrypted", _FIX)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise LeptonError(about, "it is neither stored nor deflated", _FIX)
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise LeptonError(about, "it is not a plain file", _FIX)
        if member.compress_size > size or member.file_size > _RATIO_LIMIT * max(member.compress_size, 1):
            raise LeptonError(about, f"{member.compress_size} bytes declare {member.file_size}", _FIX)
        if member.filename != WEIGHTS and member.file_size > _JSON_LIMIT:
            raise LeptonError(about, f"it has {member.file_size} bytes, at most {_JSON_LIMIT} are read", _FIX)


class _Bounded:
    """A member's bytes, at most as many as are declared: a forged size must not fill the disk."""

    def __init__(self, source: object, limit: int, what: str) -> None:
        self._source, self._left, self._what = source, limit, what

    def read(self, count: int) -> bytes:
        data: bytes = self._source.read(count)  # type: ignore[attr-defined]
        self._left -= len(data)
        if self._left < 0:
            raise LeptonError(self._what, "a member is longer than it declares", _FIX)
        return data
