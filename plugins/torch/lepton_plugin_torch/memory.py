"""PyTorch modules in memory, for who works in Python: how one becomes the files of the importer, and the reverse.

A module is a class in a file and its weights; the class must be built anew where a pass runs, so it has to be in a file
of its own rather than in a notebook's cell.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_plugin_torch.exported_program import Exported, load_program
from lepton_plugin_torch.program import Program, built
from lepton_plugin_torch.tensors import blobs
from lepton_rules.plugin import LeptonError, ModelDirectory, SavedModel, safetensors_file
from lepton_rules.plugin.source_program import PROGRAM, WEIGHTS_FILE

if TYPE_CHECKING:
    import torch


def save(module: torch.nn.Module, directory: Path, config: Mapping[str, Any]) -> SavedModel:
    """Writes the weights into `directory`, and names the file of the module's class.

    `config` must give `inputs`, and `kwargs` where the class takes arguments. `factory`, where it is given, is one of
    the class's file.

    Raises:
        LeptonError: the class is in no file.
    """
    kind = type(module)
    try:
        source = Path(inspect.getsourcefile(kind) or "")
    except (OSError, TypeError):
        source = Path()
    if not source.is_file() or source.suffix != ".py" or "<locals>" in kind.__qualname__:
        raise LeptonError(
            f"module {kind.__qualname__}",
            "its class is not at the top of a file, and a pass builds it anew from there",
            "Move the class into a .py file and import it",
        )
    weights = directory / WEIGHTS_FILE
    safetensors_file.write(weights, blobs(module.state_dict(), "weights"))
    return SavedModel(
        sources=(source,),
        weights=(weights,),
        config={"factory": f"{source.stem}:{kind.__qualname__}", **config},
    )


def load(model: ModelDirectory) -> torch.nn.Module:
    """Builds the module of a model of the format `pytorch`, with its weights, ready for inference."""
    own = {entry.stem for entry in (model.path / PROGRAM).iterdir()}
    # Who works in Python has most often imported the very module already, from another place.
    theirs = {name: found for name, found in sys.modules.items() if name.partition(".")[0] in own}
    for name in theirs:
        del sys.modules[name]
    try:
        with built(model.path, Program.read(model.path)) as module:
            return module
    finally:
        sys.modules.update(theirs)


def save_exported(program: torch.export.ExportedProgram, directory: Path, config: Mapping[str, Any]) -> SavedModel:
    """Writes an exported program into `directory` as torch.export.save does; it needs no sources."""
    import torch

    path = directory / "program.pt2"
    torch.export.save(program, path)
    return SavedModel(sources=(path,), config=dict(config))


def load_exported(model: ModelDirectory) -> torch.nn.Module:
    """A module that runs the model of the format `torch_export`."""
    exported, tensors = Exported.read(model.path)
    return load_program(exported.program, tensors, "model")[1]
