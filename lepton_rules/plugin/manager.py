"""Loads one declared plugin and nothing else. What is wrong with it is an error: plugin, version, fix."""

from __future__ import annotations

import importlib
import importlib.metadata
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pluggy

from lepton_rules.plugin import distributions, hookspecs, validation
from lepton_rules.plugin.descriptors import (
    KINDS,
    Component,
    Descriptor,
    Exporter,
    Importer,
    Metric,
    Packager,
    Pass,
    Runtime,
    Target,
)
from lepton_rules.plugin.distributions import ENTRY_POINT_GROUP
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import is_name, near_miss, suggestion

_HOOKS: Mapping[str, str] = {f"lepton_{kind}": kind for kind in KINDS}

# Made when this module is imported: the children of a worker find it there.
_MANAGER = pluggy.PluginManager(hookspecs.PROJECT)
_MANAGER.add_hookspecs(hookspecs)


@dataclass(frozen=True, kw_only=True)
class LoadedPlugin:
    """A plugin whose hooks ran and whose descriptors are valid. None of its implementations is imported yet.

    Args:
        name: what recipes call it.
        version: of the distribution, or the entry module's `__version__`.
        entry: the entry module's name.
        distribution: `name version` of the distribution it came from; empty for a plugin in the tree.
        importers, passes, exporters, runtimes, metrics, targets, packagers: descriptors by name.
    """

    name: str
    version: str
    entry: str
    distribution: str
    importers: Mapping[str, Importer]
    passes: Mapping[str, Pass]
    exporters: Mapping[str, Exporter]
    runtimes: Mapping[str, Runtime]
    metrics: Mapping[str, Metric]
    targets: Mapping[str, Target]
    packagers: Mapping[str, Packager] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"plugin {self.name} {self.version}"

    def find(self, kind: str, name: str) -> Descriptor:
        """Returns the descriptor `name` of `kind` (a key of KINDS). Raises LeptonError with the near miss."""
        found: Mapping[str, Descriptor] = getattr(self, kind)
        if name not in found:
            raise LeptonError(str(self), f"it has no {name!r} among its {kind}", suggestion(name, found))
        return found[name]

    def resolve(self, descriptor: Component) -> Any:
        """Imports and returns the implementation of `descriptor`: a callable, for a runtime a class.

        Raises:
            LeptonError: its module does not import, or has no such attribute, or it cannot be called.
        """
        module_name, attribute = descriptor.implementation.split(":")
        what = f"{type(descriptor).__name__.lower()} {self.name}.{descriptor.name} (plugin {self.name} {self.version})"
        module = _import(module_name, what, f"implementation {descriptor.implementation!r}")
        try:
            implementation = getattr(module, attribute)
        except AttributeError:
            miss = near_miss(attribute, [n for n in vars(module) if not n.startswith("__")])
            raise LeptonError(
                what,
                f"module {module_name} has no attribute {attribute!r}",
                f"Did you mean {module_name}:{miss}? Mend the descriptor's implementation"
                if miss
                else "Mend the descriptor's implementation, or define the attribute",
            ) from None
        if isinstance(descriptor, Runtime) and not isinstance(implementation, type):
            raise LeptonError(
                what,
                f"{descriptor.implementation} is {_kind_of(implementation)}, accepted is a class",
                "Name the class",
            )
        if not callable(implementation):
            raise LeptonError(
                what,
                f"{descriptor.implementation} is {_kind_of(implementation)}, accepted is a function",
                "Name the function",
            )
        return implementation


def load(name: str, entry: str | None = None) -> LoadedPlugin:
    """Loads the plugin `name`.

    Args:
        name: what recipes call it; for a distribution, the name of its entry point.
        entry: the entry module of a plugin in the tree, or None or empty for the distribution that has the entry
            point `name`.

    Raises:
        LeptonError: it does not import, a hook is misspelled or returns another type, a name is there twice, it was
            written for another api_version, or more than one distribution claims its name.
    """
    if not is_name(name):
        raise LeptonError(
            f"plugin {name!r}",
            "that is no name for a plugin",
            "Use at most 63 lower case ASCII letters, digits and _, a letter first",
        )
    entry_point = _entry_point(name, entry)
    distribution = _describe(entry_point) if entry_point else ""
    if not entry:
        if entry_point is None:
            raise LeptonError(
                f"plugin {name}",
                f"no installed distribution has the entry point {name!r} in the group {ENTRY_POINT_GROUP!r}",
                suggestion(name, {e.name for e in _entry_points()})
                + "; add the distribution to the environment's lock, or set the entry of a plugin in the tree",
            )
        entry = entry_point.module
    what = f"plugin {name} ({distribution or entry})"
    module = _import(entry, what, f"entry module {entry!r}")
    version = _version(module, entry_point, what)
    what = f"plugin {name} {version}" + (f" ({distribution})" if distribution else "")
    _check_attributes(module, what)
    found: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for hook, function in _hook_functions(module, name, what).items():
        kind = _HOOKS[hook]
        for descriptor in _call(function, hook, KINDS[kind], what):
            subject = f"{KINDS[kind].__name__.lower()} {name}.{descriptor.name} of {what}"
            validation.check(descriptor, subject)
            if descriptor.name in found[kind]:
                raise LeptonError(what, f"{hook} registers the name {descriptor.name!r} twice", "Rename one of the two")
            found[kind][descriptor.name] = descriptor
    for target in found["targets"].values():
        if target.runtime not in found["runtimes"]:
            raise LeptonError(
                f"target {name}.{target.name} of {what}",
                f"its runtime {target.runtime!r} is not a runtime of this plugin",
                suggestion(target.runtime, found["runtimes"]),
            )
    if not any(found.values()):
        raise LeptonError(
            what, f"{entry} registers nothing", f"Implement a hook, marked @hookimpl: {', '.join(sorted(_HOOKS))}"
        )
    return LoadedPlugin(name=name, version=version, entry=entry, distribution=distribution, **found)


def _describe(entry_point: importlib.metadata.EntryPoint) -> str:
    """Returns `distribution version` of an entry point."""
    dist = entry_point.dist
    return f"{dist.name} {dist.version}" if dist else f"an unnamed distribution ({entry_point.value})"


def _entry_points() -> list[importlib.metadata.EntryPoint]:
    """Returns the entry points of every installed plugin."""
    return [entry_point for found in distributions.installed() for entry_point in found.plugins]


def _entry_point(name: str, entry: str | None) -> importlib.metadata.EntryPoint | None:
    """Returns the one entry point called `name`, or None. Raises LeptonError when that name is claimed twice."""
    points = sorted((e for e in _entry_points() if e.name == name), key=lambda e: (_describe(e), e.value))
    claims = {(_describe(e), e.value): e for e in points}
    if len(claims) > 1:
        raise LeptonError(
            f"plugin {name}",
            "more than one distribution claims the name: " + " and ".join(f"{d} ({value})" for d, value in claims),
            "Remove all but one from the environment's lock",
        )
    point = next(iter(claims.values()), None)
    if point is None:
        return None
    if point.attr:
        raise LeptonError(
            f"plugin {name} ({_describe(point)})",
            f"its entry point is {point.value!r}, accepted is a module",
            f'Write `{name} = "{point.module}"` under [project.entry-points."{ENTRY_POINT_GROUP}"]',
        )
    if entry and point.module != entry:
        raise LeptonError(
            f"plugin {name}",
            f"two plugins claim the name: {entry} in the tree and {_describe(point)} ({point.value}) beside it",
            "Rename one of them, or remove the distribution from the environment's lock",
        )
    return point


def _import(module_name: str, what: str, role: str) -> types.ModuleType:
    """Imports a module. Whatever its top level raises, SystemExit included, becomes a LeptonError."""
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        own = module_name == missing or module_name.startswith(missing + ".")
        raise LeptonError(
            what,
            f"{role} does not import: there is no module {missing!r}",
            "Mend the module's name, or add its directory to the plugin's imports"
            if own
            else f"Add {missing!r} to the plugin's environment, or import it inside the function that uses it",
        ) from error
    except (Exception, SystemExit) as error:
        detail = str(error)
        raise LeptonError(
            what,
            f"{role} does not import: {type(error).__name__}" + (f": {detail}" if detail else ""),
            f"Mend {module_name}; `python -c 'import {module_name}'` in the plugin's environment shows the traceback",
        ) from error


def _version(module: types.ModuleType, entry_point: importlib.metadata.EntryPoint | None, what: str) -> str:
    if entry_point is not None and entry_point.dist is not None:
        return entry_point.dist.version
    version = getattr(module, "__version__", None)
    if not isinstance(version, str) or not version.strip():
        raise LeptonError(
            what,
            f"{module.__name__}.__version__ is {version!r}, accepted is a string such as '1.0.0'",
            f'Write `__version__ = "1.0.0"` in {module.__name__}',
        )
    return version


def _spec_name(attribute: str, value: object) -> str | None:
    """Returns the hook that `value` is marked to implement, or None where it is not marked."""
    options = getattr(value, f"{hookspecs.PROJECT}_impl", None)
    return (options.get("specname") or attribute) if isinstance(options, dict) else None


def _check_attributes(module: types.ModuleType, what: str) -> None:
    """Raises LeptonError for a hook that pluggy would pass over in silence: misspelled, not marked, or a wrapper."""
    for attribute, value in sorted(vars(module).items()):
        if isinstance(value, types.ModuleType):
            continue
        marked = _spec_name(attribute, value)
        if marked is not None and marked not in _HOOKS:
            raise LeptonError(
                what, f"{attribute} is marked @hookimpl, and there is no hook {marked!r}", suggestion(marked, _HOOKS)
            )
        if marked is None and attribute in _HOOKS:
            raise LeptonError(what, f"hook {attribute} is not marked", "Write @hookimpl above it")
        if marked is None and attribute.startswith("lepton_"):
            raise LeptonError(
                what,
                f"{attribute} begins with lepton_, and there is no such hook",
                suggestion(attribute, _HOOKS) + "; a helper needs a name that does not begin with lepton_",
            )
        if marked is not None:
            options = getattr(value, f"{hookspecs.PROJECT}_impl")
            if options.get("wrapper") or options.get("hookwrapper"):
                raise LeptonError(
                    what, f"{attribute} is a hook wrapper", "Write a plain @hookimpl: only one plugin is loaded"
                )


def _hook_functions(module: types.ModuleType, name: str, what: str) -> dict[str, Any]:
    """Returns the plugin's hook functions by hook name, in the order of the names."""
    try:
        _MANAGER.register(module, name=name)
        found = {hook: getattr(_MANAGER.hook, hook).get_hookimpls() for hook in sorted(_HOOKS)}
    except pluggy.PluginValidationError as error:
        reason = str(error).strip().splitlines()[-1]
        raise LeptonError(
            what, f"a hook has another signature than its specification ({reason})", "Hooks take no argument"
        ) from error
    finally:
        _MANAGER.unregister(name=name)
    functions: dict[str, Any] = {}
    for hook, implementations in found.items():
        if len(implementations) > 1:
            names = " and ".join(sorted(i.function.__name__ for i in implementations))
            raise LeptonError(what, f"{names} both implement {hook}", "Put the descriptors of both into one function")
        for implementation in implementations:
            functions[hook] = implementation.function
    return functions


def _kind_of(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"


def _call(function: Any, hook: str, kind: type[Descriptor], what: str) -> tuple[Descriptor, ...]:
    """Calls a hook. Raises LeptonError where it raises, or returns anything but a list or tuple of `kind`."""
    accepted = f"a list or tuple of {kind.__name__}"
    try:
        result = function()
    except LeptonError as error:
        raise LeptonError(what, f"{hook} failed: {error.what}: {error.why}", error.fix) from error
    except (Exception, SystemExit) as error:
        raise LeptonError(
            what, f"{hook} raised {type(error).__name__}: {error}", f"Mend {hook}: it must return {accepted}"
        ) from error
    if not isinstance(result, list | tuple):
        raise LeptonError(what, f"{hook} returned {_kind_of(result)}, accepted is {accepted}", f"Return {accepted}")
    for item in result:
        if type(item) is not kind:
            raise LeptonError(
                what, f"{hook} returned {_kind_of(item)} in its list, accepted is {accepted}", f"Return {accepted}"
            )
    return cast("tuple[Descriptor, ...]", tuple(result))


__all__ = ["LoadedPlugin", "load"]
