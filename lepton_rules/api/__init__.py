"""The passes as Python functions, for notebooks and for debugging.

    import lepton_rules.api as lepton

    small = lepton.quantize(model, calibration={"image": images}, hardware="cpu_vnni")
    small.manifest["bytes"], small.path, small.load(), small.save("somewhere")

A function is there for each pass and exporter of each plugin, `lepton.onnx.quantize`, and for what passes are called
whatever their plugin, `lepton.quantize`, `lepton.prune`, `lepton.distill`. Nothing here names a pass: they are those of
the installed plugins, and of those that `use` names. `help(lepton.onnx.quantize)` prints what one takes.

A model is a `Model`, a step's directory, or an object in memory that a plugin's importer takes, such as an
`onnx.ModelProto`; `model` makes one from files. Every pass runs in a process of its own, as in a build, and gives the
bytes of the build.
"""

from __future__ import annotations

from typing import Any

from lepton_rules.api.functions import Namespace, PassFunction, Verb, export, names, run
from lepton_rules.api.models import Model, model
from lepton_rules.api.session import SESSION, use
from lepton_rules.plugin.errors import LeptonError

__all__ = ["LeptonError", "Model", "Namespace", "PassFunction", "Verb", "export", "model", "run", "use"]


def __getattr__(name: str) -> Any:
    """Finds a plugin, or what passes are called."""
    if name.startswith("_"):
        raise AttributeError(name)
    catalog = SESSION.catalog()
    if name in {plugin.name for plugin in catalog.plugins}:
        return Namespace(name)
    if name in names():
        return Verb(name)
    from lepton_rules.plugin.names import suggestion

    raise AttributeError(f"no plugin here has a pass {name!r}. {suggestion(name, names())}")


def __dir__() -> list[str]:
    return sorted({*__all__, *names(), *(plugin.name for plugin in SESSION.catalog().plugins)})
