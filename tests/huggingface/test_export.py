"""The exporter: the graph computes what transformers does, pools as sentence-transformers does, and is canonical."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from folders import CLASSES, VOCABULARY, encoder, exporting, files, importing, write_folder
from onnx.reference import ReferenceEvaluator


def _export(tmp_path: Path, classes: int = 0, **config: Any) -> onnx.ModelProto:
    folder = write_folder(tmp_path / "folder", classes=classes)
    facts = importing(files(folder), tmp_path / "model", **config)
    assert exporting(tmp_path / "model", facts, tmp_path / "onnx").inputs == facts.inputs
    return onnx.load(tmp_path / "onnx" / "model.onnx")


def _texts(texts: int, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(texts * 100 + tokens)
    mask = torch.ones((texts, tokens), dtype=torch.int64)
    mask[1:, tokens // 2 :] = 0
    return torch.randint(0, VOCABULARY, (texts, tokens), generator=generator), mask


def _run(model: onnx.ModelProto, ids: torch.Tensor, mask: torch.Tensor) -> Any:
    feeds = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    return ReferenceEvaluator(model).run(None, feeds)[0]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    return _export(tmp_path_factory.mktemp("embedder"), pooling="mean", normalize=True)


@pytest.mark.parametrize("texts", [1, 5])
@pytest.mark.parametrize("tokens", [3, 32])
def test_embeddings_are_those_of_sentence_transformers(embedder: onnx.ModelProto, texts: int, tokens: int) -> None:
    ids, mask = _texts(texts, tokens)
    with torch.no_grad():
        hidden = encoder()(input_ids=ids, attention_mask=mask).last_hidden_state.numpy().astype(np.float64)
    for row, (vector, length) in enumerate(zip(_run(embedder, ids, mask), mask.sum(1).tolist(), strict=True)):
        mean = hidden[row, :length].mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)


def test_hidden_states_the_first_token_and_logits(tmp_path: Path) -> None:
    ids, mask = _texts(3, 7)
    with torch.no_grad():
        hidden = encoder()(input_ids=ids, attention_mask=mask).last_hidden_state.numpy()
        logits = encoder(CLASSES)(input_ids=ids, attention_mask=mask).logits.numpy()
    np.testing.assert_allclose(_run(_export(tmp_path / "hidden"), ids, mask), hidden, atol=1e-5)
    np.testing.assert_allclose(_run(_export(tmp_path / "cls", pooling="cls"), ids, mask), hidden[:, 0], atol=1e-5)
    model = _export(tmp_path / "logits", classes=CLASSES, head="sequence_classification")
    np.testing.assert_allclose(_run(model, ids, mask), logits, atol=1e-5)


def test_the_graph_is_dynamic_and_stripped(embedder: onnx.ModelProto) -> None:
    for value in (*embedder.graph.input, *embedder.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    assert embedder.graph.input[0].type.tensor_type.shape.dim[1].dim_param == "sequence"
    assert not embedder.producer_name and not embedder.doc_string
    assert not any(node.metadata_props or node.doc_string for node in embedder.graph.node)
    assert str(Path(__file__).parent).encode() not in embedder.SerializeToString()
    onnx.checker.check_model(embedder)
