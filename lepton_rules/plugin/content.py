"""Tells what kind of file something is by its first bytes, not by its name: a refusal can then say what was given."""

from __future__ import annotations

# Enough for every magic number below.
START_BYTES = 64


def kind_of(start: bytes) -> str:
    """What a file appears to be, as a noun phrase, from its first `START_BYTES` bytes (fewer where it is shorter)."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not start:
        return "an empty file"
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer (`git lfs pull` fetches the file)"
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "a web page"
    if start.startswith(b"\x93NUMPY"):
        return "one bare numpy array"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "a zip archive"
    if start.startswith((b"\x80\x01", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        return "a pickle"
    if start.startswith(b"\x1f\x8b"):
        return "a gzip file"
    if start.startswith(b"\x89HDF"):
        return "an HDF5 file"
    if start[4:8] in (b"ORTM", b"TFL3"):
        return "an ONNX Runtime flatbuffer" if start[4:8] == b"ORTM" else "a TensorFlow Lite flatbuffer"
    if start[8:9] == b"{" and not any(start[4:8]):
        return "a safetensors file"
    if text.startswith((b"{", b"[")):
        return "JSON"
    return f"something that begins with {start[:8]!r}"
