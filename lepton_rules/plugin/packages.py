"""What a packager says of a deployable package: which files go to which layer, and how it is started.

A packager names files and never reads one: the layers are written later, one action each, so that a change to a label
or an option touches no weight.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import suggestion

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}", re.ASCII)
_USER = re.compile(r"[a-z0-9_][a-z0-9_.-]*(:[a-z0-9_][a-z0-9_.-]*)?", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}/(tcp|udp|sctp)", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class PackedEntry:
    """One file, or one tree of files, in a layer.

    Args:
        path: where it goes, absolute in an image: a file's own path, or the directory that a tree's files go below.
        source: what goes there: a source's name (`"model"`, `"manifest"`, `"server"`, or one that the target gives), or
            a file below it, `"model/model.onnx"`.
        content: text to write instead of a source.
        executable: whether it may be run.
    """

    path: str
    source: str = ""
    content: str | None = None
    executable: bool = False


@dataclass(frozen=True, kw_only=True)
class PackedLayer:
    """What one layer holds.

    Args:
        entries: its files, in any order; no two may share a path.
        compress: whether the target's `compression` is worth its time here. Weights do not shrink: leave it False.
        bytecode: whether Python sources get their bytecode beside them, so that a start compiles nothing.
        media_type: of the layer; empty for that of an image's layer. A `+gzip` or `+zstd` is added as it is compressed.
        annotations: of the layer's descriptor.
    """

    entries: tuple[PackedEntry, ...]
    compress: bool = False
    bytecode: bool = False
    media_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Package:
    """What a packager returns.

    Args:
        layers: by name, exactly those that its descriptor declares, in that order above the base's.
        entrypoint: the command, its program first.
        command: arguments that a user may replace.
        environment: variables.
        user: `uid:gid`.
        working_directory: absolute, or empty.
        ports: such as `"8080/tcp"`.
        stop_signal: such as `"SIGTERM"`, or empty.
        labels: of the image's configuration.
        annotations: of the manifest.
        artifact_type: for what is no container image, its type; empty for an image.
        config_media_type: for what is no container image, its configuration's.
        config: for what is no container image, the configuration itself, JSON types. Each value that is the string
            `"${diff_ids}"` is replaced by the layers' digests before compression.
    """

    layers: Mapping[str, PackedLayer]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    working_directory: str = ""
    ports: tuple[str, ...] = ()
    stop_signal: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""
    config_media_type: str = ""
    config: Mapping[str, Any] | None = None


def check_package(
    what: str, package: object, *, layers: Mapping[str, Sequence[str]], model_files: Sequence[str]
) -> Package:
    """Returns what a packager returned, if every part of it can be packed.

    Args:
        what: the packager, for messages.
        package: what it returned.
        layers: the layers that its descriptor declares, each with the sources that it packs.
        model_files: the relative paths of the model's files.

    Raises:
        LeptonError: it is no Package; or a layer, a path, a source or a value in it is wrong.
    """
    if not isinstance(package, Package):
        raise LeptonError(what, f"it returned {type(package).__name__}, accepted is Package", "Return Package(…)")
    if list(package.layers) != list(layers):
        raise LeptonError(
            what,
            f"it returned the layers {_list(package.layers)}, and declares {_list(layers)}",
            "Return the declared layers in their order",
        )
    taken: dict[str, str] = {}
    for name, layer in package.layers.items():
        if not isinstance(layer, PackedLayer):
            raise LeptonError(
                what, f"layer {name!r} is a {type(layer).__name__}, accepted is PackedLayer", "Return PackedLayer(…)"
            )
        if layer.media_type and not _MEDIA_TYPE.fullmatch(layer.media_type):
            raise LeptonError(
                what, f"layer {name!r} has the media type {layer.media_type!r}", "Write type/subtype, RFC 6838"
            )
        _check_strings(what, f"annotations of layer {name!r}", layer.annotations)
        for entry in layer.entries:
            _check_entry(what, name, entry, layers[name], model_files)
            if entry.path in taken:
                raise LeptonError(
                    what,
                    f"{entry.path!r} is in the layer {taken[entry.path]!r} and again in {name!r}",
                    "Put it in one layer, once",
                )
            taken[entry.path] = name
    _check_start(what, package)
    return package


def _list(names: Any) -> str:
    return ", ".join(map(repr, names)) or "none"


def _check_entry(what: str, layer: str, entry: object, sources: Sequence[str], model_files: Sequence[str]) -> None:
    if not isinstance(entry, PackedEntry):
        raise LeptonError(
            what,
            f"layer {layer!r} holds a {type(entry).__name__}, accepted is PackedEntry",
            "Write PackedEntry(path=…, source=…)",
        )
    check_image_path(what, entry.path)
    if (entry.content is None) == (not entry.source):
        raise LeptonError(
            what, f"{entry.path!r} has {'both' if entry.source else 'no'} source and content", "Give it one of them"
        )
    if entry.content is not None:
        return
    name, _, below = entry.source.partition("/")
    if name not in sources:
        raise LeptonError(
            what, f"{entry.path!r} comes from {name!r}, and the layer {layer!r} packs others", suggestion(name, sources)
        )
    if below and any(part in ("", ".", "..") for part in below.split("/")):
        raise LeptonError(what, f"the source {entry.source!r} is no plain path", "Write <source>/<relative path>")
    if name == "model" and below and below not in model_files:
        raise LeptonError(what, f"the model has no file {below!r}", suggestion(below, model_files))


def check_image_path(what: str, path: object) -> None:
    """Raises LeptonError unless `path` is an absolute, plain path that every tool takes."""
    parts = path.split("/") if isinstance(path, str) else []
    plain = (
        len(parts) > 1 and not parts[0] and all(p not in ("", ".", "..") and len(p.encode()) <= 255 for p in parts[1:])
    )
    if not plain or any(ord(c) < 32 or ord(c) == 127 or c == "\\" for c in str(path)):
        raise LeptonError(
            what,
            f"{path!r} is no path in an image",
            "Write it absolute, without '.', '..', empty parts, backslashes and control characters",
        )
    if any(part.startswith(".wh.") for part in parts):
        raise LeptonError(what, f"{path!r} means a deleted file in a layer", "Choose a name that does not begin .wh.")


def _check_strings(what: str, field_name: str, values: object) -> None:
    if not isinstance(values, Mapping) or not all(isinstance(s, str) for pair in values.items() for s in pair):
        raise LeptonError(
            what, f"{field_name} is {values!r}, accepted is a dict of strings to strings", "Write the values as strings"
        )


def _check_start(what: str, package: Package) -> None:
    for name in ("entrypoint", "command", "ports"):
        words = getattr(package, name)
        if not isinstance(words, tuple) or not all(isinstance(w, str) and "\0" not in w for w in words):
            raise LeptonError(what, f"{name} is {words!r}, accepted is a tuple of strings", "Write a tuple")
    for name in ("environment", "labels", "annotations"):
        _check_strings(what, name, getattr(package, name))
    for variable in package.environment:
        if not _VARIABLE.fullmatch(variable):
            raise LeptonError(what, f"environment has {variable!r}, which is no variable's name", "Rename it")
    if package.user and not _USER.fullmatch(package.user):
        raise LeptonError(
            what, f"user is {package.user!r}, accepted is uid or uid:gid", "Write for example 65532:65532"
        )
    for port in package.ports:
        if not _PORT.fullmatch(port) or not 0 < int(port.split("/")[0]) < 65536:
            raise LeptonError(what, f"ports has {port!r}", "Write for example 8080/tcp")
    if package.working_directory:
        check_image_path(what, package.working_directory)
    if bool(package.artifact_type) != (package.config is not None):
        raise LeptonError(
            what,
            "artifact_type and config come together, for what is no container image",
            "Give both, or leave both out",
        )
    for name in ("artifact_type", "config_media_type"):
        if getattr(package, name) and not _MEDIA_TYPE.fullmatch(getattr(package, name)):
            raise LeptonError(what, f"{name} is {getattr(package, name)!r}", "Write type/subtype, RFC 6838")


def layer_to_json(name: str, layer: PackedLayer) -> dict[str, Any]:
    """Returns the plan of one layer, JSON types: all that the layer's action needs to know."""
    entries = []
    for entry in sorted(layer.entries, key=lambda e: e.path):
        what = {"source": entry.source} if entry.content is None else {"content": entry.content}
        entries.append({"path": entry.path, "executable": entry.executable, **what})
    return {
        "schema_version": 1,
        "name": name,
        "media_type": layer.media_type,
        "compress": layer.compress,
        "bytecode": layer.bytecode,
        "annotations": dict(layer.annotations),
        "entries": entries,
    }


def package_to_json(package: Package) -> dict[str, Any]:
    """Returns all of a package but its layers' files, JSON types: what the configuration and manifest are made from."""
    return {
        "schema_version": 1,
        "layers": list(package.layers),
        "entrypoint": list(package.entrypoint),
        "command": list(package.command),
        "environment": dict(package.environment),
        "user": package.user,
        "working_directory": package.working_directory,
        "ports": list(package.ports),
        "stop_signal": package.stop_signal,
        "labels": dict(package.labels),
        "annotations": dict(package.annotations),
        "artifact_type": package.artifact_type,
        "config_media_type": package.config_media_type,
        "config": package.config if package.config is None else dict(package.config),
    }
