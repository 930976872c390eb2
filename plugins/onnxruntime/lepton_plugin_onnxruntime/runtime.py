"""Runs an ONNX model in onnxruntime."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnxruntime.bfloat16 import lowered
from lepton_plugin_onnxruntime.targets import CPU, TARGETS
from lepton_rules.plugin import LeptonError, RuntimeContext, TensorSpec
from lepton_rules.plugin.onnx_canonical import DATA_FILE, MODEL_FILE
from lepton_rules.worker import isa

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime

    Array = np.ndarray[Any, Any]

_WHAT = "runtime onnxruntime"
_TARGETS = {target.name: target for target in TARGETS}
_CPU_PROVIDER = "CPUExecutionProvider"
# What a provider leaves to another one, besides the CPU.
_FALLBACK = {"TensorrtExecutionProvider": ("CUDAExecutionProvider",)}
_VNNI_CLASSES = ("x86_64_avx2_vnni", "x86_64_avx512_vnni")


class OnnxRuntime:
    """A session for one model: `run` maps arrays by input name to arrays by output name.

    With `reference` the graph runs as it is written, unfused, on the CPU with one thread, for any of this plugin's
    targets: the result depends on the model and the CPU's instruction set alone. Otherwise the session is the one of
    production: the target's provider with its options, all optimisations, `threads` threads that do not spin between
    calls.

    LeptonError when the model is for a chip that this runtime does not know, when the chip's provider is not there,
    or when the machine lacks what the chip has.
    """

    profiler = "lepton_plugin_onnxruntime.profiling.profiler:OnnxProfiler"

    concurrent = True  # several threads may call `run` at once: a session keeps nothing of a call

    def __init__(self, context: RuntimeContext) -> None:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else the wheel reports home and writes to it
        import onnxruntime

        if context.model.manifest.get("format", "onnx") != "onnx":
            raise LeptonError(_WHAT, f"the model's format is {context.model.manifest['format']}", "Give an ONNX model")
        target, options = _target(context)
        session_options = onnxruntime.SessionOptions()
        session_options.log_severity_level = 3
        session_options.inter_op_num_threads = 1
        session_options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if context.reference:
            providers: list[tuple[str, dict[str, str]]] = [(_CPU_PROVIDER, {})]
            session_options.intra_op_num_threads = 1
            session_options.use_deterministic_compute = True
            level = "disable_all"
        else:
            _require_machine(target)
            providers = _providers(options, onnxruntime.get_available_providers(), target)
            session_options.intra_op_num_threads = context.threads
            level = "enable_" + context.config.graph_optimization
            level = level.replace("enable_disable_all", "disable_all")
        level_name = f"ORT_{level.upper()}"
        session_options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level_name)
        self._prepare(session_options)
        with contextlib.ExitStack() as stack:
            path = context.model.path / MODEL_FILE
            # Only where a copy is needed: an image may have no directory that can be written.
            if context.reference or _linked(context.model.path):
                scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                path = _runnable(context.model.path, scratch)
                if context.reference:
                    path = lowered(path, scratch)
            try:
                self._session = onnxruntime.InferenceSession(str(path), session_options, providers=providers)
            except Exception as error:  # onnxruntime's own classes share no base but Exception
                why = f"it does not load the model ({_one_line(error)})"
                raise LeptonError(_WHAT, why, "Give a model that onnxruntime supports on this chip") from None
        wanted = providers[0][0]
        if wanted not in self._session.get_providers():
            fix = "Mend its driver and libraries, or run this where they work"
            raise LeptonError(_WHAT, f"{wanted} did not start, and onnxruntime would run on the CPU instead", fix)
        self._inputs = [TensorSpec.from_json(spec) for spec in context.model.manifest["inputs"]]
        self._outputs = [TensorSpec.from_json(spec).name for spec in context.model.manifest["outputs"]]

    def _prepare(self, options: onnxruntime.SessionOptions) -> None:
        """Called before the session is made: the profiler has something to add."""

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs for one batch. LeptonError when an input is missing, unknown, or not of the declared dtype and
        shape."""
        _check_inputs(inputs, self._inputs)
        try:
            values = self._session.run(self._outputs, dict(inputs))
        except Exception as error:  # onnxruntime's own classes share no base but Exception
            raise LeptonError(
                _WHAT, f"the model failed ({_one_line(error)})", "Give inputs that fit the model"
            ) from None
        return dict(zip(self._outputs, values, strict=True))

    def close(self) -> None:
        """Lets the session and its memory go."""
        del self._session


def _target(context: RuntimeContext) -> tuple[str, Mapping[str, str]]:
    """The chip that the model is for, or else the one that the context names, or else any CPU; with its options."""
    built_for = context.model.manifest.get("hardware")
    for name in [
        *([built_for["target"]] if built_for else []),
        *([context.hardware.target] if context.hardware else []),
    ]:
        if name not in _TARGETS:
            known = ", ".join(sorted(_TARGETS))
            fix = f"Run it with the runtime of the plugin that has {name!r}"
            raise LeptonError(_WHAT, f"the model is for the chip {name!r}, and this runtime knows {known}", fix)
    if built_for:
        return built_for["target"], built_for["options"]
    if context.hardware:
        return context.hardware.target, context.hardware.options
    return CPU.name, CPU.options


def _require_machine(target: str) -> None:
    """LeptonError where int8 products would saturate: weights of full range on a CPU without VNNI give wrong
    results."""
    have = isa.detect()
    if target == "cpu_vnni" and not any(isa.provides(have, wanted) for wanted in _VNNI_CLASSES):
        fix = "Run it on a CPU with VNNI, or build it for //plugins/onnxruntime:cpu"
        raise LeptonError(_WHAT, f"the model is for cpu_vnni and this machine ({have}) has no VNNI", fix)


def _providers(options: Mapping[str, str], available: list[str], target: str) -> list[tuple[str, dict[str, str]]]:
    """The providers for a session, the wanted one first, each with its options."""
    own = dict(options)
    provider = own.pop("provider", _CPU_PROVIDER)
    if provider not in available:
        names = ", ".join(available)
        fix = "Use an environment whose onnxruntime has it, on a machine with the chip"
        raise LeptonError(_WHAT, f"the chip {target} needs {provider}, and this onnxruntime has {names}", fix)
    chosen = [(provider, own)]
    chosen += [(name, {}) for name in _FALLBACK.get(provider, ()) if name in available]
    if provider != _CPU_PROVIDER:
        chosen.append((_CPU_PROVIDER, {}))
    return chosen


def _linked(directory: Path) -> bool:
    """Whether the weights are a file that is a link, as inputs of sandboxed actions are: onnxruntime refuses it."""
    return (directory / DATA_FILE).is_symlink()


def _runnable(directory: Path, scratch: Path) -> Path:
    """The path to load: in `scratch`, where the weights are a link."""
    if not _linked(directory):
        return directory / MODEL_FILE
    for name in (MODEL_FILE, DATA_FILE):
        shutil.copyfile(directory / name, scratch / name)
    return scratch / MODEL_FILE


def _check_inputs(inputs: Mapping[str, Array], specs: list[TensorSpec]) -> None:
    names = [spec.name for spec in specs]
    if sorted(inputs) != sorted(names):
        got, wanted = ", ".join(sorted(inputs)), ", ".join(names)
        raise LeptonError(_WHAT, f"the inputs are {got or 'none'}, the model's are {wanted}", "Give exactly these")
    for spec in specs:
        array = inputs[spec.name]
        fits = len(array.shape) == len(spec.shape) and all(
            isinstance(want, str) or have == want for have, want in zip(array.shape, spec.shape, strict=True)
        )
        dtype = _dtype_name(array.dtype)
        if dtype != spec.dtype or not fits:
            got, wanted = f"{dtype}{list(array.shape)}", f"{spec.dtype}{list(spec.shape)}"
            raise LeptonError(_WHAT, f"input {spec.name!r} is {got}, the model's is {wanted}", "Convert the input")


@functools.cache  # numpy computes the name anew each time, which takes longer than the rest of the check
def _dtype_name(dtype: np.dtype[Any]) -> str:
    return "str" if dtype.kind in "OU" else dtype.name


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:400]
