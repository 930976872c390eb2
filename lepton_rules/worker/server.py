"""The loop of the worker's parent process: requests in, jobs run one at a time, responses out.

The parent starts no thread and keeps nothing of a request. It never imports a plugin: it holds the libraries that
were preloaded, from which children are forked.
"""

import os
import selectors
import signal
import sys
import time
from collections import deque
from types import FrameType

from lepton_rules.worker import processes
from lepton_rules.worker.job import Job, Launch
from lepton_rules.worker.protocol import ProtocolError, Request, RequestReader, Response, write

_ENDING = (signal.SIGTERM, signal.SIGINT)


class Server:
    """Runs jobs, and ends them when this process is told to end. One in a process: it takes over its signals."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._own: set[int] = set()
        # poll rather than epoll: standard input may be a file, which epoll refuses.
        self._selector = selectors.PollSelector()
        self._watched: set[int] = set()
        self._job: Job | None = None
        self._waiting: deque[Request] = deque()
        self._ended_by: int | None = None
        self._said: set[str] = set()
        processes.adopt_orphans()
        self._wake_read, self._wake_write = os.pipe()
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
            self._own.add(descriptor)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, *_ENDING):
            signal.signal(number, _noted)
        self._selector.register(self._wake_read, selectors.EVENT_READ)

    def once(self, request: Request) -> int:
        """Does one request, for a process that is started for nothing else, and prints its output.

        Returns the exit code of the process.
        """
        self._start(request)
        assert self._job is not None
        while self._job.response is None:
            self._step()
            if self._ended_by is not None and self._job.response is None:
                self._job.cancel()
                return 128 + self._ended_by
        sys.stderr.write(self._job.response.output)
        return self._job.response.exit_code

    def serve(self, requests_from: int, responses_to: int) -> int:
        """Does requests until there are no more, or a signal says so. Returns the exit code of the worker."""
        self._own.add(responses_to)
        self._selector.register(requests_from, selectors.EVENT_READ)
        reader = RequestReader()
        try:
            while self._ended_by is None:
                ready = self._step()
                # Before anything is read: a cancel that comes after the end must find that the request is answered.
                self._advance(responses_to)
                if requests_from in ready:
                    data = os.read(requests_from, 2**20)
                    if not data:
                        return 0
                    for request in reader.feed(data):
                        self._receive(request, responses_to)
            return 128 + self._ended_by
        except ProtocolError as error:
            say(f"standard input does not hold Bazel's worker protocol: {error}. Let Bazel start the worker.")
            return 1
        except BrokenPipeError:
            say("nobody reads the responses any more. Let Bazel start the worker.")
            return 1
        finally:
            if self._job is not None:
                self._job.cancel()

    def _receive(self, request: Request, responses_to: int) -> None:
        """Puts a request in the queue, or cancels the one that is meant. A cancel for what is done or unknown asks
        for nothing."""
        active = self._job.request.request_id if self._job is not None else None
        queued = next((waiting for waiting in self._waiting if waiting.request_id == request.request_id), None)
        if request.cancel:
            if active == request.request_id and self._job is not None:
                self._job.cancel()
                self._advance(responses_to)
            elif queued is not None:
                self._waiting.remove(queued)
                write(responses_to, Response(1, request_id=request.request_id, was_cancelled=True))
        elif active == request.request_id or queued is not None:
            raise ProtocolError(f"request {request.request_id} came again before it was answered")
        else:
            self._waiting.append(request)
            self._advance(responses_to)

    def _advance(self, responses_to: int) -> None:
        """Answers the job that is done, and starts what waits."""
        while True:
            if self._job is not None:
                if self._job.response is None:
                    return
                for gap in self._job.gaps:
                    if gap not in self._said:
                        self._said.add(gap)
                        say(f"{gap}.")
                response, self._job = self._job.response, None
                write(responses_to, response)
            if not self._waiting:
                return
            self._start(self._waiting.popleft())

    def _start(self, request: Request) -> None:
        self._job = Job(request, self._launch, self._close_own)

    def _step(self) -> set[int]:
        """Waits for the next event and lets the job act on it. Returns the descriptors that are ready and not the
        job's."""
        job = self._job
        self._watch(job.descriptors if job is not None else set())
        timeout = None
        if job is not None and job.deadline is not None:
            timeout = max(0.0, job.deadline - time.monotonic())
        ready = {key.fd for key, _ in self._selector.select(timeout)}
        if self._wake_read in ready:
            self._note_signals()
        if job is not None:
            for descriptor in ready & job.descriptors:
                job.read(descriptor)
            if self._wake_read in ready:
                job.reap()
            job.tick(time.monotonic())
        return ready - self._watched - {self._wake_read}

    def _watch(self, descriptors: set[int]) -> None:
        for descriptor in self._watched - descriptors:
            self._selector.unregister(descriptor)
        for descriptor in descriptors - self._watched:
            self._selector.register(descriptor, selectors.EVENT_READ)
        self._watched = set(descriptors)

    def _note_signals(self) -> None:
        try:
            numbers = os.read(self._wake_read, 2**12)
        except BlockingIOError:
            return
        for number in numbers:
            if number in _ENDING:
                self._ended_by = number

    def _close_own(self) -> None:
        """Closes, in a child, what is the parent's alone."""
        for descriptor in self._own:
            os.close(descriptor)


def say(text: str) -> None:
    """A line for the worker's log, or the terminal."""
    os.write(2, f"lepton: worker: {text}\n".encode())


def _noted(number: int, frame: FrameType | None) -> None:
    """Does nothing: that there is a handler makes Python write the signal's number to the wake-up descriptor."""
