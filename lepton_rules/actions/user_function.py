"""Finds a function of the user's own sources: a dataset's generator, a training function."""

import importlib
from collections.abc import Callable
from typing import Any

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.names import suggestion


def find(name: str, what: str) -> Callable[..., Any]:
    """The function that `name`, `"module:function"`, stands for. Importing it runs the module.

    Raises:
        LeptonError: about `what`: there is no such module among the sources, or no such function in it. Whatever else
            the module raises goes through.
    """
    module_name, _, attribute = name.partition(":")
    if not attribute:
        raise LeptonError(what, f"{name!r} is not module:function", "Write it as `train:train`")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # A module that the user's module imports.
        raise LeptonError(
            what, f"there is no module {error.name!r} among srcs", "Add its file to srcs, and its directory to imports"
        ) from None
    function = getattr(module, attribute, None)
    if function is None:
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise LeptonError(what, f"module {module_name!r} has no {attribute!r}", suggestion(attribute, functions))
    if not callable(function):
        raise LeptonError(what, f"{name} is a {type(function).__name__}, not a function", "Name a function")
    found: Callable[..., Any] = function
    return found
