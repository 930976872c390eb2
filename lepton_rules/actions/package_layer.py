"""package_layer: a packager says which of a model's files go to which layer of an image, and how it is started.

It reads the model's manifest and none of its files. Each layer's plan is an output of its own, so that a change of an
option that only the command line shows leaves the plan of the weights' layer, and the layer, as they were.
"""

from lepton_rules import manifest as manifests
from lepton_rules.actions import component as components
from lepton_rules.actions.arguments import Arguments
from lepton_rules.plugin import LeptonError, PackageContext
from lepton_rules.plugin.contexts import RuntimeFacts
from lepton_rules.plugin.packages import check_package, layer_to_json, package_to_json


def run(arguments: Arguments) -> None:
    """Runs the packager that the flags name: writes --output_layer=<name>=<path> for each layer, and --output_package.

    Raises:
        LeptonError: the packager does not take the model's format, or returns what cannot be packed.
    """
    packager = components.load_component(arguments, "packagers")
    model = manifests.read(arguments.path("model_manifest"))
    accepted = packager.descriptor.consumes
    if accepted and model["format"] not in accepted:
        raise LeptonError(
            packager.what,
            f"the model is {model['format']}, accepted is {', '.join(accepted)}",
            "Choose another packager, or hardware that takes another format",
        )
    runtime = arguments.optional_json("runtime")
    layers = arguments.named_paths("output_layer")
    context = PackageContext(
        label=arguments.one("label"),
        config=packager.config,
        model=model,
        hardware=components.read_hardware(arguments),
        runtime=RuntimeFacts(**runtime) if runtime else None,
        name=arguments.one("name"),
        version=arguments.one("version"),
        sources=packager.descriptor.sources,
    )
    package = check_package(
        packager.what,
        packager.implementation(context),
        layers=packager.descriptor.layers,
        model_files=sorted(model["files"]),
    )
    for name, path in layers.items():
        path.write_text(manifests.canonical_json(layer_to_json(name, package.layers[name])), "utf-8")
    arguments.path("output_package").write_text(manifests.canonical_json(package_to_json(package)), "utf-8")
