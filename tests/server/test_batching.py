"""Requests are joined and split as told, and every client gets its own rows."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import harness
import numpy as np
import pytest
from harness import SLOW, asleep, serving, tensor
from lepton_server.batching import Batcher
from onnx import helper, numpy_helper

from lepton_rules.plugin import TensorSpec


def test_what_waits_is_joined(tmp_path: Path) -> None:
    """While one request runs four more come: they run at once, and each gets its own rows."""
    with serving(harness.slow(tmp_path), *SLOW, "--max_batch=8") as server, ThreadPoolExecutor(8) as pool:
        first = pool.submit(server.infer, asleep(0.5))
        time.sleep(0.2)
        later = [pool.submit(server.infer, asleep(0.01, 0.001 * place)) for place in range(4)]
        assert first.result().json()["outputs"][1]["data"] == [1]
        for place, answer in enumerate(later):
            slept, rows = answer.result().json()["outputs"]
            assert slept["data"] == [0.01, 0.001 * place]
            assert rows["data"] == [8, 8]
        metrics = server.ask("GET", "/metrics").body.decode()
        assert "lepton_batch_size_sum 9.0" in metrics
        assert "lepton_inference_duration_seconds_count 2.0" in metrics
        assert "lepton_queue_duration_seconds_count 5.0" in metrics


def test_a_batch_that_is_not_full_waits(tmp_path: Path) -> None:
    flags = ("--max_batch=2", "--max_batch_delay_ms=2000")
    with serving(harness.slow(tmp_path), *SLOW, *flags) as server, ThreadPoolExecutor(2) as pool:
        start = time.monotonic()
        asked = []
        for _ in range(2):
            asked.append(pool.submit(server.infer, asleep(0)))
            time.sleep(0.3)
        assert [each.result().json()["outputs"][1]["data"] for each in asked] == [[2], [2]]
        assert time.monotonic() - start < 1.5


def test_rows_are_split(tmp_path: Path) -> None:
    """A request of more rows than --max_batch runs in pieces, so that memory has a bound."""
    with serving(harness.slow(tmp_path), *SLOW, "--max_batch=2") as server:
        outputs = server.infer(asleep(0.001, 0.002, 0.003, 0, 0)).json()["outputs"]
        assert outputs[0]["data"] == [0.001, 0.002, 0.003, 0, 0]
        assert outputs[1]["data"] == [2, 2, 2, 2, 1]


@pytest.mark.parametrize(("seconds", "status"), [(-1, 400), (-2, 500)])
def test_a_bad_neighbour(tmp_path: Path, seconds: float, status: int) -> None:
    """One that the runtime refuses, or that makes it fail, is alone in that."""
    with serving(harness.slow(tmp_path), *SLOW, "--max_batch=8") as server, ThreadPoolExecutor(8) as pool:
        first = pool.submit(server.infer, asleep(0.4))
        time.sleep(0.2)
        bad = pool.submit(server.infer, asleep(seconds))
        good = [pool.submit(server.infer, asleep(0.001)) for _ in range(3)]
        assert [each.result().status for each in (first, *good)] == [200] * 4
        assert bad.result().status == status
        assert server.healthy()
        assert server.infer(asleep(0)).status == 200


def test_shapes_that_differ_are_not_joined(tmp_path: Path) -> None:
    x, y = TensorSpec("x", "float32", ("batch", "length")), TensorSpec("y", "float32", ("batch",))
    nodes = [helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0), _constant("axes", [1])]
    model = harness.onnx_model(tmp_path, nodes[::-1], [x], [y])
    with (
        serving(model, "--max_batch=8", "--max_batch_delay_ms=20") as server,
        ThreadPoolExecutor(16) as pool,
    ):

        def ask(length: int) -> Any:
            return server.infer({"inputs": [tensor("x", "FP32", [1, length], [1.0] * length)]}).json()

        lengths = [1 + place % 3 for place in range(60)]
        for length, answer in zip(lengths, pool.map(ask, lengths), strict=True):
            assert answer["outputs"][0]["data"] == [length]


def test_a_model_that_takes_no_batch(tmp_path: Path) -> None:
    """Its first dimension is fixed: requests are neither joined nor split."""
    x, y = TensorSpec("x", "float32", (2, 3)), TensorSpec("y", "float32", (3,))
    nodes = [_constant("axes", [0]), helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)]
    with (
        serving(harness.onnx_model(tmp_path, nodes, [x], [y]), "--max_batch=8") as server,
        ThreadPoolExecutor(8) as pool,
    ):
        request = {"inputs": [tensor("x", "FP32", [2, 3], [1, 2, 3, 4, 5, 6])]}
        for answer in pool.map(lambda _: server.infer(request), range(20)):
            assert answer.json()["outputs"][0]["data"] == [5, 7, 9]


def _constant(name: str, values: list[int]) -> Any:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array(values, np.int64)))


class Counts:
    """Counts what a batcher tells."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def took(self, waited_s: Sequence[float]) -> None:
        assert all(seconds >= 0 for seconds in waited_s)

    def ran(self, run_s: float, rows: int) -> None:
        self.rows.append(rows)


@pytest.mark.parametrize("workers", [1, 4])
def test_thousands_of_jobs_each_get_their_own_rows(workers: int) -> None:
    def run(inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": inputs["x"] * 2}

    async def main() -> list[int]:
        counts = Counts()
        batcher = Batcher(run, workers=workers, batched=True, max_batch=16, delay_s=0, capacity=5000, observer=counts)
        sizes = np.random.default_rng(0).integers(1, 40, 2000)

        async def ask(number: int, size: int) -> None:
            x = np.full((size, 3), number, np.float32)
            outputs = await batcher.submit({"x": x}, lambda: False)
            assert np.array_equal(outputs["y"], x * 2)

        await asyncio.gather(*(ask(number, size) for number, size in enumerate(sizes.tolist())))
        batcher.stop()
        assert sum(counts.rows) == sizes.sum()
        return counts.rows

    rows = asyncio.run(main())
    assert max(rows) == 16


def test_shapes_that_take_turns_are_joined_by_shape() -> None:
    """Each is run with its like, in the order in which the oldest of them came."""
    calls: list[tuple[int, ...]] = []
    free = threading.Event()

    def run(inputs: Mapping[str, Any]) -> dict[str, Any]:
        free.wait(10)
        calls.append(inputs["x"].shape)
        return {"y": inputs["x"] * 2}

    async def main() -> None:
        batcher = Batcher(run, workers=1, batched=True, max_batch=4, delay_s=0, capacity=20, observer=Counts())

        async def ask(number: int, length: int) -> None:
            x = np.full((1, length), number, np.float32)
            outputs = await batcher.submit({"x": x}, lambda: False)
            assert np.array_equal(outputs["y"], x * 2)

        asked = [asyncio.ensure_future(ask(0, 9))]
        await asyncio.sleep(0.1)
        asked += [asyncio.ensure_future(ask(number, 1 + number % 2)) for number in range(10)]
        await asyncio.sleep(0)
        assert batcher.depth() == 10
        free.set()
        await asyncio.gather(*asked)
        batcher.stop()

    asyncio.run(main())
    assert calls == [(1, 9), (4, 1), (4, 2), (1, 1), (1, 2)]


def test_workers(tmp_path: Path) -> None:
    """onnxruntime takes several calls at once; a runtime that says nothing gets one, and is not asked for more."""
    with serving(harness.double(tmp_path / "double"), "--threads=2") as server, ThreadPoolExecutor(8) as pool:
        assert server.wait_for("ready")["workers"] == 2
        requests = [{"inputs": [tensor("x", "FP32", [1, 4], [place] * 4)]} for place in range(200)]
        for place, answer in enumerate(pool.map(server.infer, requests)):
            assert answer.json()["outputs"][0]["data"] == [2 * place] * 4
    with serving(harness.slow(tmp_path / "slow"), *SLOW, "--threads=2") as server:
        assert server.wait_for("ready")["workers"] == 1
    with serving(harness.slow(tmp_path / "two"), *SLOW, "--workers=2", ready=False) as server:
        assert server.exit_code(15) == 1
