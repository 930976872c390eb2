"""An action that behaves as it is told, well or badly: `--do=<name of a function below, without do_>`.

It is no part of lepton_rules: the tests put it beside the real actions, in a tree of their own (see support.py).
"""

import atexit
import contextlib
import ctypes
import importlib
import json
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from lepton_rules.actions.arguments import Arguments

_SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]


def run(arguments: Arguments) -> None:
    """Does what `--do` says."""
    globals()[f"do_{arguments.one('do')}"](arguments)


def _write(arguments: Arguments, text: str = "done") -> None:
    arguments.path("output_file").write_text(text)


def do_write(arguments: Arguments) -> None:
    _write(arguments, arguments.optional("text") or "done")


def do_write_named(arguments: Arguments) -> None:
    for name, path in arguments.named_paths("output_split").items():
        path.write_text(name)


def do_write_directory(arguments: Arguments) -> None:
    directory = arguments.path("output_directory")
    directory.mkdir(exist_ok=True)
    (directory / "inner").mkdir()
    (directory / "inner" / "file").write_text("done")


def do_copy(arguments: Arguments) -> None:
    _write(arguments, arguments.path("source").read_text())


def do_call(arguments: Arguments) -> None:
    """Calls a function of a module that is found by --python_path, as the real actions call a plugin."""
    _write(arguments, importlib.import_module("a_plugin").answer())


def do_spoil(arguments: Arguments) -> None:
    """Writes down what is there of the process's state, then spoils all of it."""
    limits = [resource.getrlimit(limit) for limit in (resource.RLIMIT_DATA, resource.RLIMIT_CORE)]
    spoiled = {
        "modules": sorted(sys.modules),
        "hash": hash("lepton"),
        "path": sys.path[1:],
        "arguments": sys.argv[1:],
        "environment": {key: value for key, value in os.environ.items() if key not in ("TMPDIR", "HOME")},
        "descriptors": _descriptors(),
        "threads": threading.active_count(),
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)],
        "masked": sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ()))),
        "limits": limits,
        "umask": os.umask(0),
        "leads its session": os.getsid(0) == os.getpid(),
        "cwd": [entry.name for entry in Path().iterdir()],
        "json": getattr(json, "spoiled", None),
        "random": random.Random(0).random(),
        "recursion": sys.getrecursionlimit(),
    }
    json.spoiled = True  # type: ignore[attr-defined]
    os.environ["SPOILED"] = "1"
    sys.path.append("/spoiled")
    sys.setrecursionlimit(5000)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _write(arguments, json.dumps(spoiled, indent=1))


def _descriptors() -> list[str]:
    found = []
    for number in range(100):
        with contextlib.suppress(FileNotFoundError):
            found.append(re.sub(r"\d+", "N", str(Path(f"/proc/self/fd/{number}").readlink())))
    return found


def do_print(arguments: Arguments) -> None:
    print("python stdout")
    print("python stderr", file=sys.stderr)
    libc = ctypes.CDLL(None)
    libc.puts(b"C stdout")
    libc.dprintf(2, b"C stderr\n")
    subprocess.run(["sh", "-c", "echo child stdout; echo child stderr >&2"], check=True)
    os.write(1, b'{"exitCode": 0, "output": "forged", "requestId": 0}\n')
    _write(arguments)


def do_print_much(arguments: Arguments) -> None:
    for number in range(5000):
        print(number, "x" * 1000)
    print("the end")
    _write(arguments)


def do_close_output(arguments: Arguments) -> None:
    sys.stdout.close()
    sys.stderr = None
    _write(arguments)


def do_read_input(arguments: Arguments) -> None:
    _write(arguments, repr(sys.stdin.read()))


def do_raise(arguments: Arguments) -> None:
    _write(arguments, "half")
    raise ValueError("the plugin's own words\nand a second line")


def do_raise_lepton(arguments: Arguments) -> None:
    from lepton_rules.plugin.errors import LeptonError

    raise LeptonError("pass a.b", "it got 9 bits", "Give 1 to 8")


def do_raise_control(arguments: Arguments) -> None:
    raise ValueError("a\x1b[31m bell\x07")


def do_system_exit(arguments: Arguments) -> None:
    _write(arguments)
    sys.exit(0)


def do_os_exit(arguments: Arguments) -> None:
    _write(arguments)
    os._exit(0)


def do_segfault(arguments: Arguments) -> None:
    _write(arguments, "half")
    print("before the crash")
    sys.stdout.flush()
    ctypes.string_at(0)


def do_abort(arguments: Arguments) -> None:
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def do_killed(arguments: Arguments) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def do_eat_memory(arguments: Arguments) -> None:
    """Takes memory and never touches it, so that the machine itself does not run out."""
    eaten = []
    while True:
        eaten.append(bytes(2**28))


def do_hang(arguments: Arguments) -> None:
    _write(arguments, "half")
    time.sleep(600)


def do_hang_hard(arguments: Arguments) -> None:
    signal.signal(signal.SIGABRT, signal.SIG_IGN)
    time.sleep(600)


def do_hang_with_family(arguments: Arguments) -> None:
    """Starts a child, a grandchild in a session of its own whose parent has ended, notes who lives, and hangs."""
    _write(arguments, json.dumps([os.getpid(), subprocess.Popen(_SLEEP).pid, _daemon()]))
    time.sleep(600)


def do_leave_daemon(arguments: Arguments) -> None:
    _write(arguments, str(_daemon()))


def do_leave_short_lived(arguments: Arguments) -> None:
    """Helpers that end on their own soon after are no offence: Python's multiprocessing has one."""
    subprocess.Popen(["sleep", "0.2"])
    _write(arguments)


def do_leave_until_exit(arguments: Arguments) -> None:
    """Helpers that a library ends when Python does."""
    atexit.register(subprocess.Popen(_SLEEP).kill)
    _write(arguments)


def do_pool(arguments: Arguments) -> None:
    """A pool that nobody closes: multiprocessing ends it at exit."""
    import multiprocessing

    pool = multiprocessing.get_context("fork").Pool(2)
    _write(arguments, str(pool.map(abs, [-1, 2])))
    globals()["pool"] = pool


def _daemon() -> int:
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        daemon = os.fork()
        if daemon == 0:
            os.execv(_SLEEP[0], _SLEEP)
        os.write(writing, str(daemon).encode())
        os._exit(0)
    os.close(writing)
    found = int(os.read(reading, 100))
    os.wait()
    return found


def do_nothing(arguments: Arguments) -> None:
    """Returns, and has written no output."""
    arguments.path("output_file")


def do_write_beside(arguments: Arguments) -> None:
    _write(arguments)
    arguments.path("output_file").with_name("beside.bin").write_text("stray")


def do_write_here(arguments: Arguments) -> None:
    _write(arguments)
    Path("cache.bin").write_text("stray")


def do_write_elsewhere(arguments: Arguments) -> None:
    _write(arguments)
    Path(arguments.one("elsewhere")).write_text("stray")


def do_write_temporary(arguments: Arguments) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(b"x")
    (Path.home() / "cache").mkdir()
    _write(arguments)


def do_link(arguments: Arguments) -> None:
    arguments.path("output_file").symlink_to("/etc/passwd")


def do_link_inside(arguments: Arguments) -> None:
    directory = arguments.path("output_directory")
    directory.mkdir(exist_ok=True)
    (directory / "file").write_text("done")
    (directory / "link").symlink_to("file")


def do_fifo(arguments: Arguments) -> None:
    os.mkfifo(arguments.path("output_file"))


def do_empty(arguments: Arguments) -> None:
    arguments.path("output_directory").mkdir(exist_ok=True)


def do_lock_up(arguments: Arguments) -> None:
    """Leaves a directory that nobody may enter."""
    directory = arguments.path("output_directory")
    (directory / "inner" / "deep").mkdir(parents=True)
    (directory / "inner").chmod(0)
    raise ValueError("locked up")


def do_fill_disk(arguments: Arguments) -> None:
    raise OSError(28, os.strerror(28), str(arguments.path("output_file")))


def do_connect(arguments: Arguments) -> None:
    with socket.create_connection(("127.0.0.1", int(arguments.one("port"))), timeout=5):
        _write(arguments)


def do_connect_abstract(arguments: Arguments) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + arguments.one("name"))
    _write(arguments)


def do_loopback(arguments: Arguments) -> None:
    """Talks to itself, as libraries do whose processes share work."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        _write(arguments)


def do_kill_worker(arguments: Arguments) -> None:
    os.kill(os.getppid(), signal.SIGKILL)


def do_parent(arguments: Arguments) -> None:
    _write(arguments, str(os.getppid()))


def do_ignore_flag(arguments: Arguments) -> None:
    """Does not read the flag `--unread`, which an action must."""
    _write(arguments)


def do_train(arguments: Arguments) -> None:
    """A few steps of training in torch, on the threads that were asked for."""
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(10))
    inputs, labels = torch.randn(64, 3, 32, 32), torch.randint(0, 10, (64,))
    model(inputs)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    digest = [float(parameter.double().abs().sum()) for parameter in model.parameters()]
    _write(arguments, json.dumps([torch.get_num_threads(), digest]))


def do_eat_memory_in_torch(arguments: Arguments) -> None:
    """Asks the library for more than there can be."""
    import torch

    torch.empty(2**44, dtype=torch.uint8)


def do_nest(arguments: Arguments) -> None:
    """Directories in directories, deeper than a path can say."""
    os.chdir(arguments.path("output_directory"))
    for _ in range(2500):
        Path("d").mkdir()
        os.chdir("d")
    Path("file").write_text("deep")


def do_forge_report(arguments: Arguments) -> None:
    """Writes to the descriptor that the worker reads its child's report from, and does not come back."""
    _write(arguments)
    os.write(max(int(entry.name) for entry in Path("/proc/self/fd").iterdir() if entry.exists()), b'{"message": 5}')
    os._exit(0)
