"""What happens in the process that does one request: isolation, then the action, then one report to the parent.

The same for a process forked from the zygote and for one started afresh, step by step and in the same order, so that
both give the same bytes.
"""

import atexit
import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import signal
import sys
import traceback
import types
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from lepton_rules.actions.arguments import Arguments, ArgumentsError
from lepton_rules.worker import huge_pages, isa, isolation, processes
from lepton_rules.worker.messages import MORE_MEMORY, Failure, Subject, fix_for, is_out_of_memory

_LONGEST_REPORT = 32 * 2**10


@dataclass(frozen=True)
class Task:
    """All that a child needs to know.

    Attributes:
        lines: the action's flag lines, with private paths for its outputs.
        directory: the absolute directory that relative paths are relative to.
        scratch: the child's working directory.
        temporary: where temporary files go.
        writable: the directories that the action may write to.
        preload: modules to import first; already imported in a forked child.
        parent: the process that waits for the child.
    """

    lines: tuple[str, ...]
    directory: str
    scratch: str
    temporary: str
    writable: tuple[str, ...]
    preload: tuple[str, ...]
    parent: int

    def encode(self) -> bytes:
        """The task as JSON, for a process started afresh."""
        return json.dumps(vars(self)).encode("ascii")

    @classmethod
    def decode(cls, data: bytes) -> "Task":
        """The reverse of `encode`."""
        fields: Any = json.loads(data)
        for key in ("lines", "writable", "preload"):
            fields[key] = tuple(fields[key])
        return cls(**fields)


@dataclass(frozen=True)
class Report:
    """The last thing that a child says, and the proof that it ended of its own will.

    Attributes:
        message: the error's one line, or None when the action returned.
        details: the traceback of an exception that nobody expected.
        gaps: what the action could not be cut off from, and why.
    """

    message: str | None = None
    details: str = ""
    gaps: list[str] = field(default_factory=list)

    def encode(self) -> bytes:
        """The report as JSON."""
        return json.dumps(vars(self)).encode("ascii")

    @classmethod
    def decode(cls, data: bytes) -> "Report | None":
        """The reverse of `encode`; None for what is no report: nothing from a process that was killed, or a forgery."""
        try:
            report = cls(**json.loads(data))
        except (ValueError, TypeError, RecursionError):
            return None
        sound = isinstance(report.message, str | None) and isinstance(report.details, str)
        gaps = isinstance(report.gaps, list) and all(isinstance(gap, str) for gap in report.gaps)
        return report if sound and gaps else None


def run(task: Task, report_to: int) -> NoReturn:
    """Does the task in this process, reports to the descriptor `report_to`, and ends the process."""
    gaps: list[str] = []
    try:
        processes.die_with(task.parent)
        faulthandler.enable(2)
        isolation.limit_resources()
        gaps = isolation.isolate([Path(path) for path in task.writable])
        arguments = Arguments.parse(task.lines, Path(task.directory))
        _enter(task)
        _preload(task.preload)
        _act(arguments)
        _say_goodbye()
        report = Report(gaps=gaps)
    except BaseException as error:
        report = _explain(error, task, gaps)
    _flush()
    os.write(report_to, report.encode())
    os._exit(1 if report.message else 0)


# What native code registered with atexit while modules were preloaded.
_native_finalizers: list[Callable[..., Any]] = []


def preload(names: Iterable[str]) -> None:
    """Imports modules for their cost alone. Raises whatever an import raises."""
    register = atexit.register

    def noted(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        if _is_native(function):
            _native_finalizers.append(function)
        return register(function, *args, **kwargs)

    atexit.register = noted
    try:
        for name in names:
            importlib.import_module(name)
    finally:
        atexit.register = register


def _is_native(function: Callable[..., Any]) -> bool:
    """Whether a function is C's, or Python that C holds as a text, as nanobind does."""
    code = getattr(function, "__code__", None)
    return isinstance(function, types.BuiltinFunctionType) or (code is not None and code.co_filename.startswith("<"))


def _enter(task: Task) -> None:
    """Goes to the working directory, and points at temporary space whatever looks for some."""
    sys.argv = sys.argv[:1]
    os.umask(0o022)
    os.chdir(task.scratch)
    os.environ["TMPDIR"] = os.environ["HOME"] = task.temporary
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        tempfile.tempdir = None  # type: ignore[attr-defined]  # It remembers the parent's.


def _preload(names: tuple[str, ...]) -> None:
    try:
        preload(names)
    except Exception as error:
        raise Failure(*preload_failure(error)) from error


# What every child of an action that imports these modules would read for itself.
_READ_ONCE = (("lepton_rules.plugin.distributions", "installed"), ("lepton_rules.manifest.manifest", "load_schema"))


def warm(action: str) -> None:
    """Imports an action in the zygote, and reads what all its children need: the metadata of the environment's
    distributions and the manifest's schema.

    The sources of lepton_rules are among the worker's tools, so they stay the same while it lives. An action imports
    no library at its top. What cannot be imported fails in the child, which says so.
    """
    names = [f"lepton_rules.actions.{action}"] if action.isidentifier() else []
    if "numpy" in sys.modules:
        names.append("numpy.random")  # numpy imports it when an action first seeds it, which takes 10 ms.
    new = [name for name in names if name not in sys.modules]
    for name in new:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    if new:
        for module, function in _READ_ONCE:
            if module in sys.modules:
                with contextlib.suppress(Exception):
                    getattr(sys.modules[module], function)()
        freeze()


def freeze() -> None:
    """Keeps the garbage collector of every child off the objects that are there now, whose pages it would copy."""
    gc.collect()
    gc.freeze()
    huge_pages.collapse()


def preload_failure(error: Exception) -> tuple[str, str]:
    """Why and the fix, for a preload that cannot be imported."""
    return (
        f"a module to preload cannot be imported: {_named(error)}",
        "Correct `preload` of the lepton_plugin, or add the module to the lock of its environment",
    )


def _act(arguments: Arguments) -> None:
    want = arguments.optional("isa")
    have = isa.detect()
    if want is not None and not isa.same_arithmetic(have, want):
        raise Failure(
            f"this machine's instruction set is {have}; the action was planned for {want}, which rounds differently",
            f"Run it on a machine of class {want}, or plan it on this one",
        )
    _set_threads(arguments.integer("threads", default=1))
    for path in reversed(arguments.paths("python_path")):
        sys.path.insert(0, str(path))
    name = arguments.one("action")
    if not name.isidentifier():
        raise ArgumentsError(f"--action={name[:200]} is not the name of a module")
    action = importlib.import_module(f"lepton_rules.actions.{name}")
    try:
        action.run(arguments)
    except SystemExit as error:
        raise Failure(
            f"it raised SystemExit({error.code!r})", "Return from the function when all is well, else raise an error"
        ) from error
    arguments.finish()


def _set_threads(number: int) -> None:
    """Fixes how many threads a library computes with. It is part of the result: it changes the order of sums.

    Environments are started with one thread for each library, and the preloaded ones have read that by now. torch can
    be told later.
    """
    if number < 1:
        raise ArgumentsError(f"--threads={number} is less than 1")
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(number)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(number)


def _say_goodbye() -> None:
    """What Python does at its end, by which libraries tell their helper processes to go.

    Finalizers are left out: they free what ends with the process, and torch has so many that they take 25 ms. So is
    what native code registered, which frees memory too.
    """
    for function in (weakref.finalize._exitfunc, *_native_finalizers):  # type: ignore[attr-defined]
        atexit.unregister(function)
    atexit._run_exitfuncs()


def _explain(error: BaseException, task: Task, gaps: list[str]) -> Report:
    """Turns whatever ended an action into a report."""
    gc.collect()  # After a MemoryError there is work to do still.
    subject = _subject(task)
    details = ""
    lepton_error: Any = getattr(sys.modules.get("lepton_rules.plugin.errors"), "LeptonError", None)
    if lepton_error is not None and isinstance(error, lepton_error):
        message = str(error if error.label is not None or subject.label is None else error.with_label(subject.label))
        if error.__cause__ is not None:
            details = _traceback(error.__cause__)
    elif isinstance(error, Failure):
        message = subject.say(error.why, error.fix)
    elif isinstance(error, ArgumentsError):
        message = subject.say(str(error), "This is a mistake in the rule that wrote the flag file; report it")
    elif is_out_of_memory(error):
        limit = f"{isolation.memory_limit() / 2**30:.1f} GiB"
        message = subject.say(f"it needs more memory than the {limit} it may have here: {_named(error)}", MORE_MEMORY)
        details = _traceback(error)
    else:
        message = subject.say(_named(error), fix_for(error))
        details = _traceback(error)
    return Report(message, details[-_LONGEST_REPORT:], gaps)


def _subject(task: Task) -> Subject:
    try:
        arguments = Arguments.parse(task.lines, Path(task.directory))
    except ArgumentsError:
        return Subject("action")
    entry = (arguments.many("plugin_entry") or [""])[0]
    version = getattr(sys.modules.get(entry), "__version__", None)
    return Subject.of(arguments, {entry: version} if isinstance(version, str) else None)


def _named(error: BaseException) -> str:
    """An exception's type and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _traceback(error: BaseException) -> str:
    """A traceback without this file's frames, which say nothing to anyone."""
    return "".join(traceback.format_exception(type(error), error, _beyond_this_file(error.__traceback__)))


def _beyond_this_file(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__ and frames.tb_next is not None:
        frames = frames.tb_next
    return frames


def _flush() -> None:
    """Sends on what is still buffered, Python's and C's."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # Closed or replaced by the plugin: nothing of it is left to send.
    ctypes.CDLL(None).fflush(None)


def reset_signals() -> None:
    """Undoes in a forked child what the server does with signals."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
