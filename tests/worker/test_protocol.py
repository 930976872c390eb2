"""The worker protocol: what comes in however, and what goes out exactly once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Worker, environment, flags, install, is_gone, run_cold, unfinished


@pytest.fixture
def main(tmp_path: Path) -> Path:
    return install(tmp_path / "root")


@pytest.fixture
def worker(main: Path) -> Iterator[Worker]:
    with Worker(main) as started:
        yield started


def test_answers_each_request_once(worker: Worker, tmp_path: Path) -> None:
    for number in range(3):
        output = tmp_path / f"file{number}"
        outcome = worker.do("write", output_file=output, text=f"text {number}", request={"requestId": number})
        assert (outcome.exit_code, outcome.output, outcome.request_id) == (0, "", number)
        assert output.read_text() == f"text {number}"
    assert worker.receive(timeout=0.1) is None


def test_a_request_without_an_id_is_request_0(worker: Worker, tmp_path: Path) -> None:
    assert worker.do("write", output_file=tmp_path / "file").request_id == 0


def test_unknown_fields_are_ignored(worker: Worker, tmp_path: Path) -> None:
    unknown = {"inputs": [{"path": "a", "digest": "b"}], "verbosity": 3, "futureField": {"deep": [1, None]}}
    assert worker.do("write", output_file=tmp_path / "file", request=unknown).exit_code == 0


def test_a_line_of_megabytes(worker: Worker, tmp_path: Path) -> None:
    inputs = [{"path": f"some/long/path/to/an/input/{number}", "digest": "0" * 64} for number in range(20_000)]
    line = json.dumps({"arguments": flags("write", {"output_file": tmp_path / "file"}), "inputs": inputs})
    assert len(line) > 2**21
    worker.send(line.encode() + b"\n")
    outcome = worker.receive()
    assert outcome is not None and outcome.exit_code == 0


def test_an_argument_of_a_megabyte(worker: Worker, tmp_path: Path) -> None:
    text = "é" * 2**19
    assert worker.do("write", output_file=tmp_path / "file", text=text).exit_code == 0
    assert (tmp_path / "file").read_text() == text


def test_a_line_that_comes_in_pieces_and_two_that_come_together(worker: Worker, tmp_path: Path) -> None:
    lines = [
        json.dumps({"arguments": flags("write", {"output_file": tmp_path / str(number)}), "requestId": number}).encode()
        for number in (1, 2, 3)
    ]
    worker.send(lines[0][:10])
    worker.send(lines[0][10:] + b"\r\n\n" + lines[1] + b"\n" + lines[2] + b"\n")
    answered = [worker.receive() for _ in lines]
    assert [outcome and (outcome.request_id, outcome.exit_code) for outcome in answered] == [(1, 0), (2, 0), (3, 0)]


def test_flag_files_are_read(worker: Worker, tmp_path: Path) -> None:
    odd = "a\x0bb\u2028c d=e"
    (tmp_path / "flags").write_text("\n".join(flags("write", {"output_file": tmp_path / "file", "text": odd})) + "\n")
    worker.send(json.dumps({"arguments": [f"@{tmp_path / 'flags'}"]}).encode() + b"\n")
    outcome = worker.receive()
    assert outcome is not None and outcome.exit_code == 0
    assert (tmp_path / "file").read_text() == odd


def test_a_flag_file_that_is_missing(worker: Worker) -> None:
    worker.send(b'{"arguments": ["@nowhere"]}\n')
    outcome = worker.receive()
    assert outcome is not None and outcome.exit_code == 1
    assert outcome.first_line.startswith("lepton: action: the flag file 'nowhere' cannot be read")


def test_relative_paths_are_relative_to_the_sandbox(main: Path, tmp_path: Path) -> None:
    sandbox = tmp_path / "execution" / "sandboxes" / "7"
    sandbox.mkdir(parents=True)
    (sandbox / "input").write_text("from the sandbox")
    with Worker(main, cwd=tmp_path / "execution") as worker:
        request = {"sandboxDir": "sandboxes/7"}
        assert worker.do("copy", request=request, source="input", output_file="output").exit_code == 0
        assert (sandbox / "output").read_text() == "from the sandbox"
        assert worker.do("copy", source="input", output_file="output").exit_code == 1, (
            "the worker's own directory has no such input"
        )


def test_named_outputs(main: Path, worker: Worker, tmp_path: Path) -> None:
    splits = {name: tmp_path / f"{name}=1.npz" for name in ("train", "held-out")}
    values = [f"{name}={path}" for name, path in splits.items()]
    assert worker.do("write_named", output_split=values).exit_code == 0
    assert {name: path.read_text() for name, path in splits.items()} == {name: name for name in splits}


def test_cancel_in_flight(worker: Worker, tmp_path: Path) -> None:
    output = tmp_path / "file"
    worker.ask("hang_with_family", output_file=output, request={"requestId": 5})
    family = json.loads(unfinished(output))
    assert len(family) == 3
    worker.cancel(5)
    outcome = worker.receive()
    assert outcome is not None and outcome.was_cancelled and outcome.request_id == 5
    assert all(is_gone(pid) for pid in family)
    assert list(tmp_path.glob("*")) == [tmp_path / "root"], "nothing of it is left"
    worker.cancel(5)
    assert worker.receive(timeout=0.1) is None, "one answer"
    assert worker.do("write", output_file=output, request={"requestId": 5}).exit_code == 0


def test_cancel_after_the_end_and_for_an_unknown_request(worker: Worker, tmp_path: Path) -> None:
    assert worker.do("write", output_file=tmp_path / "file", request={"requestId": 1}).exit_code == 0
    worker.cancel(1)
    worker.cancel(99)
    assert worker.receive(timeout=0.1) is None
    assert worker.do("write", output_file=tmp_path / "file", request={"requestId": 1}).was_cancelled is False


def test_cancel_of_a_request_that_waits(worker: Worker, tmp_path: Path) -> None:
    worker.ask("hang", output_file=tmp_path / "first", request={"requestId": 1})
    worker.ask("write", output_file=tmp_path / "second", request={"requestId": 2})
    worker.ask("write", output_file=tmp_path / "third", request={"requestId": 3})
    unfinished(tmp_path / "first")
    worker.cancel(2)
    worker.cancel(1)
    answered = [worker.receive() for _ in range(3)]
    found = [outcome and (outcome.request_id, outcome.was_cancelled) for outcome in answered]
    assert found == [(2, True), (1, True), (3, False)]
    assert not (tmp_path / "second").exists() and (tmp_path / "third").exists()


def test_the_end_of_input_ends_an_idle_worker(main: Path) -> None:
    worker = Worker(main)
    assert worker.close() == 0
    assert worker.log() == ""


def test_the_end_of_input_kills_what_is_in_flight(main: Path, tmp_path: Path) -> None:
    worker = Worker(main)
    worker.ask("hang_with_family", output_file=tmp_path / "file")
    family = json.loads(unfinished(tmp_path / "file"))
    assert worker.close() == 0
    assert all(is_gone(pid) for pid in family)
    assert not list(tmp_path.glob(".lepton-*")) and not (tmp_path / "file").exists()


@pytest.mark.parametrize(
    "garbage",
    [
        b"this is no JSON\n",
        b"[1, 2]\n",
        b"\xff\xfe\x00\n",
        b'{"arguments": "--action=x"}\n',
        b'{"arguments": [1]}\n',
        b'{"requestId": "1"}\n',
        b'{"cancel": 1}\n',
        b"[" * 100_000 + b"\n",
    ],
    ids=["text", "list", "bytes", "arguments", "argument", "id", "cancel", "deep"],
)
def test_garbage_ends_the_worker(main: Path, tmp_path: Path, garbage: bytes) -> None:
    worker = Worker(main)
    worker.ask("hang", output_file=tmp_path / "file")
    unfinished(tmp_path / "file")
    worker.send(garbage)
    assert worker.process.wait(timeout=30) == 1
    assert worker.log().startswith("lepton: worker: standard input does not hold Bazel's worker protocol: ")
    assert "Traceback" not in worker.log()
    assert not list(tmp_path.glob(".lepton-*"))


def test_the_same_request_twice_is_garbage(main: Path, tmp_path: Path) -> None:
    worker = Worker(main)
    worker.ask("hang", output_file=tmp_path / "file")
    worker.ask("hang", output_file=tmp_path / "file")
    assert worker.process.wait(timeout=30) == 1
    assert "request 0 came again" in worker.log()


def test_a_worker_whose_reader_has_gone_ends(main: Path, tmp_path: Path) -> None:
    worker = Worker(main)
    assert worker.process.stdout is not None
    worker.process.stdout.close()
    worker.ask("write", output_file=tmp_path / "file")
    assert worker.process.wait(timeout=30) == 1
    assert "nobody reads the responses" in worker.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_worker_and_what_is_in_flight(main: Path, tmp_path: Path, number: signal.Signals) -> None:
    worker = Worker(main)
    worker.ask("hang_with_family", output_file=tmp_path / "file")
    family = json.loads(unfinished(tmp_path / "file"))
    worker.process.send_signal(number)
    assert worker.process.wait(timeout=30) == 128 + number
    assert all(is_gone(pid) for pid in family)
    assert not list(tmp_path.glob(".lepton-*"))


def test_a_killed_worker_takes_its_child_along(main: Path, tmp_path: Path) -> None:
    worker = Worker(main)
    worker.ask("hang_with_family", output_file=tmp_path / "file")
    child = json.loads(unfinished(tmp_path / "file"))[0]
    worker.process.kill()
    worker.process.wait()
    assert is_gone(child)
    assert not (tmp_path / "file").exists(), "what was half written is not where the output belongs"
    assert run_cold(main, "write", output_file=tmp_path / "file").exit_code == 0
    assert not list(tmp_path.glob(".lepton-*")), "the next action for that output clears up after the killed one"


def test_a_signal_ends_a_single_action(main: Path, tmp_path: Path) -> None:
    (tmp_path / "flags").write_text("\n".join(flags("hang_with_family", {"output_file": tmp_path / "file"})))
    command = [sys.executable, "-s", "-P", str(main), f"@{tmp_path / 'flags'}"]
    with subprocess.Popen(command, env=environment(main), stderr=subprocess.PIPE) as process:
        family = json.loads(unfinished(tmp_path / "file"))
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert all(is_gone(pid) for pid in family)
    assert not list(tmp_path.glob(".lepton-*"))
