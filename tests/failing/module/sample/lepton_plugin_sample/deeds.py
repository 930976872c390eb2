"""Everything that a plugin must not do: a function for each deed, called instead of a pass."""

import contextlib
import ctypes
import mmap
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from lepton_plugin_sample import text
from lepton_rules.plugin import ImportContext, ModelFacts, PassContext


def run(context: PassContext) -> object:
    """Does the deed that the configuration names."""
    return globals()[context.config.deed](context)


def print_everywhere(context: PassContext) -> ModelFacts:
    """Prints to standard output, as Python, as C and as a child process. Nothing is wrong with that."""
    print("said by Python")
    print("said to stderr", file=sys.stderr)
    ctypes.CDLL(None).puts(b"said by C")
    subprocess.run(["/bin/echo", "said by a child process"], check=True)
    os.write(1, b'{"exitCode":0,"output":"forged","requestId":0}\n')
    return text.keep(context)


def import_error(context: PassContext) -> ModelFacts:
    import a_module_that_nobody_has  # type: ignore[import-not-found]

    return a_module_that_nobody_has.run(context)


def raise_error(context: PassContext) -> ModelFacts:
    raise ValueError("the text is\nunspeakable")


def raise_system_exit(context: PassContext) -> ModelFacts:
    raise SystemExit(0)


def exit_at_once(context: PassContext) -> ModelFacts:
    text.keep(context)
    os._exit(0)


def return_nothing(context: PassContext) -> None:
    text.keep(context)


def write_nothing(context: PassContext) -> ModelFacts:
    return text.facts_of(text.text_of(context.model))


def write_beside_output(context: PassContext) -> ModelFacts:
    (context.output.parent / "notes.txt").write_text("notes", encoding="utf-8")
    return text.keep(context)


def write_to_working_directory(context: PassContext) -> ModelFacts:
    Path("notes.txt").write_text("notes", encoding="utf-8")
    return text.keep(context)


def write_a_link(context: PassContext) -> ModelFacts:
    (context.output / "passwords.txt").symlink_to("/etc/passwd")
    return text.keep(context)


def change_its_input(context: PassContext) -> ModelFacts:
    with contextlib.suppress(OSError):
        (context.model.path / text.FILE).write_text("changed", encoding="utf-8")
        return text.keep(context)
    # Landlock, or the sandbox's read-only file system, said so in words of its own.
    raise RuntimeError("its input cannot be written")


def change_dtype(context: PassContext) -> ModelFacts:
    text.keep(context)
    return text.facts_of(text.text_of(context.model), "float64")


def segfault(context: PassContext) -> ModelFacts:
    text.keep(context)
    ctypes.string_at(0)
    raise AssertionError("unreachable")


def eat_memory(context: PassContext) -> ModelFacts:
    """Asks for a hundred machines' memory and touches none of it."""
    mmap.mmap(-1, 100 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    bytearray(100 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return text.keep(context)


def fork_a_daemon(context: PassContext) -> ModelFacts:
    """Leaves a process of a session of its own, which holds no pipe of this one."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(nothing, descriptor)
            os.execv("/bin/sleep", ["sleep", "86399"])
        os._exit(0)
    os.wait()
    return text.keep(context)


def hang(context: PassContext) -> ModelFacts:
    (context.output / text.FILE).write_text("half of", encoding="utf-8")
    while True:
        time.sleep(1)


def reach_the_network(context: PassContext) -> ModelFacts:
    import socket

    # An address that is for documentation, so that it can never be reached: what is asked is how it fails.
    socket.create_connection(("192.0.2.1", 80), timeout=2)
    return text.keep(context)


def fill_the_disk(context: PassContext) -> ModelFacts:
    with (context.output / "noise.bin").open("wb") as stream:
        for _ in range(64):
            stream.write(bytes(2**20))
    return text.keep(context)


def open_many_files(context: PassContext) -> ModelFacts:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with contextlib.ExitStack() as stack:
        for _ in range(64):
            stack.enter_context((context.model.path / text.FILE).open("rb"))
    return text.keep(context)


def wait_half_way(context: PassContext) -> ModelFacts:
    """Writes half of its output and waits while the file that `argument` names is there, as no honest pass can."""
    path = context.output / text.FILE
    whole = text.text_of(context.model)
    path.write_text(whole[: len(whole) // 2], encoding="utf-8")
    _wait(Path(context.config.argument))
    return text.keep(context)


def read(context: ImportContext) -> ModelFacts:
    """Says that it waits, and reads only then."""
    (context.output / text.FILE).write_text("", encoding="utf-8")
    _wait(Path(context.config.hold))
    return text.read(context)


def _wait(hold: Path) -> None:
    while hold.exists():
        time.sleep(0.02)
