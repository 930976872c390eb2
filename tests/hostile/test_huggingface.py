"""Hugging Face folders that a stranger may have made: a model, or a refusal in one line, and no code run."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from folders import files, importing, write_folder
from safetensors.torch import save_file

from lepton_rules.plugin import LeptonError


class Runs:
    """A pickle that touches a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.system, (f"touch {self._path}",)


def _refused(folder: Path, message: str) -> None:
    output = folder.parent / f"out{len(list(folder.parent.iterdir()))}"
    with pytest.raises(LeptonError, match=message) as error:
        importing(files(folder), output)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("name", ["pytorch_model.bin", "notes.txt", "vocab.json", "README.md"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickles(tmp_path: Path, name: str, protocol: int) -> None:
    folder = write_folder(tmp_path / "folder")
    canary = tmp_path / "canary"
    (folder / name).write_bytes(pickle.dumps(Runs(canary), protocol=protocol))
    if protocol == 0 and name in ("notes.txt", "README.md"):
        importing(files(folder), tmp_path / "out")  # text, for all that anyone can tell, and read by nobody
    else:
        _refused(folder, f"file '{name}': it is .*(may run code|no JSON)")
    assert not canary.exists()


def test_checkpoints_of_torch(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    torch.save({"weight": torch.zeros(2)}, folder / "training_state")
    _refused(folder, "file 'training_state': it is a zip archive, which may run code")
    (folder / "training_state").unlink()
    with zipfile.ZipFile(folder / "model2.safetensors", "w") as archive:
        archive.writestr("data.pkl", b"x")
    _refused(folder, "it is no safetensors file but a zip archive")


@pytest.mark.parametrize(
    "config",
    [
        {"auto_map": {"AutoModel": "modeling_evil.Evil"}},
        {"auto_map": {"AutoConfig": "somebody/repository--configuration.Evil"}},
        {"custom_pipelines": {"text": {"impl": "evil.Pipeline"}}},
        {"trust_remote_code": True},
    ],
)
def test_code_of_the_folder(tmp_path: Path, config: dict[str, Any]) -> None:
    folder = write_folder(tmp_path / "folder", **config)
    _refused(folder, f"file 'config.json': its {next(iter(config))} names Python code of the folder")
    plain = write_folder(tmp_path / "plain")
    (plain / "modeling_evil.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    _refused(plain, "file 'modeling_evil.py': it is Python code")
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"a": "../model.safetensors"}, "it names the file '../model.safetensors', which is not in the folder"),
        ({"a": "/etc/passwd"}, "it names the file '/etc/passwd'"),
        ({"a": "model\n.safetensors"}, "it names the file"),
        ({"a": "model-00002-of-00002.safetensors"}, "the shard 'model-00002-of-00002.safetensors' is missing"),
        ({"a": 3}, "its weight_map is not a map of tensors to files"),
        ([], "its weight_map is not a map of tensors to files"),
        ({"a": "model.safetensors"}, "tensor 'a': the index says 'model.safetensors', and it is in 'no shard'"),
        ({}, "it does not name the shard 'model.safetensors'"),
    ],
)
def test_indexes(tmp_path: Path, table: object, message: str) -> None:
    folder = write_folder(tmp_path / "folder")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    _refused(folder, message)


def test_shards(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder", shards=2)
    (folder / "model-00002-of-00002.safetensors").unlink()
    _refused(folder, "the shard 'model-00002-of-00002.safetensors' is missing. Add it to weights")
    other = write_folder(tmp_path / "other")
    save_file({"encoder.layer.0.output.dense.bias": torch.zeros(16)}, other / "more.safetensors")
    _refused(other, "tensor 'encoder.layer.0.output.dense.bias': it is in 'model.safetensors' and in 'more")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", b"", "file 'config.json': it is an empty file"),
        ("config.json", b"<!DOCTYPE html><html></html>", "it is a web page"),
        ("config.json", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "it is a Git LFS pointer"),
        ("config.json", b'{"model_type": "bert", "model_type": "gpt2"}', "it is not JSON"),
        ("config.json", b'{"model_type": ' * 5000, "it is not JSON"),
        ("config.json", b'{"model_type": "bert", "hidden_size": NaN}', "it is not JSON"),
        ("config.json", b"[1, 2]", "no file is a JSON object with a model_type"),
        ("config.json", b'{"model_type": "__class__"}', "transformers has no model_type '__class__'"),
        ("model.safetensors", b"", "it is no safetensors file but an empty file"),
        ("model.safetensors", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", "they lack"),
        ("model.safetensors", (1 << 40).to_bytes(8, "little") + b"{}", "its header declares"),
        ("tokenizer.json", b"\x00\x01", "file 'tokenizer.json': it is no JSON"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    folder = write_folder(tmp_path / "folder")
    (folder / name).write_bytes(content)
    _refused(folder, message)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("vocab_size", -1),
        ("vocab_size", 10**12),
        ("num_hidden_layers", "many"),
        ("num_attention_heads", 0),
        ("hidden_act", "__import__('os').system('true')"),
        ("layer_norm_eps", "x"),
    ],
)
def test_configurations_of_nonsense(tmp_path: Path, key: str, value: object) -> None:
    _refused(write_folder(tmp_path / "folder", **{key: value}), "lepton: (config.json|weights|outputs)")


def test_weights_that_are_no_numbers(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    save_file({"embeddings.word_embeddings.weight": torch.full((40, 16), float("nan"))}, folder / "model.safetensors")
    _refused(folder, "tensor 'embeddings.word_embeddings.weight' has NaN or infinite values")


def test_names(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    (folder / "config copy\n.json").write_text("{}")
    _refused(folder, "its name is not plain ASCII")


def test_a_fifo_is_not_opened(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    os.mkfifo(folder / "vocab.json")
    _refused(folder, "file 'vocab.json': it is not a regular file")
