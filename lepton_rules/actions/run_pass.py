"""run_pass: one pass of a recipe."""

from pathlib import Path

from lepton_rules import manifest as manifests
from lepton_rules.actions import component as components
from lepton_rules.actions.arguments import Arguments, ArgumentsError
from lepton_rules.plugin import DatasetFile, LeptonError, ModelDirectory, PassContext


def run(arguments: Arguments) -> None:
    """Runs the pass that the flags name.

    Raises:
        LeptonError: the model is not what the pass consumes, a slot does not fit, or the pass broke its contract.
    """
    loaded = components.load_component(arguments, "passes")
    model = components.read_model(arguments)
    hardware = components.read_hardware(arguments)
    if model.manifest["format"] != loaded.descriptor.consumes:
        raise LeptonError(
            loaded.what,
            f"the model is {model.manifest['format']}, accepted is {loaded.descriptor.consumes}",
            "Correct the plugin's descriptors, which planned it so",
        )
    seed = arguments.integer("seed", default=0)
    components.seed_everything(seed)
    context = PassContext(
        label=arguments.one("label"),
        config=loaded.config,
        model=model,
        slots=_slots(arguments, loaded, model),
        hardware=hardware,
        output=components.output_directory(arguments),
        threads=arguments.integer("threads", default=1),
        seed=seed,
    )
    facts = components.check_facts(loaded, loaded.implementation(context))
    if loaded.descriptor.preserves_signature:
        components.check_signature_kept(loaded, facts, model.manifest)
    components.finish_model(
        arguments,
        loaded,
        facts,
        format=loaded.descriptor.produces,
        parent=model.manifest,
        hardware=hardware,
    )


def _slots(
    arguments: Arguments, loaded: components.Loaded, model: ModelDirectory
) -> dict[str, DatasetFile | ModelDirectory]:
    """What the artifact bound, checked: a teacher must have the student's signature."""
    slot_manifests = dict(value.split("=", 1) for value in arguments.many("slot_manifest"))
    slots: dict[str, DatasetFile | ModelDirectory] = {}
    for value in arguments.many("slot"):
        name, _, rest = value.partition("=")
        kind, _, text = rest.partition("=")
        path: Path = arguments.resolve(text)
        if kind == "dataset":
            slots[name] = DatasetFile(path)
        elif kind == "model" and name in slot_manifests:
            other = ModelDirectory(path=path, manifest=manifests.read(arguments.resolve(slot_manifests[name])))
            if components.signature(other.manifest) != components.signature(model.manifest):
                raise LeptonError(
                    f"slot {name} of {loaded.name}",
                    f"its model has the signature {components.spell(other.manifest)}, "
                    f"and this one {components.spell(model.manifest)}",
                    "Bind a model with the same inputs and outputs",
                )
            slots[name] = other
        else:
            raise ArgumentsError(f"--slot={value} has no kind that there is, or no manifest")
    return slots
