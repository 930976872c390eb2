"""docs/hardware.md shows the module chip as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_GUIDE = _HERE.parents[1] / "docs" / "hardware.md"

# A block begins with the name of its file.
_BLOCKS = re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", _GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("name", "text"), _BLOCKS, ids=[f"{n}_{name}" for n, (name, _) in enumerate(_BLOCKS)])
def test_an_excerpt_is_the_files_text(name: str, text: str) -> None:
    file = (_HERE / "chip" / name).read_text("utf-8")
    for part in text.split("# …\n"):
        assert part in file, f"docs/hardware.md has another text than tests/e2e/chip/{name}"


def test_every_block_of_code_is_an_excerpt() -> None:
    assert len(_BLOCKS) == _GUIDE.read_text("utf-8").count("\n```") // 2 >= 5


def test_the_files_that_it_names_are_there() -> None:
    listed = re.findall(r"`((?:npu|meter)/[\w/]+\.\w+)`", _GUIDE.read_text("utf-8"))
    assert listed
    for name in listed:
        assert (_HERE / "chip" / name).exists(), name
