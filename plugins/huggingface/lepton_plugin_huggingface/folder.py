"""The files of a Hugging Face folder: which is what, by content; what is refused; and the canonical form on disk.

A model in the format `huggingface` is `config.json`, `weights.safetensors` (all shards in one file), `interface.json`
(what the importer was told), and the tokenizer's files under their own names. No file of it can hold code.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.plugin import LeptonError, safetensors_file
from lepton_rules.plugin.content import START_BYTES, kind_of
from lepton_rules.plugin.names import suggestion

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "weights.safetensors"
INTERFACE_FILE = "interface.json"

_JSON_LIMIT = 1 << 28  # bytes; the largest tokenizers are a tenth of that
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
# Files that tokenizers read, of the libraries tokenizers and sentencepiece.
_TOKENIZER = frozenset(
    (
        "added_tokens.json chat_template.jinja merges.txt sentencepiece.bpe.model special_tokens_map.json spiece.model "
        "tokenizer.json tokenizer.model tokenizer_config.json vocab.json vocab.txt"
    ).split()
)
# Keys of config.json under which transformers looks for Python files of the folder.
_CODE = ("auto_map", "custom_pipelines", "trust_remote_code")
_PICKLE_FIX = "Write the model again with save_pretrained(…, safe_serialization=True)"
# What differs between two downloads of one model, or names the place that it came from.
_VOLATILE = ("_name_or_path", "transformers_version")


@dataclass(kw_only=True)
class Folder:
    """What was found.

    Attributes:
        config: the content of config.json.
        shards: the safetensors files.
        index: tensor to shard, where there is an index.
        tokenizer: the tokenizer's files.
        ignored: names of files that no part of a model needs, such as a README.
    """

    config: dict[str, Any]
    shards: list[Path]
    index: Mapping[str, str] | None
    tokenizer: list[Path] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def read(files: Sequence[Path]) -> Folder:
    """Tells the files apart and checks them.

    Raises:
        LeptonError: one could run code (a pickle, a Python file, a configuration that names one), a name is there
            twice, there is not exactly one configuration, or there are no weights; or the index does not fit them.
    """
    configs: list[tuple[Path, dict[str, Any]]] = []
    folder = Folder(config={}, shards=[], index=None)
    indexes: list[tuple[Path, Any]] = []
    names: set[str] = set()
    for path in sorted(_flat(files), key=lambda path: path.name):
        if path.name in names:
            raise LeptonError(f"file {path.name!r}", "two have this name", "Give the files of one folder")
        names.add(path.name)
        kind, value = _kind(path)
        if kind == "weights":
            folder.shards.append(path)
        elif kind == "config":
            configs.append((path, value))
        elif kind == "index":
            indexes.append((path, value))
        elif kind == "tokenizer":
            folder.tokenizer.append(path)
        else:
            folder.ignored.append(path.name)
    if not configs:
        raise LeptonError(
            CONFIG_FILE, "no file is a JSON object with a model_type", "Add the folder's config.json to data"
        )
    if len(configs) > 1:
        listed = " and ".join(repr(path.name) for path, _ in configs)
        raise LeptonError(CONFIG_FILE, f"{listed} are both a model's configuration", "Give the files of one folder")
    folder.config = _safe(configs[0][1], f"file {configs[0][0].name!r}")
    if not folder.shards:
        raise LeptonError("weights", "no file is in the format safetensors", "Add model.safetensors to weights")
    if len(indexes) > 1:
        listed = " and ".join(repr(path.name) for path, _ in indexes)
        raise LeptonError("weights", f"{listed} are both an index", "Give the files of one folder")
    if indexes:
        folder.index = _index(indexes[0][1], folder.shards, f"index {indexes[0][0].name!r}")
    return folder


def write(folder: Folder, interface: Mapping[str, Any], output: Path) -> None:
    """Writes the canonical form.

    Raises:
        LeptonError: a shard is no valid safetensors file, a tensor is in two, or the index names others than there are.
    """
    entries = {path.name: safetensors_file.read_entries(path) for path in folder.shards}
    owners: dict[str, str] = {}
    for shard, tensors in entries.items():
        for name in tensors:
            if name in owners:
                raise LeptonError(
                    f"tensor {name!r}", f"it is in {owners[name]!r} and in {shard!r}", "Give the shards of one model"
                )
            owners[name] = shard
    if folder.index is not None and folder.index != owners:
        wrong = sorted(set(folder.index.items()) ^ set(owners.items()))[0][0]
        why = f"the index says {folder.index.get(wrong, 'nothing')!r}, and it is in {owners.get(wrong, 'no shard')!r}"
        raise LeptonError(f"tensor {wrong!r}", why, "Download index and shards again, all of one revision")
    safetensors_file.merge(folder.shards, output / WEIGHTS_FILE)
    kept = {key: value for key, value in folder.config.items() if key not in _VOLATILE}
    (output / CONFIG_FILE).write_text(canonical_json(kept), "utf-8")
    (output / INTERFACE_FILE).write_text(canonical_json(interface), "utf-8")
    for path in folder.tokenizer:
        shutil.copyfile(path, output / path.name)


def _flat(files: Iterable[Path]) -> list[Path]:
    """The files, and for a directory those directly in it."""
    found: list[Path] = []
    for file in files:
        found.extend(sorted(entry for entry in file.iterdir() if not entry.is_dir()) if file.is_dir() else [file])
    return found


def _kind(path: Path) -> tuple[str, Any]:
    """`weights`, `config`, `index`, `tokenizer` or `other`, and the content of what is JSON."""
    what = f"file {path.name!r}"
    if not _NAME.fullmatch(path.name.removeprefix(".")):
        raise LeptonError(what, "its name is not plain ASCII", "Give the file another name")
    with safetensors_file.open_regular(path, what) as stream:
        start = stream.read(START_BYTES)
    if safetensors_file.is_safetensors(path) or path.suffix == ".safetensors":
        return "weights", None
    found = kind_of(start)
    if found in ("a pickle", "a zip archive") or path.suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt"):
        raise LeptonError(what, f"it is {found}, which may run code when it is loaded", _PICKLE_FIX)
    if path.suffix == ".py":
        raise LeptonError(
            what, "it is Python code, and none of a model's own is run", "Use torch.pytorch with the module's sources"
        )
    if found in ("an empty file", "a web page") or found.startswith("a Git LFS pointer"):
        if path.suffix == ".json" or path.name in _TOKENIZER:
            raise LeptonError(what, f"it is {found}", "Download it again")
        return "other", None
    if found != "JSON":
        if path.suffix == ".json":
            raise LeptonError(what, f"it is no JSON but {found}", "Download it again")
        return ("tokenizer" if path.name in _TOKENIZER else "other"), None
    value = _json(path, what) if path.suffix == ".json" else None
    if path.name in _TOKENIZER:
        return "tokenizer", None
    if isinstance(value, dict) and isinstance(value.get("model_type"), str):
        return "config", value
    if isinstance(value, dict) and "weight_map" in value:
        return "index", value
    return "other", None


def _json(path: Path, what: str) -> Any:
    if path.stat().st_size > _JSON_LIMIT:
        raise LeptonError(what, f"it has more than {_JSON_LIMIT} bytes", "Give the folder's own file")
    try:
        return parse_json(path.read_text("utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise LeptonError(what, f"it is not JSON ({error})", "Download it again") from None


def _safe(config: dict[str, Any], what: str) -> dict[str, Any]:
    for key in _CODE:
        if config.get(key):
            raise LeptonError(
                what,
                f"its {key} names Python code of the folder, and none is run",
                "Use a model of transformers' own, or torch.pytorch with the module's sources",
            )
    return config


def _index(value: Any, shards: Sequence[Path], what: str) -> Mapping[str, str]:
    table = value["weight_map"]
    if not isinstance(table, dict) or not all(isinstance(shard, str) for shard in table.values()):
        raise LeptonError(what, "its weight_map is not a map of tensors to files", "Download it again")
    given = {path.name for path in shards}
    for shard in sorted(set(table.values())):
        if not _NAME.fullmatch(shard):
            raise LeptonError(what, f"it names the file {shard!r}, which is not in the folder", "Download it again")
        if shard not in given:
            raise LeptonError(what, f"the shard {shard!r} is missing", f"Add it to weights. {suggestion(shard, given)}")
    unused = sorted(given - set(table.values()))
    if unused:
        raise LeptonError(what, f"it does not name the shard {unused[0]!r}", "Give the shards of one model")
    return dict(table)
