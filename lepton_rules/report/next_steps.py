"""What to do about a budget that did not pass: steps with a command or a line to paste, from what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SAFE_DB = 30.0


def next_steps(budget: Mapping[str, Any], test: str, artifact: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each {"why", "do"}: a sentence without its full stop, and what to type or paste.

    Args:
      budget: one of a measurement.
      test: the test's label.
      artifact: the report's entry, whose `profile` may be None.
    """
    verdict = budget["verdict"]
    if verdict == "PASS":
        return []
    steps: list[dict[str, str]] = []
    if verdict == "NOT PROVEN":
        steps.append(
            _step(
                "It was too near the limit, or too few samples: measure again while nothing else runs",
                f"bazel test --nocache_test_results {test}",
            )
        )
    if verdict == "UNSTABLE":
        steps.append(_step("The machine was busy: close what else runs", f"bazel test --nocache_test_results {test}"))
    if verdict == "IMPLAUSIBLE":
        steps.append(
            _step(
                "A gain like this is a broken measurement or a broken model: look whether its answers are right",
                f"bazel run {artifact['label']}.report",
            )
        )
    if verdict == "FAIL":
        steps += _by_kind(budget, artifact)
    return steps or [_step("See the test's whole output", f"bazel test --test_output=all {test}")]


def _by_kind(budget: Mapping[str, Any], artifact: Mapping[str, Any]) -> list[dict[str, str]]:
    kind, label = budget["kind"], artifact["label"]
    if kind == "size":
        return _smaller(artifact)
    if kind in ("latency", "throughput"):
        return _faster(artifact)
    if kind in ("accuracy", "parity", "compatibility"):
        return _better(artifact)
    if kind == "memory":
        return [_step("See what loading and running take apart", f"bazel run {label}.profile")]
    if kind == "cold_start":
        why = "A start reads the model and makes the runtime's graph of it: do what can be done when it is built"
        return [_step(why, "onnx.optimize(),"), *_smaller(artifact)]
    if kind == "reproducibility":
        return [_step("See which files differ, under which of its conditions", f"bazel run {label}.reproduce")]
    return []


def _smaller(artifact: Mapping[str, Any]) -> list[dict[str, str]]:
    passes = {step["pass"] for step in artifact["lineage"]}
    steps = []
    quantizes = any(name.startswith(("onnx.quantize", "torch.quantize")) for name in passes)
    parameters = artifact["parameters"]
    if not quantizes:
        why = f"Nothing in the recipe quantizes: {parameters:,} weights of 8 bits are about {parameters:,} bytes"
        steps.append(_step(why, "onnx.quantize(),"))
    if not any("prune" in name for name in passes):
        why = "Half of the multiplications is about half of the weights"
        steps.append(_step(why, "torch.prune_channels(macs_ratio = 0.5), torch.distill(),"))
    if "onnx.quantize_weights" not in passes:
        why = f"{parameters:,} weights of 4 bits are about {parameters * 9 // 16:,} bytes with their scales"
        steps.append(_step(why, "onnx.quantize_weights(bits = 4),"))
    return steps


def _faster(artifact: Mapping[str, Any]) -> list[dict[str, str]]:
    profile = artifact["profile"]
    if profile is None:
        return [_step("See where the time goes, and what to do about it", f"bazel run {artifact['label']}.profile")]
    return [_step(advice["title"], advice["recipe"]) for advice in profile["advice"] if advice["unit"] == "x"] or [
        _step("No rule of the profile found anything to gain: less work is what is left", "torch.prune_channels(…),")
    ]


def _better(artifact: Mapping[str, Any]) -> list[dict[str, str]]:
    profile = artifact["profile"]
    if profile is None:
        return [_step("See which layers suffer most from 8 bits", f"bazel run {artifact['label']}.profile")]
    worst = [layer for layer in profile["layers"] if layer["sqnr_db"] is not None and layer["sqnr_db"] < _SAFE_DB]
    if not worst:
        return [
            _step(
                f"No layer alone is below {_SAFE_DB:g} dB: give calibration more data, or train with the rounding",
                "torch.quantize_aware_training(),",
            )
        ]
    names = ", ".join(f'"{layer["name"]}"' for layer in worst[:4])
    why = f"{len(worst)} layers are below {_SAFE_DB:g} dB alone; the worst has {worst[0]['sqnr_db']:g} dB"
    return [_step(why, f"onnx.quantize(exclude = [{names}]),")]


def _step(why: str, do: str) -> dict[str, str]:
    return {"why": why, "do": do}
