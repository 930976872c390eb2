"""import_model: an importer turns files and weights into a model."""

from lepton_rules.actions import component as components
from lepton_rules.actions.arguments import Arguments
from lepton_rules.plugin import ImportContext


def run(arguments: Arguments) -> None:
    """Runs the importer that the flags name.

    Raises:
        LeptonError: the files are not what the importer reads, or are unsafe to read.
    """
    importer = components.load_component(arguments, "importers")
    components.seed_everything(0)
    context = ImportContext(
        label=arguments.one("label"),
        config=importer.config,
        sources=tuple(arguments.paths("source")),
        weights=tuple(arguments.paths("weights")),
        allow_code=arguments.boolean("allow_code", default=False),
        output=components.output_directory(arguments),
        threads=arguments.integer("threads", default=1),
    )
    facts = components.check_facts(importer, importer.implementation(context))
    if context.allow_code:
        facts = components.with_note(facts, "allow_code", True)
    components.finish_model(arguments, importer, facts, format=importer.descriptor.produces, parent=None, hardware=None)
