"""The program of the runnable `<artifact>.monitor`: runs an artifact, and serves what is measured to Prometheus.

    launch -s -P lepton_rules/profile/monitor.py <the flags of profile.py>
        [--port=9464] [--host=127.0.0.1] [--rate=0] [--seconds=0] [--refresh=30] [-- COMMAND …]

The workload is the dataset's samples, over and over, `--rate` inferences a second or as many as it can; or COMMAND, a
process that is watched from outside while it runs. What the profiler tells (operators, share of the roofline) is taken
anew every `--refresh` seconds. It ends with the seconds, the command, SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.profile import table_of_nodes
from lepton_rules.profile.exposition import CONTENT_TYPE, Registry
from lepton_rules.profile.memory import resident
from lepton_rules.profile.protocol import Peaks, Profiler
from lepton_rules.profile.subject import Parser, Subject, subject

_BATCHES = 16
_PROFILED_RUNS = 8
_DURATION = "lepton_inference_duration_seconds"
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def parser(what: str) -> Parser:
    """The command line."""
    made = Parser(what)
    for flag in ("step_manifest", "step_model", "step_model_manifest"):
        made.add_argument(f"--{flag}", action="append", default=[], help=argparse.SUPPRESS)
    made.add_argument("--host", default="127.0.0.1", help="the address to serve on (127.0.0.1)")
    made.add_argument("--port", type=int, default=9464, help="the port; 0 for any (9464)")
    made.add_argument("--rate", type=float, default=0.0, help="inferences a second; 0 for as many as it can (0)")
    made.add_argument("--seconds", type=float, default=0.0, help="how long; 0 until it is interrupted (0)")
    made.add_argument("--refresh", type=float, default=30.0, help="seconds between profiles; 0 for one alone (30)")
    return made


def main(flags: Sequence[str]) -> int:
    """Serves until the workload ends; its exit status is that of the command, where there is one."""
    label = next((flag.partition("=")[2] for flag in flags if flag.startswith("--label=")), "an unnamed artifact")
    command: list[str] = []
    if "--" in flags:
        place = list(flags).index("--")
        flags, command = flags[:place], list(flags[place + 1 :])
    try:
        arguments = parser(label).parse_args(flags)
        _check(arguments)
        subjected = subject(arguments)
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        registry = Registry({"model": subjected.artifact, "digest": subjected.manifest["digest"]})
        with _served(registry, arguments.host, arguments.port, os.getpid()) as watched:
            if command:
                return _watch(command, registry, watched, stopped)
            _work(subjected, registry, arguments, stopped)
    except LeptonError as error:
        print(error.with_label(label), flush=True)
        return 1
    return 0


def _check(arguments: argparse.Namespace) -> None:
    for name in ("rate", "seconds", "refresh"):
        if not 0 <= getattr(arguments, name) < 1e9:
            raise LeptonError(f"--{name}", f"it is {getattr(arguments, name)}", "Give 0 or more")
    if not 0 <= arguments.port < 65536:
        raise LeptonError("--port", f"it is {arguments.port}", "Give 0 to 65535")


def _work(subject: Subject, registry: Registry, arguments: argparse.Namespace, stopped: threading.Event) -> None:
    """Inferences one after another, until the time is over or somebody stops it."""
    batches = subject.batches(_BATCHES)
    runtime = subject.runtime(subject.context())
    profiler = subject.profiler
    peaks = profiler.peaks(subject.context()) if profiler is not None else None
    begin = due = time.monotonic()
    profiled = -float("inf")
    index = 0
    try:
        while not stopped.is_set() and not (arguments.seconds and time.monotonic() - begin >= arguments.seconds):
            now = time.monotonic()
            once = profiled > -float("inf") and not arguments.refresh
            if profiler is not None and peaks is not None and not once and now - profiled >= arguments.refresh:
                _profile(subject, profiler, peaks, batches, registry)
                profiled = time.monotonic()
            before = time.perf_counter()
            runtime.run(batches[index % len(batches)])
            registry.observe(_DURATION, "Time of one inference.", time.perf_counter() - before)
            registry.count("lepton_samples_total", "Samples that went through the model.", subject.batch)
            index += 1
            if arguments.rate:
                due += 1 / arguments.rate
                late = time.monotonic() - due
                registry.gauge(
                    "lepton_workload_lateness_seconds", "How far the workload is behind its rate.", max(late, 0)
                )
                if late < 0:
                    stopped.wait(-late)
    finally:
        runtime.close()


def _profile(
    subject: Subject, profiler: type[Profiler], peaks: Peaks, batches: Sequence[Any], registry: Registry
) -> None:
    made = profiler(subject.context())
    for index in range(_PROFILED_RUNS + 2):
        made.run(batches[index % len(batches)])
    nodes = table_of_nodes.nodes([event for event in made.finish() if event.run >= 2], peaks)
    for group in table_of_nodes.groups(nodes):
        labels = {"operator": group.operator, "precision": group.precision, "place": group.place}
        registry.gauge("lepton_operator_seconds", "Time of an operator in one inference.", group.seconds, **labels)
        if group.roof_share is not None:
            doc = "Share of the machine's roofline, between 0 and 1."
            registry.gauge("lepton_operator_roofline_ratio", doc, group.roof_share, **labels)
    together = table_of_nodes.roof_share(nodes)
    if together is not None:
        registry.gauge("lepton_roofline_ratio", "Share of the machine's roofline, all operators together.", together)
    for precision, rate in peaks.operations.items():
        doc = "Operations a second of a large matrix product, measured at the start."
        registry.gauge("lepton_peak_operations_per_second", doc, rate, precision=precision)


def _watch(command: Sequence[str], registry: Registry, watched: list[int], stopped: threading.Event) -> int:
    """Runs somebody else's workload, whose process is the one that is served."""
    try:
        process = subprocess.Popen(command, cwd=os.environ.get("BUILD_WORKING_DIRECTORY"))
    except OSError as error:
        raise LeptonError("the workload", f"{command[0]} does not start ({error})", "Name a program") from error
    watched[0] = process.pid
    registry.gauge("lepton_workload_start_time_seconds", "When the command began, in seconds since 1970.", time.time())
    while process.poll() is None:
        if stopped.wait(0.1):
            process.terminate()
            process.wait()
    return process.returncode


def _process(registry: Registry, pid: int) -> None:
    """The standard metrics of a process, from /proc."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        spent = (int(fields[11]) + int(fields[12])) / _TICKS
        registry.gauge("process_cpu_seconds_total", "User and system time.", spent)
        memory = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
        registry.gauge("process_resident_memory_bytes", "Resident memory.", memory)
    if pid == os.getpid():
        registry.gauge("lepton_resident_memory_peak_bytes", "The most that it ever had.", resident("VmHWM"))


@contextlib.contextmanager
def _served(registry: Registry, host: str, port: int, pid: int) -> Iterator[list[int]]:
    """The metrics at /metrics, from a thread of their own. Gives the process to tell of, which may be changed."""
    watched = [pid]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404, "See /metrics")
                return
            _process(registry, watched[0])
            body = registry.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    try:
        server = http.server.ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise LeptonError(f"port {port}", f"{host} cannot be served ({error})", "Give another --port, or 0") from error
    server.daemon_threads = True
    print(f"metrics: http://{host}:{server.server_address[1]}/metrics", flush=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
