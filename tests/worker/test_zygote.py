"""The zygote: what is loaded once, what every child starts from, and what is left behind of it."""

from pathlib import Path

import pytest
from support import Worker, install, resident_kib, run_cold, temporary_directory


@pytest.fixture
def main(tmp_path: Path) -> Path:
    return install(tmp_path / "root")


def _module(main: Path, name: str, text: str) -> None:
    """A module that the worker can preload, as one of the environment."""
    (main.parents[2] / f"{name}.py").write_text(text)


def _descriptors(pid: int) -> list[str]:
    return sorted(entry.name for entry in Path(f"/proc/{pid}/fd").iterdir())


def test_the_200th_request_equals_a_cold_process(main: Path, tmp_path: Path) -> None:
    """No state, memory, descriptor, process or file of 200 requests stays."""
    preload = "--preload=json,random,decimal"
    assert run_cold(main, "spoil", preload, output_file=tmp_path / "cold").exit_code == 0
    with Worker(main, preload) as worker:
        pid = worker.process.pid
        for number in range(200):
            do = ("spoil", "raise", "segfault", "print", "spoil")[number % 5]
            outcome = worker.do(do, output_file=tmp_path / "warm", request={"requestId": number})
            assert outcome.request_id == number
            assert outcome.exit_code == (1 if do in ("raise", "segfault") else 0)
            if number == 19:
                early = (resident_kib(pid), _descriptors(pid))
        assert (tmp_path / "warm").read_bytes() == (tmp_path / "cold").read_bytes()
        assert resident_kib(pid) - early[0] < 1024, "the parent's memory is flat"
        assert _descriptors(pid) == early[1]
        assert not Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert list(temporary_directory(main).iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cold", "root", "warm"]


def test_a_module_is_preloaded_once(main: Path, tmp_path: Path) -> None:
    _module(main, "counted", f"with open({str(tmp_path / 'count')!r}, 'a') as file: file.write('x')")
    with Worker(main, "--preload=counted") as worker:
        for number in range(3):
            assert worker.do("write", output_file=tmp_path / str(number)).exit_code == 0
    assert (tmp_path / "count").read_text() == "x"


@pytest.mark.parametrize(
    "registered", ["os.remove, held", "held_as_a_text['remove']"], ids=["a function of C", "Python in a text of C"]
)
def test_what_native_code_registers_to_free_memory_is_not_called(main: Path, tmp_path: Path, registered: str) -> None:
    held = tmp_path / "held"
    held.touch()
    _module(
        main,
        "native",
        f"import atexit, os\nheld = {str(held)!r}\nheld_as_a_text = {{'os': os, 'held': held}}\n"
        "exec(compile('def remove(): os.remove(held)', '<internal>', 'exec'), held_as_a_text)\n"
        f"atexit.register({registered})",
    )
    with Worker(main, "--preload=native") as worker:
        assert worker.do("write", output_file=tmp_path / "file").exit_code == 0
        assert held.exists()


def test_what_a_module_prints_when_it_is_loaded_stays_out_of_the_protocol(main: Path, tmp_path: Path) -> None:
    _module(main, "loud", "import os\nprint('from python', flush=True)\nos.system('echo from a child')")
    with Worker(main, "--preload=loud") as worker:
        assert worker.do("write", output_file=tmp_path / "file").output == ""
    assert worker.log() == "from python\nfrom a child\n"


def test_a_module_that_starts_a_thread_means_a_process_for_each_action(main: Path, tmp_path: Path) -> None:
    _module(
        main,
        "threads",
        "import threading, time\nballast = bytearray(b'x' * 50_000_000)\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
    )
    with Worker(main, "--preload=json,threads") as worker:
        for number in range(2):
            # The thread of the module is in each process. Were it forked, it would not be.
            assert worker.do("spoil", output_file=tmp_path / str(number)).exit_code == 0
            assert '"threads": 2' in (tmp_path / str(number)).read_text()
        assert resident_kib(worker.process.pid) < 40_000, "what was loaded for nothing is given back"
    said = "lepton: worker: preloading json,threads left 2 threads; each action gets a Python process of its own.\n"
    assert worker.log() == said, "said once"


@pytest.mark.parametrize("option", ["", "--one_shot"])
def test_a_module_that_cannot_be_preloaded_is_an_error_of_each_action(main: Path, tmp_path: Path, option: str) -> None:
    with Worker(main, "--preload=json,no_such_module", *filter(None, [option])) as worker:
        for _ in range(2):
            outcome = worker.do("write", output_file=tmp_path / "file")
            assert outcome.exit_code == 1
            assert outcome.first_line == (
                "lepton: action behave in //some:target: a module to preload cannot be imported: "
                "ModuleNotFoundError: No module named 'no_such_module'. "
                "Correct `preload` of the lepton_plugin, or add the module to the lock of its environment."
            )
            assert not (tmp_path / "file").exists()


def test_an_edited_plugin_needs_no_new_worker(main: Path, tmp_path: Path) -> None:
    roots = [tmp_path / "first", tmp_path / "second"]
    for root in roots:
        root.mkdir()
        (root / "a_plugin.py").write_text(f"def answer(): return {root.name!r}")
    with Worker(main) as worker:
        for text in ("before", "after, and of another length", "before"):
            (roots[0] / "a_plugin.py").write_text(f"def answer(): return {text!r}")
            assert worker.do("call", output_file=tmp_path / "file", python_path=roots).exit_code == 0
            assert (tmp_path / "file").read_text() == text
    assert not list(tmp_path.rglob("__pycache__/a_plugin*")), "no bytecode is written"
