"""What Prometheus reads at /metrics. Units are seconds and bytes, as its naming rules want."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

from lepton_server.signature import Signature

_SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2, 4, 8)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The server's metrics.

    Args:
        signature: of the model that is served.
        queue_depth: tells how many requests wait.
    """

    def __init__(self, signature: Signature, queue_depth: Callable[[], int]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._registry = registry
        self.request_duration = Histogram(
            "lepton_request_duration_seconds",
            "From a request's headers to its answer.",
            registry=registry,
            buckets=_SECONDS,
        )
        self.queue_duration = Histogram(
            "lepton_queue_duration_seconds", "Time in the queue.", registry=registry, buckets=_SECONDS
        )
        self.inference_duration = Histogram(
            "lepton_inference_duration_seconds",
            "One call of the runtime, for a whole batch.",
            registry=registry,
            buckets=_SECONDS,
        )
        self.batch_size = Histogram(
            "lepton_batch_size", "Rows in one call of the runtime.", registry=registry, buckets=_ROWS
        )
        Gauge("lepton_queue_depth", "Requests that wait.", registry=registry).set_function(queue_depth)
        self._requests = Counter(
            "lepton_requests", "Requests for inference, by the status of the answer.", ["code"], registry=registry
        )
        self._by_code: dict[int, Counter] = {}
        Gauge(
            "lepton_model_info", "The model that is served; always 1.", ["name", "version", "digest"], registry=registry
        ).labels(signature.name, signature.version, signature.digest).set(1)

    def request(self, code: int, seconds: float) -> None:
        """Counts one request for inference that was answered with `code` after `seconds`."""
        counter = self._by_code.get(code)
        if counter is None:
            counter = self._by_code.setdefault(code, self._requests.labels(str(code)))
        counter.inc()
        self.request_duration.observe(seconds)

    def exposition(self) -> tuple[bytes, str]:
        """Returns the text that Prometheus reads, and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE
