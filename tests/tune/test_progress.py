"""What a search prints while it works: on a terminal a bar below the lines, in a log the lines alone."""

from __future__ import annotations

import fcntl
import io
import os
import struct
import termios
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pytest
from fakes import SPACE, FakeBazel, FakeMeasurer
from samples import objective

from lepton_rules.tune.bazel import Built
from lepton_rules.tune.progress import Progress
from lepton_rules.tune.state import State
from lepton_rules.tune.study import Study
from lepton_rules.tune.tuner import Tuner

TRIALS = 4
COLUMNS = 200
BUILDING = "INFO: Build completed"


@dataclass
class TalkingBazel(FakeBazel):
    """Writes to the terminal as Bazel does, without asking what else is on the line."""

    said_to: TextIO | None = None

    def build(self, targets: Sequence[str], options: Sequence[str], events: Path) -> Built:
        assert self.said_to is not None
        print(BUILDING, file=self.said_to, flush=True)
        return super().build(targets, options, events)


def search(folder: Path, stream: TextIO, after: Callable[[int], None] = lambda trial: None) -> None:
    """A search of four trials in batches of two, that tells `stream` of it; `after` runs once a trial is done."""
    goal = objective("latency; accuracy_drop<=0.005")
    with Progress(TRIALS, stream) as progress:

        def advance(count: int) -> None:
            progress.advance(count)
            after(len(study.trials))

        tuner = Tuner(
            space=SPACE,
            objective=goal,
            bazel=TalkingBazel(folder, said_to=stream),
            measurer=FakeMeasurer(),
            state=State(folder / "state"),
            say=progress.say,
            advance=advance,
            aside=progress.aside,
        )
        tuner.references()
        study = Study(SPACE, goal, storage=tuner.state.journal, name="s", seed=0, trials=TRIALS)
        tuner.run(study, TRIALS, 2)


class Terminal:
    """A pseudo-terminal, and what stands on its screen."""

    def __init__(self) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        self.stream = os.fdopen(slave, "w", encoding="utf-8")
        self.written = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # Linux says so where nobody has the other end open any more
                return
            self.written += data

    def end(self) -> str:
        """Closes it. All that was written to it."""
        self.stream.close()
        self._reader.join()
        os.close(self._master)
        return self.written.decode("utf-8")


def screen(written: str) -> list[str]:
    """The lines that are seen at the end: a carriage return goes back to the line's start, and what follows covers what
    stood there.
    """
    rows = [""]
    column = 0
    for character in written:
        assert character != "\x1b", "one bar needs no movement to other lines"
        if character == "\n":
            rows.append("")
        elif character == "\r":
            column = 0
        else:
            rows[-1] = rows[-1][:column].ljust(column) + character + rows[-1][column + 1 :]
            column += 1
    return [row.rstrip() for row in rows]


def test_on_a_terminal_there_is_a_bar_below_the_lines(tmp_path: Path) -> None:
    terminal = Terminal()
    search(tmp_path, terminal.stream)
    *lines, bar, last = screen(terminal.end())
    assert last == "", "the prompt gets a line of its own"
    assert bar.startswith("100%|") and f"| {TRIALS}/{TRIALS} [" in bar and "trial" in bar
    assert len(bar) <= COLUMNS
    heads = [line.partition(":")[0].split(" ")[:2] for line in lines]
    # The model without passes and the recipe, then two batches of two; Bazel speaks before each.
    before, batch = [["INFO"]], [["trial", str(number)] for number in range(1, TRIALS + 1)]
    wanted = [*before, ["baseline"], ["recipe"], *before, *batch[:2], *before, *batch[2:]]
    assert [head[: len(want)] for head, want in zip(heads, wanted, strict=True)] == wanted
    assert not [line for line in lines if "it/s" in line or "trial/s" in line or "%|" in line], "torn by the bar"


def test_the_bar_moves_with_each_trial(tmp_path: Path) -> None:
    terminal = Terminal()
    search(tmp_path, terminal.stream)
    seen = [part for part in terminal.end().replace("\n", "\r").split("\r") if "trial" in part and "%|" in part]
    counts = [int(bar.rpartition("| ")[2].partition("/")[0]) for bar in seen]
    assert counts == sorted(counts)
    assert set(counts) == set(range(TRIALS + 1))


def test_a_search_that_is_interrupted_leaves_the_terminal_in_order(tmp_path: Path) -> None:
    def interrupt(trial: int) -> None:
        raise KeyboardInterrupt

    terminal = Terminal()
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, terminal.stream, interrupt)
    *_, bar, last = screen(terminal.end())
    assert f"| 1/{TRIALS} [" in bar
    assert last == ""


def test_in_a_log_there_are_lines_alone(tmp_path: Path) -> None:
    log = io.StringIO()
    search(tmp_path, log)
    lines = log.getvalue().splitlines()
    assert [line.split(":")[0].removesuffix(" pruned") for line in lines if line != BUILDING] == [
        "baseline",
        "recipe",
        *(f"trial {number}" for number in range(1, TRIALS + 1)),
    ]
    assert not set("\r\x1b%|") & set(log.getvalue())


def test_a_line_is_in_the_log_as_soon_as_it_is_said(tmp_path: Path) -> None:
    """Who follows a log sees how far it is."""
    path = tmp_path / "log"
    found = []
    with path.open("w", encoding="utf-8") as log:
        search(tmp_path, log, lambda trial: found.append(path.read_text("utf-8").count("\ntrial ")))
    # A trial is counted, and then told.
    assert found == [0, 1, 2, 3]
