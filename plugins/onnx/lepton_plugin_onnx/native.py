"""onnxruntime as this plugin uses it: a session that gives the same each time, and silence about what is normal."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.guarded import without_paths

if TYPE_CHECKING:
    import onnxruntime

# onnxruntime's wheel reports home, and keeps a database in the user's home, unless this is set before it is imported.
# Actions set it; this is for everyone else. Whatever imports onnxruntime in this plugin imports this module first.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


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
            "onnxruntime",
            f"it does not load the model ({without_paths(error)})",
            "Give a model that onnxruntime supports",
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
