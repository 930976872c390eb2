"""export_model: an exporter takes a model into another format."""

from lepton_rules.actions import component as components
from lepton_rules.actions.arguments import Arguments
from lepton_rules.plugin import ExportContext, LeptonError


def run(arguments: Arguments) -> None:
    """Runs the exporter that the flags name.

    Raises:
        LeptonError: the model is not what the exporter consumes, cannot be exported, or lost its signature.
    """
    exporter = components.load_component(arguments, "exporters")
    model = components.read_model(arguments)
    hardware = components.read_hardware(arguments)
    if model.manifest["format"] != exporter.descriptor.consumes:
        raise LeptonError(
            exporter.what,
            f"the model is {model.manifest['format']}, accepted is {exporter.descriptor.consumes}",
            "Correct the plugin's descriptors, which planned it so",
        )
    components.seed_everything(0)
    context = ExportContext(
        label=arguments.one("label"),
        config=exporter.config,
        model=model,
        hardware=hardware,
        output=components.output_directory(arguments),
        threads=arguments.integer("threads", default=1),
    )
    facts = components.check_facts(exporter, exporter.implementation(context))
    components.check_signature_kept(exporter, facts, model.manifest)
    components.finish_model(
        arguments,
        exporter,
        facts,
        format=exporter.descriptor.produces,
        parent=model.manifest,
        hardware=hardware,
    )
