"""An artifact's facts as its `.tune` target writes them, small enough to reason about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lepton_rules.tune.objective import Objective, parse, quantities

METRICS = [
    {"name": "accuracy", "higher_is_better": True, "needs_baseline": False},
    {"name": "agreement", "higher_is_better": True, "needs_baseline": True},
    {"name": "perplexity", "higher_is_better": False, "needs_baseline": False},
]

_QUANTIZE = {
    "calibrator": {
        "type": "string",
        "default": "MinMax",
        "choices": ["MinMax", "Entropy", "Percentile"],
        "optional": False,
    },
    "exclude": {"type": "string_list", "default": [], "optional": False},
    "max_samples": {"type": "int", "default": 512, "minimum": 1, "optional": False},
    "per_channel": {"type": "bool", "default": True, "optional": False, "requires": {"true": "int8_per_channel"}},
    "percentile": {"type": "float", "default": 99.99, "minimum": 50, "maximum": 100, "optional": False},
    "symmetric": {
        "type": "bool",
        "default": False,
        "optional": False,
        "requires": {"true": "int8_symmetric", "false": "int8_asymmetric"},
    },
}


def step(
    name: str,
    fields: Mapping[str, Any],
    origins: Mapping[str, str] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A step of the plan: a pass of the plugin onnx, with its options' defaults under `changes`."""
    config = {key: field["default"] for key, field in fields.items()}
    kind = {"kind": "pass", "consumes": "onnx", "produces": "onnx", "declared": True, "plugin": "onnx"}
    return {
        **kind,
        "name": name,
        "plugin_label": "//plugins/onnx:onnx",
        "fields": dict(fields),
        "config": config | changes,
        "origins": dict.fromkeys(config, "the plugin's default") | dict(origins or {}),
        "search": [],
    }


EXPORT = step("to_onnx", {"opset": {"type": "int", "default": 20, "minimum": 18, "maximum": 22, "optional": False}}) | {
    "kind": "exporter",
    "consumes": "pytorch",
    "declared": False,
    "plugin": "torch",
    "plugin_label": "//plugins/torch:torch",
}
SMOOTH = step("smooth", {"alpha": {"type": "float", "default": 0.5, "minimum": 0, "maximum": 1, "optional": False}})
QUANTIZE = step("quantize", _QUANTIZE)


def facts(
    steps: Sequence[Mapping[str, Any]] = (EXPORT, SMOOTH, QUANTIZE),
    search: Sequence[Mapping[str, Any]] = (),
    without: Sequence[str] = (),
    capabilities: Sequence[str] = ("int8_asymmetric", "int8_per_channel", "int8_symmetric"),
) -> dict[str, Any]:
    """The content of space.json."""
    return {
        "artifact": "//models:net_int8",
        "capabilities": list(capabilities),
        "hardware": {
            "target": "chip",
            "runtime": "run",
            "capabilities": list(capabilities),
            "options": {},
            "threads": 1,
        },
        "hardware_label": "//chips:chip",
        "metrics": METRICS,
        "name": "net_int8",
        "package": "models",
        "repository": "",
        "runtime": {"plugin": "run", "entry": "run", "component": "run", "config": {}, "chip": ""},
        "search": list(search),
        "search_without": list(without),
        "seed": 7,
        "steps": list(steps),
        "threads": 2,
        "trial_rule": "@@lepton_rules~//lepton_rules/private:trial.bzl",
        "trials": "@@lepton_rules~~lepton~lepton_rules_trials//:trials",
        "tune": "@@//models:net_int8.tune",
    }


def objective(text: str) -> Objective:
    """An objective over the sample's quantities."""
    return parse(text, quantities(METRICS))
