"""Where the server is in its life: loading, ready, draining; and the bytes that it holds for clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lepton_server.errors import overloaded
from lepton_server.metrics import Metrics

if TYPE_CHECKING:
    from lepton_server.service import Service


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
