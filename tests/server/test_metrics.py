"""/metrics is what Prometheus reads, with the names that docs/serving.md gives."""

from __future__ import annotations

from collections.abc import Iterator

import harness
import pytest
from harness import Server, serving, tensor
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(harness.double(tmp_path_factory.mktemp("double")), "--log_level=debug") as running:
        yield running


def test_names_and_counts(server: Server) -> None:
    good = {"inputs": [tensor("x", "FP32", [2, 4], [1] * 8)]}
    for _ in range(5):
        assert server.infer(good).status == 200
    assert server.infer(b"").status == 400
    assert server.ask("POST", "/v2/models/other/infer", b"{}").status == 404
    answer = server.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.body.decode())}
    kinds = {name: family.type for name, family in families.items() if name.startswith("lepton_")}
    assert kinds == {
        "lepton_request_duration_seconds": "histogram",
        "lepton_queue_duration_seconds": "histogram",
        "lepton_inference_duration_seconds": "histogram",
        "lepton_batch_size": "histogram",
        "lepton_queue_depth": "gauge",
        "lepton_requests": "counter",
        "lepton_model_info": "gauge",
    }
    assert {"process_resident_memory_bytes", "process_cpu_seconds", "process_open_fds"} <= families.keys()
    values = {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["lepton_requests_total", ("200",)] == 5
    assert values["lepton_requests_total", ("400",)] == 1
    assert values["lepton_request_duration_seconds_count", ()] == 6
    assert values["lepton_batch_size_sum", ()] == 10
    assert values["lepton_queue_depth", ()] == 0
    assert values["process_resident_memory_bytes", ()] > 10 << 20


def test_requests_are_logged_where_that_is_asked(server: Server) -> None:
    good = {"id": "a" * 300, "inputs": [tensor("x", "FP32", [1, 4], [1] * 4)]}
    assert server.infer(good).status == 200
    assert server.infer(b"").status == 400
    server.signal()
    assert server.exit_code() == 0
    server.wait_for("stopped")
    entry, nameless = [entry for entry in server.logs if entry["event"] == "request"][-2:]
    assert entry["level"] == "debug"
    assert (entry["code"], entry["id"]) == (200, "a" * 200)
    assert entry["seconds"] > 0
    assert (nameless["code"], "id" in nameless) == (400, False)
    ready = server.wait_for("ready")
    assert ready["model"] == "m"
    assert ready["digest"].startswith("sha256:")
    assert ready["time"].endswith("Z")
