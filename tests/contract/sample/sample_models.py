"""The samples that the contract of lepton_plugin_sample runs on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from lepton_rules.plugin import ModelFacts, TensorSpec
from lepton_rules.plugin.contract import SampleImport, SampleMetric, SampleModel, Samples

_TABLE = {name: [0.12345 * (i + 1), -0.5 / (i + 1), 0.98765] for i, name in enumerate("abcdefgh")}


def write(directory: Path) -> Samples:
    model = directory / "model"
    model.mkdir()
    for path in (model / "table.json", directory / "weights.json"):
        path.write_text(json.dumps(_TABLE), "utf-8")
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.savez(directory / "data.npz", x=x, labels=np.zeros(4, np.int64))
    np.savez(directory / "ours.npz", y=x + 1)
    np.savez(directory / "theirs.npz", y=x)
    facts = ModelFacts(
        inputs=(TensorSpec("x", "float32", ("batch", 3)),),
        outputs=(TensorSpec("y", "float32", ("batch", 8)),),
        parameters=24,
        macs=24,
    )
    return Samples(
        models={"table": SampleModel(path=model, facts=facts, dataset=directory / "data.npz")},
        imports={"table": SampleImport(weights=(directory / "weights.json",))},
        metrics={
            "mean_error": SampleMetric(
                outputs=directory / "ours.npz", arrays=directory / "data.npz", baseline=directory / "theirs.npz"
            )
        },
        configs={
            "passes.round": [{"digits": 2, "mode": "zero", "exclude": ["a"]}],
            "passes.centre": [{"share": 0.5}],
        },
        refused={"passes.round": [{"exclude": ["nobody"]}, {"digits": 0}]},
        signature="lepton_plugin_sample.tables:signature",
    )
