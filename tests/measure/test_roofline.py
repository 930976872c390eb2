"""The roof: what it lets through, what it does not believe, and where it is silent."""

import json
from pathlib import Path
from typing import Any

from device_case import HERE, Case

from lepton_rules.measure import roofline
from lepton_rules.measure.judge_speedup import too_fast
from lepton_rules.measure.roofline import Peaks
from lepton_rules.measure.verdict import Verdict
from lepton_rules.plugin import HardwareFacts, Target

PEAKS = Peaks(macs_per_s=1e9, bytes_per_s=1e9)


def _manifest(macs: int | None, size: int, dtype: str = "float32") -> dict[str, Any]:
    return {"macs": macs, "bytes": size, "inputs": [{"name": "x", "dtype": dtype, "shape": ["batch", 2]}]}


def test_the_roof_is_the_larger_of_arithmetic_and_memory() -> None:
    by_macs = roofline.roof(_manifest(5_000_000_000, 1000), 2, "x86_64_avx512_vnni", PEAKS)
    assert by_macs.least_ms == 1e3 * 10 / 5
    assert by_macs.bound == "10,000,000,000 MACs"
    by_bytes = roofline.roof(_manifest(None, 2_500_000_000), 1, "x86_64_avx2", PEAKS)
    assert by_bytes.least_ms == 2000
    assert by_bytes.bound == "2,500,000,000 bytes of weights"


def test_what_looks_rows_up_reads_no_table_whole() -> None:
    assert roofline.roof(_manifest(None, 2_500_000_000, "int64"), 1, "x86_64_avx2", PEAKS).least_ms == 0


def test_amx_multiplies_more() -> None:
    model = _manifest(5_000_000_000, 1000)
    assert roofline.roof(model, 1, "x86_64_amx", PEAKS).least_ms < roofline.roof(model, 1, "x86_64_v2", PEAKS).least_ms


def test_only_cpus_have_a_roof_here() -> None:
    def target(name: str, available: str = "") -> Target:
        return Target(name=name, runtime="r", accepts=("f",), available=available)

    def facts(name: str) -> HardwareFacts:
        return HardwareFacts(target=name, runtime="r")

    assert roofline.applies(None, None)
    assert roofline.applies(target("cpu"), facts("cpu"))
    assert roofline.applies(target("vnni", "cpu_vnni"), facts("vnni"))
    assert not roofline.applies(target("cuda", "cuda"), facts("cuda"))
    assert not roofline.applies(target("npu"), facts("npu"))


def test_faster_than_the_roof_is_implausible() -> None:
    roof = roofline.roof(_manifest(5_000_000_000, 1000), 1, "x86_64_v2", PEAKS)
    assert too_fast(1000.0, roof) is None
    assert too_fast(1e-9, None) is None
    found = too_fast(999.0, roof)
    assert found is not None
    assert found.verdict is Verdict.IMPLAUSIBLE
    assert "an inference in 999 ms, and this machine needs 1000 ms for its 5,000,000,000 MACs" in found.why


def test_real_work_is_below_the_peak() -> None:
    import time

    import numpy

    peaks = roofline.measure_peaks(1, 1 << 20)
    one = numpy.ones((256, 256), numpy.float32)
    numpy.matmul(one, one)
    start = time.perf_counter()
    numpy.matmul(one, one)
    took_ms = 1e3 * (time.perf_counter() - start)
    assert took_ms > roofline.roof(_manifest(256**3, 4 * 256**2), 1, "x86_64_avx512_vnni", peaks).least_ms


def test_a_model_that_claims_more_work_than_it_does_is_implausible(tmp_path: Path) -> None:
    case = Case(tmp_path, {"rounds": 1, "macs": 10**13}, {"rounds": 1})
    done = case.run("min_speedup=0.01", "max_p50_ms=1000", hardware=json.dumps(HERE | {"target": "cpu_here"}))
    assert done.verdicts == {"min_speedup": "IMPLAUSIBLE", "max_p50_ms": "IMPLAUSIBLE"}
    assert done.measurement["samples"]["roofline"]["least_ms"] > 100
