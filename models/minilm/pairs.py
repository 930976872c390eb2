"""Pairs of English sentences, graded by how alike they are, as token ids for all-MiniLM-L6-v2.

The sentences were written for this example. `sentences.txt` holds groups of four lines: a sentence; the same in other
words; one of the same form that says something else; one that has only the subject in common. A group makes three
pairs, and with the group seven further on a fourth, of sentences that have nothing in common. Grades are 4, 3, 2 and 0,
after the scale of D. Cer et al., "SemEval-2017 Task 1: Semantic Textual Similarity", https://arxiv.org/abs/1708.00055.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

# Groups that are measured on; quantization and its calibration see only the others.
EVALUATION_GROUPS = 64
_STRANGER = 7


def groups(text: str) -> list[list[str]]:
    """The groups of four sentences in a text.

    Raises:
      ValueError: a group has another number of lines.
    """
    found = [block.splitlines() for block in text.strip().split("\n\n")]
    for block in found:
        if len(block) != 4:
            raise ValueError(f"the group that begins with {block[0]!r} has {len(block)} sentences, not 4")
    return found


def pairs(block: list[list[str]]) -> Iterator[tuple[str, str, int]]:
    """Both sentences and the grade of every pair of some groups."""
    for index, (first, again, other, subject) in enumerate(block):
        stranger = block[(index + _STRANGER) % len(block)][3]
        yield from ((first, again, 4), (first, other, 3), (first, subject, 2), (again, stranger, 0))


def generate(config: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The sentences of all pairs, two rows a pair: first those to measure on, then those to calibrate with.

    Args:
      config: `sentences` and `tokenizer`, paths of files; `tokens`, the length that every sentence is padded or cut to
        (default 32).

    Returns:
      `input_ids` and `attention_mask`, int64 [sentences, tokens]; `pair`, int64 [sentences], the number of the pair;
      `labels`, float32 [sentences], its grade.
    """
    config = dict(config)
    sentences, vocabulary = config.pop("sentences"), config.pop("tokenizer")
    tokens = int(config.pop("tokens", 32))
    if config:
        raise ValueError(f"unknown configuration {sorted(config)}; known are sentences, tokenizer, tokens")
    found = groups(Path(sentences).read_text("utf-8"))
    graded = [*pairs(found[:EVALUATION_GROUPS]), *pairs(found[EVALUATION_GROUPS:])]
    tokenizer = Tokenizer.from_file(vocabulary)
    tokenizer.enable_truncation(tokens)
    tokenizer.enable_padding(length=tokens)
    encoded = tokenizer.encode_batch([sentence for pair in graded for sentence in pair[:2]])
    numbers = np.repeat(np.arange(len(graded), dtype=np.int64), 2)
    return {
        "input_ids": np.array([row.ids for row in encoded], dtype=np.int64),
        "attention_mask": np.array([row.attention_mask for row in encoded], dtype=np.int64),
        "pair": numbers,
        "labels": np.array([pair[2] for pair in graded], dtype=np.float32)[numbers],
    }
