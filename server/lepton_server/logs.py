"""Logs: one JSON object a line, to stderr.

`time` is UTC, `level` as Python names it, `event` a short constant text; what else is known stands in fields of its
own. A library's messages have its logger's name in `logger`.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

LOGGER = logging.getLogger("lepton_server")


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        if record.name != LOGGER.name:
            entry["logger"] = record.name
        entry.update(getattr(record, "fields", {}))
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def configure(level: str) -> None:
    """Sends all logs of the process to stderr as JSON, from `level` on; libraries' from warning on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    LOGGER.setLevel(level.upper())
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # its warnings are what any client can cause


def log(level: int, event: str, **fields: Any) -> None:
    """Logs one event with its fields, such as `log(logging.INFO, "ready", port=8080)`."""
    LOGGER.log(level, event, extra={"fields": fields})
