"""The pass `behave`: the behaviours of tests/worker/behave.py, which the test puts beside this file."""

from lepton_plugin_fake import behave as behaviours
from lepton_rules.actions.arguments import Arguments
from lepton_rules.plugin import ModelFacts, PassContext


def behave(context: PassContext) -> ModelFacts:
    """Does as the configuration says, with the model's file as the behaviour's output."""
    options = {**context.config.options, "do": context.config.do, "output_file": str(context.output / "model.onnx")}
    behaviours.run(Arguments({key: [value] for key, value in options.items()}, context.output))
    return ModelFacts.from_manifest(context.model.manifest)
