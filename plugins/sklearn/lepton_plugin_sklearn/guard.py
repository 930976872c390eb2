"""Estimators' native code on values that may be hostile: in a process of its own, so that a crash is a message.

scikit-learn's trees, support vector machines and neighbours are C that follows the indices in a file. A forked child
runs them and answers in one JSON object; whatever kills it is told as the reason.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from lepton_rules.plugin import LeptonError


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
            with os.fdopen(writer, "wb") as stream:
                stream.write(json.dumps(_answer(function)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        data = stream.read()
    _, status = os.waitpid(child, 0)
    fix = "Save it again with skops.io.dump(estimator, path)"
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        raise LeptonError(what, f"using it ended by {name}: it is malformed, or it needs more than there is", fix)
    answer = json.loads(data) if data else {"error": [what, "using it ended without an answer", fix]}
    if "error" in answer:
        raise LeptonError(*answer["error"])
    return answer["value"]


def _answer(function: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"value": function()}
    except LeptonError as error:
        return {"error": [error.what, error.why, error.fix]}
    except MemoryError:
        return {"error": ["model file", "it needs more memory than there is", "Use a machine with more"]}
