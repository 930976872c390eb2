"""What Prometheus reads at /metrics. Units are seconds and bytes, as its naming rules want.

Counting is a few additions, for each request does it several times; prometheus_client, which writes the text, is
imported when somebody asks for it.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Metric

    from lepton_server.signature import Signature

_SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_ROWS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


class Histogram:
    """Counts values by their size."""

    def __init__(self, name: str, doc: str, bounds: Sequence[float]) -> None:
        self.name = name
        self.doc = doc
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()

    def observe(self, value: float) -> None:
        """Counts one value."""
        place = bisect.bisect_left(self._bounds, value)
        with self._lock:
            self._counts[place] += 1
            self._sum += value

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """Returns how many values were at most each bound, and their sum."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        found, so_far = [], 0
        for bound, count in zip([*map(str, self._bounds), "+Inf"], counts, strict=True):
            so_far += count
            found.append((bound, float(so_far)))
        return found, total


class Metrics:
    """The server's metrics. `queue_depth` and `signature` are set when the model is ready."""

    def __init__(self) -> None:
        self.request_duration = Histogram(
            "lepton_request_duration_seconds", "From a request's headers to its answer.", _SECONDS
        )
        self.queue_duration = Histogram("lepton_queue_duration_seconds", "Time in the queue.", _SECONDS)
        self.inference_duration = Histogram(
            "lepton_inference_duration_seconds", "One call of the runtime, for a whole batch.", _SECONDS
        )
        self.batch_size = Histogram("lepton_batch_size", "Rows in one call of the runtime.", _ROWS)
        self.queue_depth: Callable[[], int] = int
        self.signature: Signature | None = None
        self._requests: dict[int, int] = {}

    def request(self, code: int, seconds: float) -> None:
        """Counts one request for inference that was answered with `code` after `seconds`; by one thread alone."""
        self._requests[code] = self._requests.get(code, 0) + 1
        self.request_duration.observe(seconds)

    def took(self, waited_s: Sequence[float]) -> None:
        """Counts requests that left the queue."""
        for seconds in waited_s:
            self.queue_duration.observe(seconds)

    def ran(self, run_s: float, rows: int) -> None:
        """Counts a call of the runtime."""
        self.inference_duration.observe(run_s)
        self.batch_size.observe(rows)

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics as prometheus_client has them."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        for histogram in (self.request_duration, self.queue_duration, self.inference_duration, self.batch_size):
            buckets, total = histogram.buckets()
            yield HistogramMetricFamily(histogram.name, histogram.doc, buckets=buckets, sum_value=total)
        yield GaugeMetricFamily("lepton_queue_depth", "Requests that wait.", value=self.queue_depth())
        requests = CounterMetricFamily(
            "lepton_requests", "Requests for inference, by the status of the answer.", labels=["code"]
        )
        for code, count in sorted(self._requests.items()):
            requests.add_metric([str(code)], count)
        yield requests
        info = GaugeMetricFamily(
            "lepton_model_info", "The model that is served; always 1.", labels=["name", "version", "digest"]
        )
        if self.signature is not None:
            info.add_metric([self.signature.name, self.signature.version, self.signature.digest], 1)
        yield info

    def exposition(self) -> tuple[bytes, str]:
        """Returns the text that Prometheus reads, and its media type."""
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
        from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(self)
        return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
