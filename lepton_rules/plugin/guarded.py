"""Native code on input that may be hostile: in a process of its own, so that a crash is a message.

onnx's checker and inliner, onnxruntime's loader and scikit-learn's trees are native code that has crashed on malformed
models. A forked child runs them and answers in one JSON object; whatever kills it is told as the reason.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

from lepton_rules.plugin.errors import LeptonError

CPU_SECONDS = 300  # what reading the largest model may take


def guarded(function: Callable[[], Any], what: str, fix: str) -> Any:
    """What `function` returns (JSON types), computed in a child.

    Where there is no fork it runs here, and a crash is left to the worker to report.

    Args:
        function: reads the input; nothing that it changes in memory is seen outside.
        what: the input, as a message names it.
        fix: what to do about an input that cannot be read.

    Raises:
        LeptonError: about `what`, when the function raises, dies, or takes more than `CPU_SECONDS`.
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
            _limit_time()
            with os.fdopen(writer, "wb") as stream:
                stream.write(json.dumps(_answer(function, what, fix)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        data = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        raise LeptonError(what, f"reading it ended by {name}: it is malformed, or it needs more than there is", fix)
    answer = json.loads(data) if data else {"error": ["reading it ended without an answer", fix]}
    if "error" in answer:
        raise LeptonError(what, *answer["error"])
    return answer["value"]


def without_paths(error: Exception) -> str:
    """The first 500 characters of a native message, without the paths that it names."""
    text = " ".join(str(error).split())
    for word in text.split():
        if word.startswith("/"):
            text = text.replace(word, "the model")
    return text[:500] or type(error).__name__


def _limit_time() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard < 0 else min(limit, hard), hard))


def _answer(function: Callable[[], Any], what: str, fix: str) -> dict[str, Any]:
    try:
        return {"value": function()}
    except LeptonError as error:
        return {"error": [error.why if error.what == what else f"{error.what}: {error.why}", error.fix]}
    except MemoryError:
        return {"error": ["it needs more memory than there is", "Use a machine with more, or a smaller model"]}
    except Exception as error:  # native libraries raise classes of their own, without a common base
        return {"error": [without_paths(error), fix]}
