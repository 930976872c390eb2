"""One request, seen from the parent: starts the child, watches it, and turns its end into a response."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from lepton_rules.actions.arguments import Arguments, ArgumentsError
from lepton_rules.worker import child, processes
from lepton_rules.worker.capture import Tail
from lepton_rules.worker.inputs import Inputs
from lepton_rules.worker.messages import MORE_MEMORY, Failure, Subject, count, listed
from lepton_rules.worker.outputs import Scratch, Staging
from lepton_rules.worker.protocol import Request, Response

# How long processes that outlive the action may take to end by themselves, as helpers of Python's multiprocessing do.
_GRACE_S = 1.0
# How long a child that ran out of time may take to print where it hangs.
_LAST_WORDS_S = 1.0
# A child's own report is far shorter; this bounds what a plugin can make the parent hold.
_LONGEST_REPORT = 2**20


@dataclass(frozen=True)
class Launch:
    """How children are started.

    Attributes:
        preload: the modules to import before an action.
        fresh: whether each child is a new Python process rather than a fork of this one.
        main: the absolute path of main.py.
        refusal: why no child can be started here, if none can.
    """

    preload: tuple[str, ...]
    fresh: bool
    main: str
    refusal: Failure | None = None


class Job:
    """A request that is being done. Its owner calls `read` when a descriptor of `descriptors` is readable, `reap`
    after a SIGCHLD, and `tick` when `deadline` has come, until `response` is not None."""

    def __init__(self, request: Request, launch: Launch, close_in_child: Callable[[], None]) -> None:
        """Starts the child. Whatever prevents that becomes the response."""
        self.request = request
        self.response: Response | None = None
        self.gaps: list[str] = []
        self.descriptors: set[int] = set()
        self.deadline: float | None = None
        self._launch = launch
        self._close_in_child = close_in_child
        self._subject = Subject("action")
        self._output = Tail()
        self._report = b""
        self._child: int | None = None
        self._status: int | None = None
        self._peak_bytes = 0
        self._timeout_s: int | None = None
        self._timed_out = False
        self._left_behind: list[str] = []
        self._scratch: Scratch | None = None
        self._staging: Staging | None = None
        self._inputs: Inputs | None = None
        self._kills_before = processes.out_of_memory_kills()
        try:
            self._start()
        except (OSError, Failure, ArgumentsError) as error:
            self._finish(self._failure(error))

    def _start(self) -> None:
        directory = Path.cwd() / self.request.sandbox_dir
        lines = _expand(self.request.arguments, directory)
        arguments = Arguments.parse(lines, directory)
        self._subject = Subject.of(arguments)
        if self._launch.refusal is not None:
            raise self._launch.refusal
        timeout_s = arguments.integer("timeout_s", default=0)
        self._scratch = Scratch()
        self._staging = Staging(lines, directory)
        self._inputs = Inputs(self.request.inputs, directory)
        task = child.Task(
            lines=tuple(self._staging.lines),
            directory=str(directory),
            scratch=str(self._scratch.directory),
            temporary=str(self._scratch.temporary),
            writable=(str(self._scratch.directory), *map(str, filter(None, [self._staging.directory]))),
            preload=self._launch.preload,
            parent=os.getpid(),
        )
        if not self._launch.fresh:
            child.warm(arguments.one("action"))
        self._fork(task)
        if timeout_s > 0:
            self._timeout_s = timeout_s
            self.deadline = time.monotonic() + timeout_s

    def _fork(self, task: child.Task) -> None:
        output_read, output_write = os.pipe()
        report_read, report_write = os.pipe()
        # No signal may reach the child while it still has the parent's handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT))
        try:
            pid = os.fork()
            if pid == 0:
                self._become_child(task, output_write, report_write, (output_read, report_read))
        except OSError:
            os.close(output_read)
            os.close(report_read)
            raise
        finally:
            os.close(output_write)
            os.close(report_write)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for descriptor in (output_read, report_read):
            os.set_blocking(descriptor, False)
        self._child = pid
        self._output_from, self._report_from = output_read, report_read
        self.descriptors = {output_read, report_read}

    def _become_child(self, task: child.Task, output: int, report: int, unneeded: tuple[int, int]) -> NoReturn:
        try:
            child.reset_signals()
            os.setsid()
            self._close_in_child()
            for descriptor in unneeded:
                os.close(descriptor)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.close(nothing)
            if self._launch.fresh:
                _start_afresh(self._launch.main, task, report)
            child.run(task, report)
        except BaseException as error:
            os.write(2, f"lepton: worker: {error!r}\n".encode())
        finally:
            os._exit(1)

    def read(self, descriptor: int) -> None:
        """Takes what is there to read from one of `descriptors`."""
        try:
            data = os.read(descriptor, 2**16)
        except BlockingIOError:
            # Someone outside holds the other end: nothing of this request can come any more.
            data = b""
        if not data:
            self._close(descriptor)
        elif descriptor == self._output_from:
            self._output.append(data)
        elif len(self._report) < _LONGEST_REPORT:
            self._report += data

    def reap(self) -> None:
        """Collects children that have ended, and decides what follows when the request's own is among them."""
        if self.response is not None:
            return
        some_left = True
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                some_left = False
                break
            if pid == 0:
                break
            if pid == self._child:
                processes.kill_group(pid)
                self._child = None
                self._status = status
                self._peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
                # Only an action that went well is worth waiting for the processes it started.
                self.deadline = time.monotonic() + (_GRACE_S if status == 0 else 0)
        if self._status is not None and not some_left:
            self._end()

    def tick(self, now: float) -> None:
        """Acts on the deadline if it has come."""
        if self.deadline is None or now < self.deadline or self.response is not None:
            return
        if self._status is not None:
            self._left_behind = [processes.describe(process) for process in processes.children()]
            self._end()
        elif not self._timed_out:
            # SIGABRT makes Python print where it is.
            self._timed_out = True
            self.deadline = now + _LAST_WORDS_S
            assert self._child is not None
            os.kill(self._child, signal.SIGABRT)
        else:
            self.deadline = None
            assert self._child is not None
            os.kill(self._child, signal.SIGKILL)

    def cancel(self) -> None:
        """Kills everything of this request, and answers that it was cancelled."""
        processes.kill_all(self._child)
        self._finish(None)

    def _end(self) -> None:
        """The child has ended: judges what it did."""
        processes.kill_all(None)
        for descriptor in list(self.descriptors):
            self._drain(descriptor)
        report = child.Report.decode(self._report)
        self.gaps = report.gaps if report else []
        try:
            message, details = self._verdict(report), report.details if report else ""
            if message is None:
                assert self._staging is not None and self._scratch is not None
                assert self._inputs is not None
                self._inputs.check()
                self._staging.check()
                self._scratch.check()
                self._staging.publish()
        except (OSError, RecursionError, Failure) as error:
            message, details = self._failure(error), ""
        if message is None:
            self._finish("")
            return
        self._finish("".join(_line(part) for part in (message, details)))

    def _verdict(self, report: child.Report | None) -> str | None:
        """The error's line, or None when the child did all it should."""
        assert self._status is not None
        peak = f"; it held {self._peak_bytes / 2**30:.2f} GiB at its peak" if self._peak_bytes else ""
        if self._timed_out:
            return self._subject.say(
                f"it was not done after {self._timeout_s} s and was killed",
                "Find where it hangs (its threads are listed below), or raise the timeout",
            )
        if os.WIFSIGNALED(self._status):
            number = os.WTERMSIG(self._status)
            return self._subject.say(*self._explain_signal(number, peak))
        if report is not None and report.message is not None:
            return report.message
        if report is None:
            code = os.waitstatus_to_exitcode(self._status)
            return self._subject.say(
                f"its process ended with code {code} before the action had returned (os._exit?)",
                "Return from the function when all is well, else raise an error",
            )
        if self._left_behind:
            return self._subject.say(
                f"it left {count(len(self._left_behind), 'process', 'processes')} behind: {listed(self._left_behind)}",
                "End and wait for every process that is started, before returning",
            )
        return None

    def _explain_signal(self, number: int, peak: str) -> tuple[str, str]:
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        if "std::bad_alloc" in self._output.text():
            return f"it ran out of memory ({name}){peak}", MORE_MEMORY
        if number == signal.SIGKILL:
            known = processes.out_of_memory_kills() > self._kills_before
            why = "for lack of memory" if known else "and not by the worker; lack of memory is the usual cause"
            return f"it was killed (SIGKILL), {why}{peak}", MORE_MEMORY
        if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT):
            return (
                f"it crashed in native code ({name})",
                "The stack below shows the call; a broken model or a bug in that library is the usual cause",
            )
        return f"it was killed by {name}", "Build again; if it stays, see what sends the signal"

    def _failure(self, error: OSError | RecursionError | Failure | ArgumentsError) -> str:
        """The line for what the parent itself ran into."""
        if isinstance(error, Failure):
            return self._subject.say(error.why, error.fix)
        if isinstance(error, ArgumentsError):
            return self._subject.say(str(error), "This is a mistake in the rule that wrote the flag file; report it")
        if isinstance(error, RecursionError):
            return self._subject.say("its outputs are nested too deep", "Write fewer directories into each other")
        return self._subject.say(f"it cannot be run: {error}", "Free space, memory or processes here, then build again")

    def _finish(self, error: str | None) -> None:
        """Makes the response: an error's text, "" for success, None for cancelled. Cleans up whatever is left."""
        for descriptor in list(self.descriptors):
            self._close(descriptor)
        output = self._output.text()
        if self._staging is not None:
            output = self._staging.readable(output)
            error = self._staging.readable(error) if error else error
            if error != "":
                self._staging.clear_declared()
            self._staging.remove()
        if self._scratch is not None:
            self._scratch.remove()
        cancelled = error is None
        self.response = Response(
            exit_code=0 if error == "" else 1,
            output="" if error is None else _line(error) + output,
            request_id=self.request.request_id,
            was_cancelled=cancelled,
        )

    def _drain(self, descriptor: int) -> None:
        """Reads what is left of a pipe that has no writer any more."""
        while descriptor in self.descriptors:
            self.read(descriptor)

    def _close(self, descriptor: int) -> None:
        self.descriptors.discard(descriptor)
        os.close(descriptor)


def _start_afresh(main: str, task: child.Task, report: int) -> NoReturn:
    """Replaces this process by a new Python that does the task, read from a file that has no name."""
    with tempfile.TemporaryFile() as file:
        file.write(task.encode())
        file.flush()
        file.seek(0)
        for descriptor in (file.fileno(), report):
            os.set_inheritable(descriptor, True)
        os.execv(sys.executable, [sys.executable, "-s", "-P", main, f"--child={file.fileno()},{report}"])


def _line(text: str) -> str:
    """Text, if there is any, with a newline at its end."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def _expand(arguments: tuple[str, ...], directory: Path) -> list[str]:
    """Replaces each `@file` by that file's lines."""
    lines: list[str] = []
    for argument in arguments:
        if argument.startswith("@"):
            try:
                lines += (directory / argument[1:]).read_text(encoding="utf-8").split("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise ArgumentsError(f"the flag file {argument[1:]!r} cannot be read: {error}") from None
        else:
            lines.append(argument)
    return lines
