"""The summary: facts, comparison and lineage from manifests and metrics."""

from pathlib import Path

from programs import run_program

from lepton_rules import manifest as manifests
from lepton_rules.measure import metrics_file
from lepton_rules.plugin import HardwareFacts, ModelFacts, NoConfig, TensorSpec
from models import make_model

DIGEST = "sha256:" + "5" * 64


def _quantized(directory: Path, parent: Path) -> Path:
    """A second step: a smaller model made from the first."""
    before = manifests.read(parent)
    model = directory / "quantized"
    model.mkdir()
    (model / "model.onnx").write_bytes(bytes(2))
    facts = ModelFacts(
        inputs=(TensorSpec("x", "float32", ("batch", 64)),),
        outputs=(TensorSpec("logits", "float32", ("batch", 10)),),
        parameters=4096,
        macs=None,
    )
    step = manifests.step(
        component="onnx.quantize", config=NoConfig(), plugin="onnx", version="0.1.0", libraries={"onnx": "1.23.0"}
    )
    step["config"] = {"per_channel": True, "exclude": ["a", "b"], "percentile": None}
    content = manifests.build(
        format="onnx",
        facts=facts,
        directory=model,
        step=step,
        parent=before,
        hardware=HardwareFacts(target="cpu_vnni", runtime="onnxruntime"),
    )
    manifests.write(content, directory / "quantized.json")
    return directory / "quantized.json"


def _metrics(path: Path, accuracy: float) -> Path:
    content = metrics_file.Metrics(
        metrics={"accuracy": accuracy},
        samples=797,
        model_digest=DIGEST,
        dataset_digest=DIGEST,
        predictions_digest=DIGEST,
    )
    metrics_file.write(content, path)
    return path


def test_size_accuracy_and_lineage(tmp_path: Path) -> None:
    first = make_model(tmp_path / "first", padding=1_000_000)[1]
    last = _quantized(tmp_path, first)
    done = run_program(
        tmp_path,
        "summary",
        "--label=//x:y",
        f"--manifest={first}",
        f"--manifest={last}",
        f"--metrics={_metrics(tmp_path / 'm', 0.985)}",
        "--baseline_label=//x:b",
        f"--baseline_manifest={first}",
        f"--baseline_metrics={_metrics(tmp_path / 'b', 0.99)}",
    )
    assert done.status == 0
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    for line in (
        "//x:y",
        "hardware cpu_vnni",
        "input x float32[batch, 64]",
        "size 2 bytes in 1 file",
        "MACs -",
        "accuracy 0.985 on 797 samples",
        "against //x:b",
        "accuracy 0.99 0.985 -0.005",
        "1 fake.import fake 1.0.0 fake 1,000,026 -",
        "2 onnx.quantize onnx 0.1.0 onnx 2 exclude=a,b per_channel=True",
    ):
        assert line in lines, (line, lines)


def test_what_came_out_of_each_pass(tmp_path: Path) -> None:
    first = make_model(tmp_path / "first", padding=1_000_000)[1]
    last = _quantized(tmp_path, first)
    done = run_program(
        tmp_path,
        "summary",
        "--label=//x:y",
        f"--manifest={first}",
        f"--manifest={last}",
        f"--metrics={_metrics(tmp_path / 'm', 0.985)}",
        f"--step_metrics=1={_metrics(tmp_path / 's', 0.991)}",
    )
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    start = lines.index("after each pass")
    before = manifests.read(first)
    assert lines[start + 1 : start + 5] == [
        "pass bytes parameters MACs accuracy",
        f"fake.import 1,000,026 {before['parameters']:,} {before['macs']:,} 0.991",
        "onnx.quantize 2 4,096 - 0.985",
        "",
    ]


def test_without_metrics_and_early_manifests(tmp_path: Path) -> None:
    last = _quantized(tmp_path, make_model(tmp_path / "first")[1])
    done = run_program(tmp_path, "summary", "--label=//x:y", f"--manifest={last}")
    assert done.status == 0
    assert "accuracy" not in done.output
    assert "1 fake.import fake 1.0.0 - - -" in " ".join(done.output.split())


def test_what_is_no_manifest_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("{}")
    done = run_program(tmp_path, "summary", "--label=//x:y", f"--manifest={tmp_path / 'm'}")
    assert done.status == 1
    assert done.output.startswith("lepton: manifest m in //x:y: ")
    assert run_program(tmp_path, "summary", "--label=//x:y").output.startswith("lepton: summary in //x:y: ")
