"""The runtime: what it computes, and what it refuses to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import apply, directory_of, opened, outputs_of
from lepton_plugin_onnxruntime.config import RuntimeConfig
from lepton_plugin_onnxruntime.runtime import OnnxRuntime
from lepton_plugin_onnxruntime.targets import CPU, CPU_VNNI, CUDA, TARGETS, TENSORRT
from networks import convnet, samples

from lepton_rules.plugin import HardwareFacts, LeptonError, ModelDirectory, RuntimeContext, Target
from lepton_rules.plugin.capabilities import CAPABILITIES
from lepton_rules.worker import isa


def facts(target: Target) -> HardwareFacts:
    return HardwareFacts(
        target=target.name,
        runtime=target.runtime,
        capabilities=frozenset(target.capabilities),
        options=target.options,
    )


def run_on(model: ModelDirectory, hardware: HardwareFacts | None = None, **options: Any) -> OnnxRuntime:
    config = options.pop("config", RuntimeConfig())
    return OnnxRuntime(RuntimeContext(label="//test:m", config=config, model=model, hardware=hardware, **options))


@pytest.fixture
def model(tmp_path: Path) -> ModelDirectory:
    return directory_of(convnet(), tmp_path / "model")


def test_outputs(model: ModelDirectory) -> None:
    x = samples(4)
    expected = outputs_of(convnet(), x)
    choices: list[dict[str, Any]] = [{}, {"reference": True}, {"hardware": facts(CPU)}, {"threads": 2}]
    for options in choices:
        running = run_on(model, **options)
        got = running.run({"x": x})
        running.close()
        assert list(got) == ["y"]
        np.testing.assert_allclose(got["y"], expected, rtol=1e-4, atol=1e-4)


def test_the_reference_is_the_unfused_graph(tmp_path: Path) -> None:
    """Quantized values are then exactly those that the QDQ graph says, whatever kernels the machine has."""
    quantized, _ = apply("quantize", convnet(), tmp_path / "out", {}, {"x": samples()})
    x = samples(8)
    got = run_on(quantized, reference=True).run({"x": x})["y"]
    np.testing.assert_array_equal(got, outputs_of(quantized, x))


@pytest.mark.parametrize("level", ["disable_all", "basic", "extended", "all"])
def test_optimisation_levels(model: ModelDirectory, level: str) -> None:
    config = RuntimeConfig(graph_optimization=level)  # type: ignore[arg-type]  # each of its literals in turn
    got = run_on(model, config=config).run({"x": samples(2)})["y"]
    np.testing.assert_allclose(got, outputs_of(convnet(), samples(2)), rtol=1e-4, atol=1e-4)


def test_a_model_for_a_gpu_is_judged_on_the_cpu_and_runs_on_none(model: ModelDirectory) -> None:
    for target in (CUDA, TENSORRT):
        built = opened(model.path, facts(target))
        assert run_on(built, facts(target), reference=True).run({"x": samples(1)})["y"].shape == (1, 5)
        import onnxruntime

        if target.options["provider"] not in onnxruntime.get_available_providers():
            with pytest.raises(LeptonError, match=f"the chip {target.name} needs {target.options['provider']}"):
                run_on(built, facts(target))


@pytest.mark.parametrize("reference", [True, False])
def test_foreign_chips_are_refused(model: ModelDirectory, reference: bool) -> None:
    foreign = HardwareFacts(target="npu9000", runtime="npu")
    with pytest.raises(LeptonError, match="for the chip 'npu9000', and this runtime knows cpu, cpu_vnni, cuda, tensor"):
        run_on(opened(model.path, foreign), reference=reference)
    with pytest.raises(LeptonError, match="npu9000"):
        run_on(model, foreign, reference=reference)


def test_another_format_is_refused(model: ModelDirectory) -> None:
    with pytest.raises(LeptonError, match="the model's format is pytorch"):
        run_on(ModelDirectory(model.path, {**model.manifest, "format": "pytorch"}))


def test_a_cpu_without_vnni_is_refused(model: ModelDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    built = opened(model.path, facts(CPU_VNNI))
    monkeypatch.setattr(isa, "detect", lambda: "x86_64_avx512")
    with pytest.raises(LeptonError, match="has no VNNI"):
        run_on(built)
    run_on(built, reference=True)
    for have in ("x86_64_avx512_vnni", "x86_64_avx2_vnni", "x86_64_amx"):
        monkeypatch.setattr(isa, "detect", lambda have=have: have)
        run_on(built)


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ({}, "the inputs are none, the model's are x"),
        ({"x": samples(1), "z": samples(1)}, "the inputs are x, z"),
        ({"x": samples(1).astype(np.float64)}, r"float64\[1, 3, 8, 8\]"),
        ({"x": samples(1, (3, 8, 9))}, r"float32\[1, 3, 8, 9\]"),
        ({"x": samples(1)[0]}, r"float32\[3, 8, 8\]"),
    ],
)
def test_inputs_that_do_not_fit(model: ModelDirectory, inputs: dict[str, Any], text: str) -> None:
    with pytest.raises(LeptonError, match=text):
        run_on(model).run(inputs)


def test_a_file_that_is_no_model(model: ModelDirectory, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.onnx").write_bytes(b"nonsense")
    with pytest.raises(LeptonError, match="it does not load the model") as error:
        run_on(ModelDirectory(broken, model.manifest))
    assert "\n" not in str(error.value)


def test_nothing_is_said(model: ModelDirectory, capfd: pytest.CaptureFixture[str]) -> None:
    run_on(model).run({"x": samples(1)})
    assert capfd.readouterr() == ("", "")


def test_what_the_chips_declare() -> None:
    names = {target.name: target for target in TARGETS}
    assert list(names) == ["cpu", "cpu_vnni", "cuda", "tensorrt"]
    for target in TARGETS:
        assert set(target.capabilities) <= set(CAPABILITIES)
        assert target.options["provider"].endswith("ExecutionProvider")
    assert "vnni" in names["cpu_vnni"].capabilities and "vnni" not in names["cpu"].capabilities
    assert names["cpu"].pass_defaults["onnx.quantize"]["reduce_range"] is True
    for target in TARGETS:
        # The form that needs onnxruntime's own operators is for the chips that list them.
        form = target.pass_defaults.get("onnx.quantize_weights", {}).get("form", "qdq")
        assert (form == "matmul_nbits") == ("onnxruntime_operators" in target.capabilities)
    assert "int8_asymmetric" not in names["tensorrt"].capabilities
    assert names["tensorrt"].options["trt_int8_enable"] == names["tensorrt"].options["trt_fp16_enable"] == "1"
    assert names["tensorrt"].options["trt_engine_cache_enable"] == "0"
