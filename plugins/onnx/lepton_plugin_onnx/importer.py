"""Imports an .onnx file that a stranger may have made.

In this order, each step bounded by the size of what is really there: kind by content, wire format, structure,
declared against present sizes, weights out of the declared files, finiteness; only then native code, in a process of
its own.
"""

from __future__ import annotations

import mmap
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_plugin_onnx.canonical import tidy
from lepton_plugin_onnx.external import bring_in
from lepton_plugin_onnx.facts import facts_of
from lepton_plugin_onnx.files import MAX_MODEL_BYTES, parse, read_model, runnable_path
from lepton_plugin_onnx.native import session
from lepton_plugin_onnx.structure import check_structure, tensors_of
from lepton_plugin_onnx.tensors import check_finite
from lepton_plugin_onnx.wire import check_wire
from lepton_rules.plugin import ImportContext, LeptonError, ModelFacts, TensorSpec
from lepton_rules.plugin.content import START_BYTES, kind_of
from lepton_rules.plugin.guarded import guarded
from lepton_rules.plugin.onnx_canonical import save

if TYPE_CHECKING:
    import onnx

_FIX = "Convert the model again with a released converter"


def import_onnx(context: ImportContext) -> ModelFacts:
    """Writes the model of `context.sources[0]` canonically into `context.output`, its external data taken from
    `weights`.

    Functions of the model's own are inlined. LeptonError for everything that BAD input can be; nothing is left in
    `output`.
    """
    if len(context.sources) != 1:
        got = ", ".join(repr(path.name) for path in context.sources) or "none"
        raise LeptonError("importer onnx", f"it takes one source, an .onnx file (got {got})", "Give srcs one file")
    source = context.sources[0]
    what = f"model file {source.name!r}"
    try:
        model = load_untrusted(source, context.weights, what)
        if not context.config.accept_non_finite:
            for tensor, words in tensors_of(model, what):
                check_finite(tensor, words)
        tidy(model)
        save(model, context.output)
        del model
        return verify(context.output, what)
    except LeptonError:
        _empty(context.output)
        raise


def load_untrusted(source: Path, weights: tuple[Path, ...], what: str) -> onnx.ModelProto:
    """The model in `source`, checked as far as no native code of onnx is needed, all its tensors in memory."""
    _check_file(source, what)
    model = parse(source, what)
    check_structure(model, what)
    used = bring_in(tensors_of(model, what), weights)
    unused = sorted({path.name for path in weights} - {path.name for path in used})
    if unused:
        raise LeptonError(what, f"it does not use the declared weights {unused[0]!r}", "Remove them from weights")
    if model.functions:
        model = _inline(model, what)
        check_structure(model, what)
    return model


def verify(directory: Path, what: str) -> ModelFacts:
    """The facts of the canonical model in `directory`, once onnx's checker and onnxruntime have accepted it."""

    def inspect() -> Any:
        import onnx

        with tempfile.TemporaryDirectory() as scratch:
            path = runnable_path(directory, Path(scratch))
            onnx.checker.check_model(str(path))
            session(path)
            facts = facts_of(read_model(directory))
        return {
            "inputs": [spec.to_json() for spec in facts.inputs],
            "outputs": [spec.to_json() for spec in facts.outputs],
            "parameters": facts.parameters,
            "macs": facts.macs,
            "notes": facts.notes,
        }

    facts = guarded(inspect, what, _FIX)
    return ModelFacts(
        inputs=tuple(TensorSpec.from_json(spec) for spec in facts["inputs"]),
        outputs=tuple(TensorSpec.from_json(spec) for spec in facts["outputs"]),
        parameters=facts["parameters"],
        macs=facts["macs"],
        notes=facts["notes"],
    )


def _check_file(path: Path, what: str) -> None:
    """LeptonError unless `path` is a regular file under 2 GiB whose bytes can be a model."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise LeptonError(what, "it is not a regular file", "Give an .onnx file")
        if status.st_size > MAX_MODEL_BYTES:
            why = f"it has {status.st_size} bytes, a file of protobuf at most {MAX_MODEL_BYTES}"
            raise LeptonError(what, why, "Store its weights as external data")
        with path.open("rb") as stream:
            start = stream.read(START_BYTES)
            kind = kind_of(start)
            if not kind.startswith("something"):
                raise LeptonError(what, f"it is no ONNX model but {kind}", "Give an .onnx file")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as data:
                check_wire(data, what)
    except OSError as error:
        raise LeptonError(what, f"it cannot be read ({error.strerror})", "Give an .onnx file") from None


def _inline(model: onnx.ModelProto, what: str) -> onnx.ModelProto:
    """The model without functions of its own. The inliner is native code: it runs in a child, which hands over a
    file."""
    from onnx import inliner

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "inlined.onnx"

        def inline() -> None:
            inlined = inliner.inline_local_functions(model)
            path.write_bytes(inlined.SerializeToString(deterministic=True))

        guarded(inline, what, _FIX)
        return parse(path, what)


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
