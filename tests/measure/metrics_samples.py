"""What the contract kit tries the plugin `metrics` on."""

from pathlib import Path

import numpy

from lepton_rules.plugin.contract import SampleMetric, Samples


def write(directory: Path) -> Samples:
    """Four answers, three of them right, which as vectors are two graded pairs; a baseline that agrees with two."""
    for name, answers in (("outputs", [0, 1, 2, 0]), ("baseline", [0, 1, 1, 1])):
        numpy.savez(directory / f"{name}.npz", logits=numpy.eye(3, dtype=numpy.float32)[answers])
    numpy.savez(
        directory / "split.npz",
        x=numpy.zeros((4, 2), numpy.float32),
        labels=numpy.array([0, 1, 2, 2]),
        pair=numpy.array([7, 8, 8, 7]),
        grade=numpy.array([5.0, 1.0, 1.0, 5.0]),
    )
    one = SampleMetric(
        outputs=directory / "outputs.npz", arrays=directory / "split.npz", baseline=directory / "baseline.npz"
    )
    numpy.savez(directory / "numbers.npz", y=numpy.array([[0.5], [1.0], [2.0], [1.0]], numpy.float32))
    numbers = SampleMetric(outputs=directory / "numbers.npz", arrays=directory / "split.npz")
    numpy.savez(directory / "eight.npz", logits=numpy.eye(8, dtype=numpy.float32)[[0, 1, 2, 0]])
    many = SampleMetric(outputs=directory / "eight.npz", arrays=directory / "split.npz")
    return Samples(
        models={},
        metrics=dict.fromkeys(("accuracy", "agreement", "auroc", "cosine", "f1", "spearman", "spearman_labels"), one)
        | {"rmse": numbers, "top_k": many},
        configs={
            "metrics.accuracy": [{"output": "logits", "labels": "labels"}],
            "metrics.agreement": [{"output": "logits"}],
            "metrics.cosine": [{"output": "logits"}],
            "metrics.auroc": [{"positive": 2}],
            "metrics.top_k": [{"k": 2}],
            "metrics.spearman": [{"pairs": "pair"}],
            "metrics.spearman_labels": [{"labels": "grade"}],
        },
        refused={"metrics.accuracy": [{"output": 1}, {"topk": 5}]},
    )
