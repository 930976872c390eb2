"""The sentence pairs of models/minilm: as many as are promised, all different, none in two splits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pairs

HERE = Path(pairs.__file__).parent


def test_groups_and_pairs() -> None:
    groups = pairs.groups((HERE / "sentences.txt").read_text("utf-8"))
    sentences = [sentence for group in groups for sentence in group]
    assert len(set(sentences)) == len(sentences) == 320
    measured = list(pairs.pairs(groups[: pairs.EVALUATION_GROUPS]))
    assert len(measured) >= 200
    assert {grade for _, _, grade in measured} == {0, 2, 3, 4}
    assert len({frozenset(pair[:2]) for pair in measured}) == len(measured)


def test_splits_hold_whole_pairs_and_share_no_sentence() -> None:
    groups = pairs.groups((HERE / "sentences.txt").read_text("utf-8"))
    graded = [
        *pairs.pairs(groups[: pairs.EVALUATION_GROUPS]),
        *pairs.pairs(groups[pairs.EVALUATION_GROUPS :]),
    ]
    rows = [sentence for pair in graded for sentence in pair[:2]]
    splits = json.loads((HERE / "splits.json").read_text())
    assert sorted(splits["calibration"] + splits["evaluation"]) == list(range(len(rows)))
    for indices in splits.values():
        _, counts = np.unique(np.array(indices) // 2, return_counts=True)
        assert (counts == 2).all()
    measured, calibrating = ({rows[index] for index in splits[name]} for name in ("evaluation", "calibration"))
    assert not measured & calibrating


def test_no_sentence_is_cut(tmp_path: Path) -> None:
    """Words of the sentences, as a tokenizer with a small vocabulary splits them: at most 32 with both marks."""
    groups = pairs.groups((HERE / "sentences.txt").read_text("utf-8"))
    assert max(len(sentence.split()) for group in groups for sentence in group) <= 25
