"""The queue before the model, and the threads that run it.

A thread, or several where the runtime allows it, takes requests in their order and calls the runtime. With `max_batch`
above 1 it joins what waits into one call: the oldest request, and whichever have its shapes beyond the first dimension.
Others keep their places, so that none is passed over for long. `delay_s` is how long a batch that is not full waits for
more. The queue is bounded: who comes when it is full is told so at once. Requests whose clients have gone are not run.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lepton_rules.plugin.errors import LeptonError
from lepton_server.errors import RequestError, overloaded

if TYPE_CHECKING:
    from lepton_server.tensors import Array

Arrays = Mapping[str, "Array"]


class Observer(Protocol):
    """What is told of each call of the runtime."""

    def took(self, waited_s: Sequence[float]) -> None:
        """Requests left the queue, after `waited_s` each."""

    def ran(self, run_s: float, rows: int) -> None:
        """One call of the runtime for `rows` rows took `run_s`."""


@dataclass(eq=False)
class Job:
    """One request in the queue.

    Args:
        inputs: by name.
        answer: gets the outputs by name, or an exception.
        gone: whether nobody waits for the answer any more.
    """

    inputs: Arrays
    answer: asyncio.Future[Arrays]
    gone: Callable[[], bool]
    since: float = field(default_factory=time.perf_counter)

    def lost(self) -> bool:
        """Whether nobody waits for the answer."""
        return self.answer.done() or self.gone()

    @property
    def rows(self) -> int:
        array = next(iter(self.inputs.values()))
        return array.shape[0] if array.ndim else 1

    @property
    def key(self) -> dict[str, tuple[int, ...]]:
        """What must be equal for two jobs to be run at once: all dimensions but the first."""
        return {name: array.shape[1:] for name, array in self.inputs.items()}


class Batcher:
    """Runs jobs one batch at a time.

    Args:
        run: the runtime: outputs by name from inputs by name.
        workers: threads that call `run`, each for a batch of its own.
        batched: whether rows of several jobs may be joined, and one job's rows split.
        max_batch: rows in one call.
        delay_s: how long a batch that is not full waits.
        capacity: jobs that may wait.
        observer: told of each call.
    """

    def __init__(
        self,
        run: Callable[[Arrays], Arrays],
        *,
        workers: int,
        batched: bool,
        max_batch: int,
        delay_s: float,
        capacity: int,
        observer: Observer,
    ) -> None:
        self._run = run
        self._batched = batched
        self._max_batch = max_batch if batched else 1
        self._delay_s = delay_s
        self._capacity = capacity
        self._observer = observer
        self._waiting: deque[Job] = deque()
        self._stopped = False
        self._changed = threading.Condition()  # guards both
        self._workers = workers
        self._mean_s = 0.0
        self._loop = asyncio.get_running_loop()
        for _ in range(workers):
            threading.Thread(target=self._work, name="inference", daemon=True).start()

    def depth(self) -> int:
        """Returns how many jobs wait."""
        return len(self._waiting)

    async def submit(self, inputs: Arrays, gone: Callable[[], bool]) -> Arrays:
        """Returns the outputs for `inputs`, once they had their turn.

        Raises:
            RequestError: 503, the queue is full; 400, the model refuses the inputs; 500, it failed.
        """
        self.admit()
        job = Job(inputs, self._loop.create_future(), gone)
        with self._changed:
            self._waiting.append(job)
            self._changed.notify_all()
        return await job.answer

    def admit(self) -> None:
        """RequestError 503 where the queue is full: asked before a request costs anything, and again when it queues."""
        if self.depth() >= self._capacity:
            wait_s = self._capacity * self._mean_s / self._max_batch / self._workers
            raise overloaded(f"the queue is full: {self._capacity} requests wait", max(1, round(wait_s)))

    def stop(self) -> None:
        """Ends the threads after the jobs that wait."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _work(self) -> None:
        while jobs := self._next_batch():
            self._serve(jobs)

    def _next_batch(self) -> list[Job]:
        """Waits for the jobs that are run next, which are none at the end."""
        with self._changed:
            jobs: list[Job] = []
            while not jobs:
                while not self._waiting and not self._stopped:
                    self._changed.wait()
                if not self._waiting:
                    return []
                self._take(jobs, 1)
            until = jobs[0].since + self._delay_s
            while self._max_batch > 1:
                self._take(jobs, self._max_batch)
                wait_s = until - time.perf_counter()
                if wait_s <= 0 or self._stopped or sum(job.rows for job in jobs) >= self._max_batch:
                    break
                self._changed.wait(wait_s)
            return jobs

    def _take(self, jobs: list[Job], most: int) -> None:
        """Moves what waits and fits to `jobs`, up to `most` rows; the first fits whatever its rows. Those whose clients
        have gone are let go."""
        rows = sum(job.rows for job in jobs)
        others: deque[Job] = deque()
        while self._waiting and rows < most:
            job = self._waiting.popleft()
            if job.lost():
                self._answer([job], error=RequestError(499, "the client has gone"))
            elif not jobs or (job.key == jobs[0].key and rows + job.rows <= most):
                jobs.append(job)
                rows += job.rows
            else:
                others.append(job)
        self._waiting.extendleft(reversed(others))

    def _serve(self, jobs: Sequence[Job]) -> None:
        """Runs the jobs together; where that fails and there are several, each alone, so that none spoils others."""
        try:
            results = self._call(jobs)
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    self._serve([job])
            elif isinstance(error, LeptonError):
                self._answer(jobs, error=RequestError(400, f"{error.why}. {error.fix}"))
            else:
                self._answer(jobs, error=error)
        else:
            self._answer(jobs, results)

    def _call(self, jobs: Sequence[Job]) -> list[Arrays]:
        start = time.perf_counter()
        self._observer.took([start - job.since for job in jobs])
        rows = [job.rows for job in jobs]
        total = sum(rows)
        inputs = jobs[0].inputs
        if len(jobs) > 1:
            inputs = {name: np.concatenate([job.inputs[name] for job in jobs]) for name in inputs}
        if self._batched and total > self._max_batch:
            pieces = [
                self._run_once({name: array[at : at + self._max_batch] for name, array in inputs.items()})
                for at in range(0, total, self._max_batch)
            ]
            outputs: Arrays = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
        else:
            outputs = self._run_once(inputs)
        self._mean_s += 0.1 * (time.perf_counter() - start - self._mean_s)
        if len(jobs) == 1:
            return [outputs]
        edges = np.cumsum(rows)[:-1]
        split = {name: np.split(array, edges) for name, array in outputs.items()}
        return [{name: parts[place] for name, parts in split.items()} for place in range(len(jobs))]

    def _run_once(self, inputs: Arrays) -> Arrays:
        start = time.perf_counter()
        outputs = self._run(inputs)
        array = next(iter(inputs.values()))
        self._observer.ran(time.perf_counter() - start, array.shape[0] if self._batched else 1)
        return outputs

    def _answer(self, jobs: Sequence[Job], results: Sequence[Arrays] = (), error: Exception | None = None) -> None:
        def deliver() -> None:
            for place, job in enumerate(jobs):
                if job.answer.done():
                    continue
                if error is not None:
                    job.answer.set_exception(error)
                else:
                    job.answer.set_result(results[place])

        try:
            self._loop.call_soon_threadsafe(deliver)
        except RuntimeError:
            return  # the loop has ended: nobody waits
