"""The checkpoint action: a training function's weights, the same bytes each time, in whatever process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save_file

from lepton_rules.actions import checkpoint
from lepton_rules.actions.arguments import Arguments
from lepton_rules.actions.npz import write_npz
from lepton_rules.plugin import LeptonError

TRAINING = """
import numpy as np
import torch

def train(context):
    assert torch.get_num_threads() == context.threads
    assert torch.are_deterministic_algorithms_enabled()
    x = torch.from_numpy(context.datasets["train"]["x"])
    y = torch.from_numpy(context.datasets["train"]["labels"])
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(),
                                torch.nn.Flatten(), torch.nn.Linear(8 * 36, 3))
    rate = float(context.config.get("rate", 0.1))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for _ in range(5):
        chosen = torch.randperm(len(x))[:32]
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x[chosen]), y[chosen]).backward()
        optimizer.step()
    return model.state_dict()

def arrays(context):
    transposed = np.arange(6, dtype=">f4").reshape(2, 3).T
    return {"b": transposed, "a": np.random.rand(2), "n": np.array(3), "s": np.float32(2)}

def wrong(context):
    return eval(context.config["value"])
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    generator = np.random.default_rng(0)
    arrays: dict[str, Any] = {"x": generator.random((64, 1, 8, 8), np.float32), "labels": np.arange(64) % 3}
    write_npz(arrays, tmp_path / "train.npz")
    (tmp_path / "training_of_test.py").write_text(TRAINING)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def run(directory: Path, function: str = "train", config: object = None, seed: int = 0, threads: int = 2) -> bytes:
    """Runs the action and returns its output."""
    lines = [
        "--label=//tests:weights",
        "--plugin=torch",
        "--plugin_entry=lepton_plugin_torch",
        f"--function=training_of_test:{function}",
        f"--config={json.dumps(config or {})}",
        "--dataset=train=train.npz",
        f"--seed={seed}",
        f"--threads={threads}",
        "--output_weights=weights.safetensors",
    ]
    arguments = Arguments.parse(lines, directory)
    checkpoint.run(arguments)
    arguments.finish()
    return (directory / "weights.safetensors").read_bytes()


def test_same_bytes_twice(directory: Path) -> None:
    first = run(directory)
    assert set(load(first)) == {
        *(f"{layer}.{part}" for layer in (0, 1, 4) for part in ("weight", "bias")),
        *(f"1.{part}" for part in ("running_mean", "running_var", "num_batches_tracked")),
    }
    torch.rand(7)
    np.random.rand(3)
    assert run(directory) == first
    assert run(directory, seed=1) != first
    assert run(directory, config={"rate": "0.01"}) != first


FORKS = """
import os, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
import torch
if os.fork() == 0:
    from test_checkpoint import run
    run(Path(sys.argv[1]))
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_same_bytes_in_a_forked_child(directory: Path) -> None:
    """As in a worker, which imports torch with one thread and then forks, and with another hash seed."""
    first = run(directory)
    (directory / "weights.safetensors").unlink()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "77"}
    places = [str(Path(__file__).parent), str(directory), *sys.path]
    subprocess.run([sys.executable, "-c", FORKS, str(directory), *places], env=environment, check=True, timeout=60)
    assert (directory / "weights.safetensors").read_bytes() == first


def test_numpy_arrays(directory: Path) -> None:
    first = run(directory, "arrays")
    found = load(first)
    assert found["b"].dtype == torch.float32 and found["b"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found["n"].shape == () and found["n"].item() == 3 and found["s"].item() == 2
    assert run(directory, "arrays") == first


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("None", "gave NoneType"),
        ("[torch.zeros(1)]", "gave list"),
        ("{}", "gave no tensors"),
        ("{0: torch.zeros(1)}", "0 is no name"),
        ("{'a': 3}", "'a' of training function training_of_test:wrong: it is an object of type int"),
        ("{'a': {'b': torch.zeros(1)}}", "type dict"),
        ("{'a': torch.zeros(1).to_sparse()}", "sparse"),
        ("{'a': torch.zeros(1, device='meta')}", "meta"),
        ("{'a': torch.zeros(1, dtype=torch.complex128)}", "complex128"),
        ("{'a': np.array(['x'])}", "dtype <U1"),
        ("torch.nn.Linear(2, 2)", "gave Linear"),
    ],
)
def test_not_weights(value: str, why: str, directory: Path) -> None:
    with pytest.raises(LeptonError) as caught:
        run(directory, "wrong", {"value": value})
    assert why in str(caught.value) and "training function training_of_test:wrong" in str(caught.value)


def test_no_such_function(directory: Path) -> None:
    with pytest.raises(LeptonError, match="Did you mean 'train'"):
        run(directory, "trian")


def source(directory: Path, entry: str = "lepton_plugin_torch") -> Any:
    lines = ["--plugin=x", f"--plugin_entry={entry}", "--source=in.pt", "--output_weights=out.safetensors"]
    arguments = Arguments.parse(lines, directory)
    checkpoint.run(arguments)
    arguments.finish()
    return load((directory / "out.safetensors").read_bytes())


def test_file(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "in.pt")
    assert source(tmp_path)["a"].tolist() == [1, 1]
    save_file({"a": torch.zeros(2)}, tmp_path / "in.pt")
    assert source(tmp_path)["a"].tolist() == [0, 0]


def test_plugin_that_makes_no_checkpoints(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="plugin x: it makes no checkpoints"):
        source(tmp_path, "json")
