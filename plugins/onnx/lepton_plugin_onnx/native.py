"""Native code on input that may be hostile: in a process of its own, so that a crash is a message.

onnx's checker, its shape inference and onnxruntime's loader are C++ that has crashed on malformed models. A forked
child runs them and answers in one JSON object; whatever kills it is told as the reason.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin import LeptonError

if TYPE_CHECKING:
    import onnxruntime

# onnxruntime's wheel reports home, and keeps a database in the user's home, unless this is set before it is imported.
# Actions set it; this is for everyone else. Whatever imports onnxruntime in this plugin imports this module first.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

CPU_SECONDS = 300  # what loading the largest model may take


def guarded(function: Callable[[], Any], what: str) -> Any:
    """What `function` returns (JSON types), computed in a child. LeptonError, about `what`, when it raises or dies.

    Where there is no fork it runs here, and a crash is left to the worker to report.
    """
    if not hasattr(os, "fork") or sys.platform == "darwin":
        return function()
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            _, hard = resource.getrlimit(resource.RLIMIT_CPU)
            used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
            limit = used + CPU_SECONDS
            resource.setrlimit(resource.RLIMIT_CPU, (limit if hard < 0 else min(limit, hard), hard))
            answer = _answer(function)
            with os.fdopen(writer, "wb") as stream:
                stream.write(json.dumps(answer).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        data = stream.read()
    _, status = os.waitpid(child, 0)
    fix = "Convert the model again with a released converter"
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        raise LeptonError(what, f"reading it ended by {name}: it is malformed, or it needs more than there is", fix)
    answer = json.loads(data) if data else {"error": ["reading it ended without an answer", fix]}
    if "error" in answer:
        why, mend = answer["error"]
        raise LeptonError(what, why, mend)
    return answer["value"]


def _answer(function: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"value": function()}
    except LeptonError as error:
        return {"error": [f"{error.what}: {error.why}", error.fix]}
    except MemoryError:
        return {"error": ["it needs more memory than there is", "Use a machine with more, or a smaller model"]}
    except Exception as error:
        return {"error": [_short(error), "Convert the model again with a released converter"]}


def session(
    path: Path, *, threads: int = 1, level: str = "ORT_DISABLE_ALL", configure: Callable[[Any], None] | None = None
) -> onnxruntime.InferenceSession:
    """A session on the CPU whose results depend on nothing but the model, the machine's instruction set and `threads`.

    Args:
        path: of the model.
        threads: for one operator.
        level: name of the GraphOptimizationLevel.
        configure: called with the SessionOptions, for what a pass needs besides.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what matters is raised
    options.use_deterministic_compute = True
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if configure:
        configure(options)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes share no base but Exception
        raise LeptonError(
            "onnxruntime", f"it does not load the model ({_short(error)})", "Give a model that onnxruntime supports"
        ) from None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings that onnxruntime's Python tools log about what is normal, such as a weight of rank 1."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _short(error: Exception) -> str:
    """The first lines of a native message, without the path of the file."""
    text = " ".join(str(error).split())
    for word in text.split():
        if word.startswith("/"):
            text = text.replace(word, "the model")
    return text[:500] or type(error).__name__
