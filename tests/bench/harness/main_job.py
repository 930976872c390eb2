"""The main job: a trained network for two chips, and what judges it without running it."""

from __future__ import annotations

_ARTIFACTS = [f"//models/resnet:resnet_{name}" for name in ("fp32_cpu", "int8_cpu", "int8_gpu")]
TARGETS = [*_ARTIFACTS, *(f"{artifact}_{kind}_test" for artifact in _ARTIFACTS for kind in ("accuracy", "size"))]
# For aquery: all actions of ours in it.
ACTIONS = f'mnemonic("Lepton.*", deps(set({" ".join(TARGETS)})))'
