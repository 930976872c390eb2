"""The zygote with torch in it: threads after the fork, the same bytes as a cold process, little memory."""

from pathlib import Path

import pytest
from support import Worker, install, resident_kib, run_cold

_PRELOAD = "--preload=torch"


@pytest.fixture
def main(tmp_path: Path) -> Path:
    return install(tmp_path / "root")


def test_training_on_two_threads_gives_the_bytes_of_a_cold_process(main: Path, tmp_path: Path) -> None:
    """OpenMP's threads cannot survive a fork; none is started before it, so a child can start its own."""
    assert run_cold(main, "train", _PRELOAD, output_file=tmp_path / "cold", threads=2).exit_code == 0
    with Worker(main, _PRELOAD) as worker:
        for name in ("first", "second"):
            outcome = worker.do("train", output_file=tmp_path / name, threads=2)
            assert outcome.exit_code == 0, outcome.output
        assert worker.do("train", output_file=tmp_path / "single", threads=1).exit_code == 0
        assert worker.log() == "", "it forks"
        assert resident_kib(worker.process.pid) < 800_000, "an idle worker holds at most 0.8 GB"
    assert (tmp_path / "cold").read_text().startswith("[2, ")
    assert (tmp_path / "single").read_text().startswith("[1, ")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes() == (tmp_path / "cold").read_bytes()


def test_out_of_memory_in_torch_is_told_like_any_other(main: Path, tmp_path: Path) -> None:
    with Worker(main, _PRELOAD) as worker:
        outcome = worker.do("eat_memory_in_torch", output_file=tmp_path / "file")
    assert outcome.exit_code == 1
    assert "it needs more memory than the " in outcome.first_line, outcome.output
