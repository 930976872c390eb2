"""The pass `shorten`."""

from __future__ import annotations

from lepton_rules.plugin import ModelFacts, PassContext


def shorten(context: PassContext) -> ModelFacts:
    lines = (context.model.path / "model.txt").read_text("utf-8").splitlines()
    (context.output / "model.txt").write_text("".join(f"{line[: context.config.width]}\n" for line in lines), "utf-8")
    return ModelFacts(inputs=(), outputs=(), parameters=len(lines), macs=None)
