"""What a measurement says of its own process is what the process has."""

import os
import threading

from lepton_rules.measure import process


def test_every_thread_is_counted() -> None:
    done = threading.Event()
    before = process.threads()
    assert before is not None
    started = [threading.Thread(target=done.wait) for _ in range(3)]
    for thread in started:
        thread.start()
    assert process.threads() == before + 3
    done.set()
    for thread in started:
        thread.join()


def test_the_cpus_are_those_of_all_threads() -> None:
    allowed = sorted(os.sched_getaffinity(0))
    placed, done = threading.Event(), threading.Event()

    def elsewhere() -> None:
        os.sched_setaffinity(0, {allowed[-1]})
        placed.set()
        done.wait()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    placed.wait()
    try:
        os.sched_setaffinity(0, {allowed[0]})
        assert process.cpus() == sorted({allowed[0], allowed[-1]})
    finally:
        os.sched_setaffinity(0, set(allowed))
        done.set()
        thread.join()
