"""checkpoint: weights as one safetensors file, from a training function or from a file.

The plugin that --plugin names knows the framework. Its package has a module `checkpoint` with three functions:

    prepare(seed: int, threads: int) -> None             # before training: seeds, threads, deterministic kernels
    save(weights: Mapping[str, object], output: Path, what: str) -> None    # what training returned, as safetensors
    convert(source: Path, output: Path) -> None          # a file of weights, which may be hostile, as safetensors
"""

import importlib
from typing import Any

from lepton_rules.actions import user_function
from lepton_rules.actions.arguments import Arguments
from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.arrays import read_npz
from lepton_rules.plugin.training import TrainingContext

_FUNCTIONS = ("prepare", "save", "convert")


def run(arguments: Arguments) -> None:
    """Writes --output_weights: what --function returns for a TrainingContext, or else the tensors of --source.

    Raises:
        LeptonError: the function or the file does not give tensors by name; the file is damaged or holds code.
    """
    backend = _backend(arguments.one("plugin"), arguments.one("plugin_entry"))
    output = arguments.path("output_weights")
    function = arguments.optional("function")
    if function is None:
        backend.convert(arguments.path("source"), output)
        return
    what = f"training function {function}"
    context = TrainingContext(
        label=arguments.one("label"),
        datasets={name: read_npz(arguments.resolve(path)) for name, path in _pairs(arguments.many("dataset"))},
        config=arguments.json("config"),
        seed=arguments.integer("seed"),
        threads=arguments.integer("threads", default=1),
    )
    backend.prepare(context.seed, context.threads)
    backend.save(user_function.find(function, what)(context), output, what)


def _backend(plugin: str, entry: str) -> Any:
    try:
        backend = importlib.import_module(f"{entry}.checkpoint")
    except ModuleNotFoundError as error:
        if error.name != f"{entry}.checkpoint":
            raise
        backend = None
    missing = [name for name in _FUNCTIONS if not callable(getattr(backend, name, None))]
    if missing:
        raise LeptonError(
            f"plugin {plugin}",
            f"it makes no checkpoints (module {entry}.checkpoint has no {', '.join(missing)})",
            "Name a plugin that does, such as //plugins/torch",
        )
    return backend


def _pairs(values: list[str]) -> list[tuple[str, str]]:
    return [(name, path) for name, _, path in (value.partition("=") for value in values)]
