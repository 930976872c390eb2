"""The importer: one canonical form whatever the shards, the facts, and what is refused before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from folders import CLASSES, HIDDEN, encoder, files, importing, write_folder
from safetensors.torch import load_file

from lepton_rules.plugin import LeptonError, TensorSpec


def test_shards_and_one_file_are_the_same_model(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one")
    two = write_folder(tmp_path / "two", shards=2, _name_or_path="/home/somebody/model", transformers_version="4.8.2")
    facts = importing(files(one), tmp_path / "a", pooling="mean")
    importing(files(two), tmp_path / "b", pooling="mean")
    names = ["config.json", "interface.json", "vocab.txt", "weights.safetensors"]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    assert facts.outputs == (TensorSpec("sentence_embedding", "float32", ("batch", HIDDEN)),)
    assert [spec.name for spec in facts.inputs] == ["input_ids", "attention_mask"]
    # The pooler, which nothing reads, is not among them.
    assert facts.parameters == sum(p.numel() for n, p in encoder().named_parameters() if "pooler" not in n)
    assert facts.notes["unused_tensors"] == ["pooler.dense.bias", "pooler.dense.weight"]
    assert facts.notes["ignored_files"] == ["README.md"]
    assert load_file(tmp_path / "a" / "weights.safetensors").keys() == encoder().state_dict().keys()


def test_a_directory_is_its_files(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    facts = importing((folder,), tmp_path / "out", token_types=True)
    assert facts.outputs == (TensorSpec("last_hidden_state", "float32", ("batch", "sequence", HIDDEN)),)
    assert [spec.name for spec in facts.inputs] == ["input_ids", "attention_mask", "token_type_ids"]


def test_a_classifier_keeps_its_head(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder", classes=CLASSES)
    facts = importing(files(folder), tmp_path / "out", head="sequence_classification")
    assert facts.outputs == (TensorSpec("logits", "float32", ("batch", CLASSES)),)
    assert facts.notes["architecture"] == "BertForSequenceClassification"
    # Its encoder alone is a model too.
    assert importing(files(folder), tmp_path / "base").notes["architecture"] == "BertModel"


def test_the_kind_of_a_file_is_its_content(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    (folder / "model.safetensors").rename(folder / "weights.bin.txt")
    (folder / "config.json").rename(folder / "settings.json")
    importing(files(folder), tmp_path / "out")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "brt"}, "transformers has no model_type 'brt'. Did you mean 'bert'"),
        ({"is_decoder": True}, "it describes a decoder"),
        ({"hidden_size": 18}, "config.json: transformers refuses it|weights: BertModel does not take them"),
        ({"hidden_size": 32}, "weights: (BertModel does not take them|they have in another shape)"),
        ({"num_hidden_layers": 2}, "weights: they lack encoder.layer.1"),
    ],
)
def test_a_configuration_that_does_not_fit(tmp_path: Path, config: dict[str, object], message: str) -> None:
    folder = write_folder(tmp_path / "folder", **config)
    with pytest.raises(LeptonError, match=message):
        importing(files(folder), tmp_path / "out")


def test_a_head_that_is_not_there(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    with pytest.raises(LeptonError, match=r"its architectures are \['BertModel'\], and head asks for"):
        importing(files(folder), tmp_path / "out", head="sequence_classification")


def test_nothing_but_weights_or_configuration(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    with pytest.raises(LeptonError, match="no file is in the format safetensors"):
        importing((folder / "config.json", folder / "vocab.txt"), tmp_path / "a")
    with pytest.raises(LeptonError, match="no file is a JSON object with a model_type"):
        importing((folder / "model.safetensors",), tmp_path / "b")
    (folder / "other.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(LeptonError, match=r"'config.json' and 'other.json' are both a model's configuration"):
        importing(files(folder), tmp_path / "c")
