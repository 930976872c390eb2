"""The form of an image's configuration, as others write it.

https://github.com/opencontainers/image-spec/blob/main/config.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(element, str) for element in value)


def _is_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(element, dict) for element in value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_labels(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(element, str) for element in value.values())


_WORDS = {
    _is_text: "a string",
    _is_texts: "a list of strings",
    _is_objects: "a list of objects",
    _is_object: "an object",
    _is_labels: "an object of strings",
}
_OF_THE_IMAGE = {
    "architecture": _is_text,
    "config": _is_object,
    "history": _is_objects,
    "os": _is_text,
    "rootfs": _is_object,
    "variant": _is_text,
}
_OF_A_RUN = {
    "Cmd": _is_texts,
    "Entrypoint": _is_texts,
    "Env": _is_texts,
    "ExposedPorts": _is_object,
    "Labels": _is_labels,
    "StopSignal": _is_text,
    "User": _is_text,
    "Volumes": _is_object,
    "WorkingDir": _is_text,
}


def misshapen(configuration: Mapping[str, Any]) -> str:
    """Returns why an object is no image's configuration; empty where it is one. What is null is not there."""
    return (
        _misshapen("", configuration, _OF_THE_IMAGE)
        or _misshapen("config.", configuration.get("config") or {}, _OF_A_RUN)
        or _misshapen("rootfs.", configuration.get("rootfs") or {}, {"diff_ids": _is_texts})
    )


def _misshapen(where: str, values: Mapping[str, Any], forms: Mapping[str, Any]) -> str:
    for name, is_right in forms.items():
        if values.get(name) is not None and not is_right(values[name]):
            return f"{where}{name} of its configuration is {str(values[name])[:100]!r}, accepted is {_WORDS[is_right]}"
    return ""
