"""The pass `stamp`."""

import time

from lepton_rules.plugin import ModelFacts, PassContext


def stamp(context: PassContext) -> ModelFacts:
    text = (context.model.path / "text.txt").read_text(encoding="utf-8") + str(time.time_ns())
    (context.output / "text.txt").write_text(text, encoding="utf-8")
    return ModelFacts.from_manifest(context.model.manifest)
