"""Components that behave."""

import shutil
from pathlib import Path

from lepton_rules.plugin import ExportContext, ImportContext, ModelFacts, PassContext, RuntimeContext, TensorSpec


def _facts(text: str) -> ModelFacts:
    return ModelFacts(
        inputs=(TensorSpec("x", "float32", ("batch", 1)),),
        outputs=(TensorSpec("y", "float32", ("batch", 1)),),
        parameters=len(text),
        macs=None,
    )


def write(output: Path, text: str) -> ModelFacts:
    (output / "text.txt").write_text(text, encoding="utf-8")
    return _facts(text)


def text_of(path: Path) -> str:
    return (path / "text.txt").read_text(encoding="utf-8")


def read(context: ImportContext) -> ModelFacts:
    return write(context.output, "".join(p.read_text(encoding="utf-8") for p in context.weights))


def append(context: PassContext) -> ModelFacts:
    return write(context.output, text_of(context.model.path) + context.config.text * context.config.times)


def teach(context: PassContext) -> ModelFacts:
    return write(context.output, text_of(context.model.path) + text_of(context.slots["teacher"].path))


def export(context: ExportContext) -> ModelFacts:
    shutil.copy(context.model.path / "text.txt", context.output / "text.txt")
    return _facts(text_of(context.model.path))


class Reader:
    def __init__(self, context: RuntimeContext) -> None:
        self.text = text_of(context.model.path)

    def run(self, inputs):
        return {"y": inputs["x"] * len(self.text)}

    def close(self) -> None:
        pass
