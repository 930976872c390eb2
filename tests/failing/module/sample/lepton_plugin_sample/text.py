"""Components that behave."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_rules.plugin import (
    DatasetFile,
    ExportContext,
    ImportContext,
    ModelDirectory,
    ModelFacts,
    PassContext,
    RuntimeContext,
    TensorSpec,
)

FILE = "text.txt"


def facts_of(text: str, dtype: str = "float32", columns: int = 2) -> ModelFacts:
    """The facts of a text, whose parameters are its characters."""
    return ModelFacts(
        inputs=(TensorSpec("x", dtype, ("batch", 2)),),
        outputs=(TensorSpec("y", dtype, ("batch", columns)),),
        parameters=len(text),
        macs=None,
    )


def write(output: Path, text: str, signature: Mapping[str, Any] | None = None) -> ModelFacts:
    """Writes a text as the model in `output`, with the signature of another model where one is given."""
    (output / FILE).write_text(text, encoding="utf-8", newline="")
    if signature is None:
        return facts_of(text)
    (tensor,) = signature["outputs"]
    return facts_of(text, tensor["dtype"], tensor["shape"][1])


def text_of(model: ModelDirectory) -> str:
    """Reads the text of a model."""
    return (model.path / FILE).read_bytes().decode("utf-8")


def read(context: ImportContext) -> ModelFacts:
    return write(context.output, "".join(path.read_text(encoding="utf-8") for path in context.weights))


def append(context: PassContext) -> ModelFacts:
    text = text_of(context.model) + context.config.text * context.config.times
    return write(context.output, text, context.model.manifest)


def keep(context: PassContext) -> ModelFacts:
    return write(context.output, text_of(context.model), context.model.manifest)


def reshape(context: PassContext) -> ModelFacts:
    text = text_of(context.model)
    write(context.output, text)
    return facts_of(text, context.config.dtype, context.config.columns)


def teach(context: PassContext) -> ModelFacts:
    teacher = context.slots["teacher"]
    assert isinstance(teacher, ModelDirectory)
    return write(context.output, text_of(context.model) + text_of(teacher), context.model.manifest)


def study(context: PassContext) -> ModelFacts:
    notes = context.slots["notes"]
    assert isinstance(notes, DatasetFile)
    return write(context.output, text_of(context.model) + str(notes.path.stat().st_size), context.model.manifest)


def export(context: ExportContext) -> ModelFacts:
    return write(context.output, text_of(context.model), context.model.manifest)


class Reader:
    """Multiplies by the length of the text."""

    def __init__(self, context: RuntimeContext) -> None:
        self._length = len(text_of(context.model))

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"y": inputs["x"] * self._length}

    def close(self) -> None:
        pass
