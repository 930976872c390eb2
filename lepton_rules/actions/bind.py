"""bind: the same model, with a manifest that names the chip it is for."""

import shutil

from lepton_rules.actions import component as components
from lepton_rules.actions.arguments import Arguments


def run(arguments: Arguments) -> None:
    """Copies the model and writes its manifest anew with the hardware of the flags."""
    model = components.read_model(arguments)
    hardware = components.read_hardware(arguments)
    assert hardware is not None
    shutil.copytree(model.path, components.output_directory(arguments), dirs_exist_ok=True)
    manifest = {
        **model.manifest,
        "hardware": {
            "target": hardware.target,
            "capabilities": sorted(hardware.capabilities),
            "options": dict(hardware.options),
        },
    }
    components.write_facts(arguments, manifest)
