"""The server's life: listen, load, be ready, drain, end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

from lepton_rules.plugin.errors import LeptonError
from lepton_server import cgroup
from lepton_server.app import App
from lepton_server.connection import BoundedProtocol, Limits
from lepton_server.logs import LOGGER, log
from lepton_server.options import Options
from lepton_server.state import State

_MIB = 1 << 20
_BACKLOG = 2048


def with_limits(options: Options) -> Options:
    """Returns the options with the limits that were left to the cgroup."""
    memory = cgroup.memory() or (64 << 30)
    body = options.max_body_bytes or min(max(memory // 64, _MIB), 64 * _MIB)
    return dataclasses.replace(options, max_body_bytes=body, max_pending_bytes=options.max_pending_bytes or 4 * body)


class _Uvicorn(uvicorn.Server):
    """uvicorn's server; signals are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Server:
    """Serves one model until SIGTERM or SIGINT."""

    def __init__(self, options: Options) -> None:
        self._options = with_limits(options)
        self._state = State()
        self._code = 0
        self._started = time.perf_counter()
        self._rpc: Any = None  # gRPC's server
        self._rpc_stop: asyncio.Task[None] | None = None

    async def serve(self) -> int:
        """Returns the process's exit code: 0 after a signal, 1 where the model cannot be served or requests that were
        in flight were not answered in time.

        Raises:
            LeptonError: the port cannot be had.
        """
        options = self._options
        self._loop = asyncio.get_running_loop()
        limits = Limits(max_connections=options.max_connections, header_timeout_s=options.header_timeout_s)
        config = uvicorn.Config(
            App(options, self._state),
            http=type("Protocol", (BoundedProtocol,), {"limits": limits}),
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=options.idle_timeout_s,  # type: ignore[arg-type]
            timeout_graceful_shutdown=options.drain_s,  # type: ignore[arg-type]
        )
        self._uvicorn = _Uvicorn(config)
        with _listen(options.host, options.port) as listener:
            for number in (signal.SIGTERM, signal.SIGINT):
                self._loop.add_signal_handler(number, self._drain, signal.Signals(number).name)
            log(logging.INFO, "listening", host=options.host, port=listener.getsockname()[1])
            if options.grpc_port:
                from lepton_server.rpc import endpoint  # grpcio is needed by those alone who ask for it

                self._rpc = await endpoint.start(options, self._state)
                log(logging.INFO, "listening for gRPC", host=options.host, port=options.grpc_port)
            threading.Thread(target=self._load, name="load", daemon=True).start()
            await self._uvicorn.serve([listener])
            if self._rpc is not None:
                await self._rpc.stop(0 if self._rpc_stop is None else options.drain_s)
        if cancelled := list(self._uvicorn.server_state.tasks):
            await asyncio.wait(cancelled, timeout=1)
        abandoned = self._state.abandoned
        log(logging.INFO, "stopped", requests=self._uvicorn.server_state.total_requests, abandoned=abandoned)
        return self._code or (1 if abandoned else 0)

    def _load(self) -> None:
        """Runs in a thread of its own, so that the server answers while it loads."""
        try:
            from lepton_server.service import Model

            model = Model(self._options)
            rows = {1, self._options.max_batch} if model.signature.batched else {1}
            model.warm_up(sorted(rows))
        except LeptonError as error:
            self._call(self._fail, str(error))
        except BaseException as error:  # also what a plugin's module raises to end the process
            LOGGER.exception("loading failed")
            self._call(self._fail, f"lepton: model {self._options.name}: {type(error).__name__}: {error}. See the log.")
        else:
            self._call(self._loaded, model)

    def _call(self, function: Any, argument: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, argument)

    def _loaded(self, model: Any) -> None:
        from lepton_server.service import Service

        self._state.service = Service(model, self._options, self._state.metrics)
        log(
            logging.INFO,
            "ready",
            model=self._options.name,
            version=self._options.version,
            digest=model.signature.digest,
            threads=model.threads,
            workers=model.workers,
            seconds=round(time.perf_counter() - self._started, 3),
        )

    def _fail(self, message: str) -> None:
        log(logging.ERROR, message)
        self._code = 1
        self._uvicorn.should_exit = True
        self._state.draining = True

    def _drain(self, name: str) -> None:
        """The first signal begins the end; another one changes nothing."""
        if self._state.draining:
            return
        self._state.draining = True
        log(logging.INFO, "draining", signal=name)
        self._loop.call_later(self._options.linger_s, self._end)

    def _end(self) -> None:
        """Takes nothing new, by HTTP and gRPC at once, and lets what is in flight have its time."""
        self._uvicorn.should_exit = True
        self._loop.call_later(self._options.drain_s, setattr, self._state, "overdue", True)
        if self._rpc is not None:
            self._rpc_stop = self._loop.create_task(self._rpc.stop(self._options.drain_s))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        # Connections inherit it, and asyncio sets it for listeners of its own alone. Without it the body of an answer
        # waits until the client has acknowledged its headers: 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        raise LeptonError(
            "the server", f"it cannot listen on {host}:{port}: {error}", "Mend --host or --port"
        ) from None


def run(options: Options) -> int:
    """Serves; returns the exit code."""
    return asyncio.run(Server(options).serve())


def end(code: int) -> None:
    """Ends the process at once: a thread may be inside the runtime, which does not let itself be torn down."""
    logging.shutdown()
    os._exit(code)
