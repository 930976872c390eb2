"""The sample that the contract of lepton_plugin_oci runs on."""

from __future__ import annotations

from pathlib import Path

from lepton_rules.plugin import ModelFacts, TensorSpec
from lepton_rules.plugin.contract import SampleModel, Samples


def write(directory: Path) -> Samples:
    """Writes a model that a packager names and never reads."""
    path = directory / "model"
    path.mkdir()
    (path / "model.onnx").write_bytes(b"graph")
    (path / "model.onnx.data").write_bytes(b"weights")
    facts = ModelFacts(
        inputs=(TensorSpec("x", "float32", ("batch", 4)),),
        outputs=(TensorSpec("y", "float32", ("batch", 2)),),
        parameters=8_000_000,
        macs=8,
    )
    return Samples(
        models={"onnx": SampleModel(path=path, facts=facts)},
        configs={
            "packagers.server": [{"port": 9000, "grpc_port": 9001, "max_batch": 8, "max_body_bytes": 1000000}],
            "packagers.modelpack": [{"family": "resnet", "license": "Apache-2.0"}],
            "packagers.modelcar": [{"directory": "/mnt/models"}],
        },
        refused={"packagers.modelcar": [{"directory": "/a/../b"}]},
    )
