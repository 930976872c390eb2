"""What to do about a budget that did not pass: steps with a command or a line to paste, from what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lepton_rules.profile.advice import Place, call

_SAFE_DB = 30.0
_MORE_SAMPLES = 4
_OVERRIDES = Place(target="overrides")
_BY_LAYER = ("onnx.quantize", "onnx.quantize_dynamic")  # their option `exclude` names layers


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
        first = [] if _config(artifact, "onnx.optimize") is not None else [_paste(why, "onnx.optimize", Place())]
        return first + _smaller(artifact)
    if kind == "reproducibility":
        return [_step("See which files differ, under which of its conditions", f"bazel run {label}.reproduce")]
    return []


def _smaller(artifact: Mapping[str, Any]) -> list[dict[str, str]]:
    passes = [step["pass"] for step in artifact["lineage"]]
    steps = []
    parameters = artifact["parameters"]
    if not any(name.startswith(("onnx.quantize", "torch.quantize")) for name in passes):
        why = f"Nothing in the recipe quantizes: {parameters:,} weights of 8 bits are about {parameters:,} bytes"
        steps.append(_paste(why, "onnx.quantize", Place()))
    if any(name.startswith("torch.") for name in passes) and not any("prune" in name for name in passes):
        why = "Half of the multiplications is about half of the weights, and training gives back what they knew"
        steps.append(_paste(why, "torch.prune_channels", Place(before="onnx."), macs_ratio=0.5, epochs=10))
    if "onnx.quantize_weights" not in passes:
        why = (
            f"{parameters:,} weights of 4 bits are about {parameters * 9 // 16:,} bytes with their scales, where they "
            "are those of matrix products"
        )
        replaces = next((name for name in passes if name.startswith("onnx.quantize")), "")
        steps.append(_paste(why, "onnx.quantize_weights", Place(replaces=replaces), bits=4))
    return steps


def _faster(artifact: Mapping[str, Any]) -> list[dict[str, str]]:
    profile, label = artifact["profile"], artifact["label"]
    if profile is None:
        return [_step("See where the time goes, and what to do about it", f"bazel run {label}.profile")]
    found = [advice for advice in profile["advice"] if advice["unit"] == "x"]
    if found:
        return [_step(f"{advice['title']}; paste {advice['place']}", advice["recipe"]) for advice in found]
    why = "No rule of the profile found anything to gain: search what the passes leave open"
    return [_step(why, f"bazel run {label}.tune")]


def _better(artifact: Mapping[str, Any]) -> list[dict[str, str]]:
    profile, label = artifact["profile"], artifact["label"]
    if profile is None:
        return [_step("See which layers suffer most from 8 bits", f"bazel run {label}.profile")]
    worst = [layer for layer in profile["layers"] if layer["sqnr_db"] is not None and layer["sqnr_db"] < _SAFE_DB]
    steps = []
    quantizer = next((name for name in _BY_LAYER if _config(artifact, name) is not None), None)
    if worst and quantizer:
        exclude = dict.fromkeys(_config(artifact, quantizer)["exclude"])
        exclude |= dict.fromkeys(layer["name"] for layer in worst[:4])
        many = f"{len(worst)} layers are" if len(worst) > 1 else "1 layer is"
        why = f"{many} below {_SAFE_DB:g} dB alone; the worst has {worst[0]['sqnr_db']:g} dB"
        steps.append(_paste(why, quantizer, _OVERRIDES, lists={"exclude": list(exclude)}))
    calibrated = _config(artifact, "onnx.quantize")
    if calibrated is not None and not worst:
        samples = calibrated["max_samples"] * _MORE_SAMPLES
        why = f"No layer alone is below {_SAFE_DB:g} dB: take ranges from {samples:,} samples"
        steps.append(_paste(why, "onnx.quantize", _OVERRIDES, max_samples=samples))
        if any(step["pass"].startswith("torch.") for step in artifact["lineage"]):
            place = Place(before="onnx.")
            steps.append(_paste("Train with the rounding", "torch.quantize_aware_training", place))
    return steps or [_step("See after which pass the answers change", f"bazel run {label}.summary")]


def _config(artifact: Mapping[str, Any], name: str) -> Any:
    """The configuration of the last pass of this name in the lineage, or None."""
    return next((step["config"] for step in reversed(artifact["lineage"]) if step["pass"] == name), None)


def _paste(why: str, name: str, place: Place, *, lists: Any = None, **options: object) -> dict[str, str]:
    return _step(f"{why}; paste {place}", call(name, lists=lists, **options))


def _step(why: str, do: str) -> dict[str, str]:
    return {"why": why, "do": do}
