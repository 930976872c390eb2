"""Where the server is in its life: loading, ready, draining; and the bytes that it holds for clients."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lepton_server.errors import overloaded
from lepton_server.logs import LOGGER, log
from lepton_server.metrics import Metrics

if TYPE_CHECKING:
    from lepton_server.service import Service

_LONGEST_ID = 200  # characters of a request's id in the log


@dataclass
class State:
    """Shared by what answers requests; touched by the event loop alone.

    Args:
        service: the model, once it is ready.
        draining: whether SIGTERM came.
        overdue: whether the time for draining is over.
        pending_bytes: of bodies that are held.
        abandoned: requests that were not answered before the drain's end.
        metrics: what is counted.
    """

    service: Service | None = None
    draining: bool = False
    overdue: bool = False
    pending_bytes: int = 0
    abandoned: int = 0
    metrics: Metrics = field(default_factory=Metrics)

    @property
    def ready(self) -> bool:
        """Whether a load balancer should send requests."""
        return self.service is not None and not self.draining

    def serving(self) -> Service:
        """Returns the model. RequestError 503 while it loads."""
        if self.service is None:
            raise overloaded("the model is loading")
        return self.service

    def answered(self, code: int, seconds: float, identity: str) -> None:
        """Counts a request for inference that got `code` after `seconds`, and logs it where that is asked, with the id
        that its client gave it."""
        self.metrics.request(code, seconds)
        if LOGGER.isEnabledFor(logging.DEBUG):
            known = {"id": identity[:_LONGEST_ID]} if identity else {}
            log(logging.DEBUG, "request", **known, code=code, seconds=round(seconds, 6))
