"""The components of rival. They share no code with sample: a plugin's actions see no other plugin."""

from pathlib import Path

from lepton_rules.plugin import ExportContext, ModelDirectory, ModelFacts, PassContext, TensorSpec

FILE = "text.txt"


def _write(model: ModelDirectory, output: Path, more: str) -> ModelFacts:
    text = (model.path / FILE).read_text(encoding="utf-8") + more
    (output / FILE).write_text(text, encoding="utf-8")
    inputs, outputs = (
        tuple(TensorSpec(t["name"], t["dtype"], tuple(t["shape"])) for t in model.manifest[side])
        for side in ("inputs", "outputs")
    )
    return ModelFacts(inputs=inputs, outputs=outputs, parameters=len(text), macs=None)


def flourish(context: PassContext) -> ModelFacts:
    return _write(context.model, context.output, context.config.name)


def press(context: ExportContext) -> ModelFacts:
    return _write(context.model, context.output, "")
