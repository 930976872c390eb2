"""The plugin `words`, and a model of its format."""

from __future__ import annotations

from pathlib import Path

from lepton_rules.cli.main import main

WORDS = Path(__file__).parent / "words"
PLUGIN = ["--plugin", f"words={WORDS}"]
LINES = ["once upon a time", "there was a model", "which was too large"]


def write_model(directory: Path) -> Path:
    """Imports LINES into `directory`/imported and returns its path."""
    source = directory / "story.txt"
    source.write_text("".join(f"{line}\n" for line in LINES), "utf-8")
    out = directory / "imported"
    assert main(["step", "words.text", f"--source={source}", f"--out={out}", *PLUGIN]) == 0
    return out


def lines(directory: Path) -> list[str]:
    """The lines of a model."""
    return (directory / "model" / "model.txt").read_text("utf-8").splitlines()
