"""What becomes of an action that does well or badly: the same in a forked child, a fresh one, and without a worker."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import LABEL, Outcome, Worker, install, run_cold, temporary_directory

from lepton_rules.worker import isa, landlock

Run = Callable[..., Outcome]

_LINE = re.compile(rf"lepton: action behave in {LABEL}: \S.*[^.]\. \S.*[^.]\.")


@pytest.fixture(scope="module", params=["forked", "fresh", "cold"])
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs one action in one of the three ways. A worker does all of this file, and ends well."""
    main = install(tmp_path_factory.mktemp(request.param) / "root")
    if request.param == "cold":
        yield lambda do, **values: run_cold(main, do, **values)
    else:
        with Worker(main, *(["--one_shot"] if request.param == "fresh" else [])) as worker:
            yield worker.do
    assert list(temporary_directory(main).iterdir()) == [], "temporary files are removed"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    directory = tmp_path / "out"
    directory.mkdir()
    return directory


@pytest.fixture
def run(way: Run, out: Path) -> Run:
    """Runs one action, with `output_file` when no other output is given."""

    def run_with_output(do: str, **values: object) -> Outcome:
        if not any(key.startswith("output_") for key in values):
            values["output_file"] = out / "file"
        return way(do, **values)

    return run_with_output


def _is_refused(outcome: Outcome, out: Path, why: str) -> None:
    assert outcome.exit_code == 1
    assert _LINE.fullmatch(outcome.first_line), outcome.output
    assert why in outcome.first_line
    assert list(out.iterdir()) == [], "no partial output, and nothing beside it"


def test_success_says_nothing(run: Run, out: Path) -> None:
    assert run("write") == Outcome(0, "")
    assert [path.name for path in out.iterdir()] == ["file"]


def test_a_directory_output_that_bazel_made(run: Run, out: Path) -> None:
    (out / "directory").mkdir()
    assert run("write_directory", output_directory=out / "directory").exit_code == 0
    assert (out / "directory" / "inner" / "file").read_text() == "done"


def test_outputs_of_an_earlier_run_are_gone(run: Run, out: Path) -> None:
    (out / "directory" / "old").mkdir(parents=True)
    (out / "file").write_text("old")
    assert run("write_directory", output_directory=out / "directory").exit_code == 0
    assert [path.name for path in (out / "directory").iterdir()] == ["inner"]
    assert run("nothing").exit_code == 1
    assert not (out / "file").exists()


def test_everything_printed_is_kept(run: Run) -> None:
    outcome = run("print")
    assert outcome.exit_code == 0
    for stream in ("stdout", "stderr"):
        for source in ("python", "C", "child"):
            assert f"{source} {stream}\n" in outcome.output
    assert '"forged"' in outcome.output


def test_of_much_output_the_end_is_kept(run: Run) -> None:
    outcome = run("print_much")
    assert outcome.exit_code == 0
    assert outcome.output.endswith("the end\n")
    assert re.match(r"\[\d{7} bytes of output left out\]\n", outcome.output)
    assert len(outcome.output) < 2**19


def test_closed_output_is_no_error(run: Run) -> None:
    assert run("close_output").exit_code == 0


def test_standard_input_is_empty(run: Run, out: Path) -> None:
    assert run("read_input").exit_code == 0
    assert (out / "file").read_text() == "''"


def test_an_exception_shows_its_traceback_after_the_line(run: Run, out: Path) -> None:
    outcome = run("raise")
    _is_refused(outcome, out, "ValueError: the plugin's own words. ")
    assert outcome.output.count("Traceback (most recent call last)") == 1
    assert "and a second line" in outcome.output
    assert "worker/child.py" not in outcome.output


def test_an_error_of_lepton_gets_its_label_and_no_traceback(run: Run, out: Path) -> None:
    pytest.importorskip("pluggy", reason="the SDK needs it")
    outcome = run("raise_lepton")
    assert outcome == Outcome(1, f"lepton: pass a.b in {LABEL}: it got 9 bits. Give 1 to 8.\n")


def test_control_characters_do_not_reach_the_terminal(run: Run, out: Path) -> None:
    outcome = run("raise_control")
    _is_refused(outcome, out, r"ValueError: a\x1b[31m bell\x07")


@pytest.mark.parametrize(
    ("do", "why"),
    [
        ("system_exit", "it raised SystemExit(0)"),
        ("forge_report", "its process ended with code 0 before the action had returned"),
        ("os_exit", "its process ended with code 0 before the action had returned"),
        ("killed", "it was killed (SIGKILL)"),
        ("abort", "it ran out of memory (SIGABRT)"),
        ("nothing", "its output file (--output_file) was not written"),
        ("write_beside", "it wrote beside its output file (--output_file): 'beside.bin'"),
        ("write_here", "it wrote beside its output: 'cache.bin' in its working directory"),
        ("link", "its output file (--output_file) is a link"),
        ("fifo", "its output file (--output_file) is neither a file nor a directory"),
        ("fill_disk", "No space left on device"),
        ("no_such_deed", "KeyError"),
    ],
)
def test_what_is_refused(run: Run, out: Path, do: str, why: str) -> None:
    _is_refused(run(do), out, why)


@pytest.mark.parametrize(
    ("do", "why"),
    [
        ("link_inside", "its output directory (--output_directory) holds a link, 'link'"),
        ("empty", "its output directory (--output_directory) was left empty"),
        ("lock_up", "ValueError: locked up"),
    ],
)
def test_what_is_refused_of_a_directory(run: Run, out: Path, do: str, why: str) -> None:
    _is_refused(run(do, output_directory=out / "directory"), out, why)


def test_directories_deeper_than_a_path(run: Run, out: Path) -> None:
    (out / "directory").mkdir()
    outcome = run("nest", output_directory=out / "directory")
    assert outcome.exit_code == 1 and _LINE.fullmatch(outcome.first_line), outcome.output
    assert list(out.iterdir()) == [out / "directory"]
    assert list((out / "directory").iterdir()) == []


def test_a_crash_in_native_code_shows_where(run: Run, out: Path) -> None:
    outcome = run("segfault")
    _is_refused(outcome, out, "it crashed in native code (SIGSEGV)")
    assert "before the crash\n" in outcome.output
    assert "in do_segfault" in outcome.output


def test_memory_is_bounded(run: Run, out: Path) -> None:
    outcome = run("eat_memory")
    _is_refused(outcome, out, "it needs more memory than the ")
    assert "GiB it may have here: MemoryError. Give it a smaller batch" in outcome.first_line


def test_time_is_bounded_and_the_place_shown(run: Run, out: Path) -> None:
    outcome = run("hang", timeout_s=1)
    _is_refused(outcome, out, "it was not done after 1 s and was killed")
    assert "in do_hang" in outcome.output


@pytest.mark.parametrize("way", ["forked"], indirect=True)
def test_time_is_bounded_for_who_will_not_listen(run: Run, out: Path) -> None:
    _is_refused(run("hang_hard", timeout_s=1), out, "it was not done after 1 s and was killed")


def test_a_daemon_is_killed_and_told_of(run: Run, out: Path) -> None:
    outcome = run("leave_daemon")
    _is_refused(outcome, out, "it left 1 process behind: ")
    assert "time.sleep(600)" in outcome.first_line


def test_helpers_that_end_are_no_daemons(run: Run) -> None:
    assert run("leave_short_lived").exit_code == 0
    assert run("leave_until_exit").exit_code == 0
    assert run("pool").exit_code == 0


def test_temporary_files_are_allowed(run: Run) -> None:
    assert run("write_temporary").exit_code == 0


def test_flags_that_nobody_reads(run: Run, out: Path) -> None:
    _is_refused(run("ignore_flag", unread=1), out, "--unread is not a flag of this action")


@pytest.mark.parametrize("flag", ["threads=two", "threads=0", "timeout_s=soon"])
def test_flags_that_are_wrong(run: Run, out: Path, flag: str) -> None:
    key, value = flag.split("=")
    _is_refused(run("write", **{key: value}), out, f"--{flag} is ")


def test_an_output_that_cannot_be_written(run: Run, out: Path) -> None:
    outcome = run("write", output_file=out / "no" / "such" / "directory" / "file")
    _is_refused(outcome, out, "cannot be written: No such file or directory")


def test_another_instruction_set_is_refused(run: Run, out: Path) -> None:
    other = next(name for name in isa.CLASSES if name != isa.detect())
    _is_refused(run("write", isa=other), out, f"the action was planned for {other}, which rounds differently")
    assert run("write", isa=isa.detect()).exit_code == 0


def test_the_network_is_cut_off(run: Run, out: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcome = run("connect", port=server.getsockname()[1])
    _is_refused(outcome, out, "Actions have no network")


def test_abstract_sockets_are_cut_off(run: Run, out: Path) -> None:
    name = f"lepton-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0" + name)
        server.listen()
        assert run("connect_abstract", name=name).exit_code == 1


def test_a_process_reaches_itself(run: Run) -> None:
    assert run("loopback").exit_code == 0


def test_where_there_are_no_network_namespaces_tcp_is_refused_and_it_is_said_once(tmp_path: Path) -> None:
    """As in a container that allows none: here, in a user namespace that may have none."""
    none = ["unshare", "-Ur", "sh", "-c", 'echo 0 >/proc/sys/user/max_net_namespaces && exec "$@"', "sh"]
    if subprocess.run([*none, "true"], capture_output=True, check=False).returncode or not landlock.denies_tcp():
        pytest.skip("this system cannot show it")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        Worker(install(tmp_path / "root"), through=none) as worker,
    ):
        for _ in range(2):
            outcome = worker.do("connect", output_file=tmp_path / "file", port=server.getsockname()[1])
            assert "PermissionError: [Errno 13] Permission denied. Reach no network" in outcome.first_line
    assert re.fullmatch(
        r"lepton: worker: actions are not cut off from the network beyond TCP: unshare: .*\.\n", worker.log()
    )


@pytest.mark.skipif(landlock.version() < 2, reason="this system has no Landlock")
def test_other_files_cannot_be_written(run: Run, out: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("an input")
    for victim in (source, tmp_path / "new", Path("/tmp") / f"lepton-stray-{time.monotonic_ns()}"):
        _is_refused(run("write_elsewhere", elsewhere=victim), out, f"Permission denied: '{victim}'")
        assert victim == source or not victim.exists()
    assert source.read_text() == "an input"


@pytest.mark.skipif(landlock.version() < 6, reason="this system's Landlock cannot refuse signals")
def test_the_worker_cannot_be_killed(run: Run, out: Path) -> None:
    _is_refused(run("kill_worker"), out, "PermissionError: [Errno 1] Operation not permitted")


def test_all_ways_agree_on_what_an_action_sees(tmp_path: Path) -> None:
    """Environment, modules, descriptors, limits, signals: what a result could depend on."""
    main = install(tmp_path / "root")
    seen = {}
    preload = "--preload=json,random"
    with Worker(main, preload) as forked, Worker(main, preload, "--one_shot") as fresh:
        assert forked.do("spoil", output_file=tmp_path / "forked").exit_code == 0
        assert fresh.do("spoil", output_file=tmp_path / "fresh").exit_code == 0
    assert run_cold(main, "spoil", preload, output_file=tmp_path / "cold").exit_code == 0
    for way in ("forked", "fresh", "cold"):
        seen[way] = json.loads((tmp_path / way).read_text())
    assert seen["forked"] == seen["fresh"] == seen["cold"]
    assert sys.version_info >= (3, 11)
    assert seen["cold"]["descriptors"] == ["/dev/null", "pipe:[N]", "pipe:[N]", "pipe:[N]"], (
        "the last is for its report"
    )
    assert seen["cold"]["cwd"] == ["tmp"]
    assert seen["cold"]["umask"] == 0o022
    assert seen["cold"]["leads its session"] is True
