"""The plugins that a command or a notebook may use, and what they offer together.

Those of installed distributions are found by their entry points; a plugin in a directory is named with it. Loading one
imports its descriptors alone, so the libraries behind it may be in another Python.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lepton_rules.plugin import distributions
from lepton_rules.plugin.contexts import HardwareFacts
from lepton_rules.plugin.descriptors import Exporter, Importer, Pass, Target
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.manager import LoadedPlugin, load
from lepton_rules.plugin.names import near_miss, suggestion

# The kinds whose components are steps, to what one is called.
STEP_KINDS: Mapping[str, str] = {"importers": "importer", "passes": "pass", "exporters": "exporter"}

_GET_PLUGINS = "Install the plugin's distribution here, or name its directory: --plugin NAME=DIRECTORY"


@dataclass(frozen=True, kw_only=True)
class PluginSource:
    """A plugin, and where it and its libraries are.

    Args:
        name: the plugin's name.
        entry: its entry module; empty for the entry point of a distribution.
        paths: directories that it is imported from, besides where Python looks.
        python: the Python that runs it, which has its libraries.
        preload: modules that are imported before a step, as the `lepton_plugin` target says.
    """

    name: str
    entry: str = ""
    paths: tuple[Path, ...] = ()
    python: str = sys.executable
    preload: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """A component with its plugin.

    Args:
        kind: a key of STEP_KINDS.
    """

    source: PluginSource
    plugin: LoadedPlugin
    kind: str
    component: Importer | Pass | Exporter

    @property
    def name(self) -> str:
        """`<plugin>.<component>`."""
        return f"{self.plugin.name}.{self.component.name}"


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A chip that steps are planned for.

    Args:
        facts: what actions get.
        accepts: the formats that its runtime takes; empty where that is not known.
        pass_defaults: `plugin.pass` to the options that it wants where a recipe does not say.
    """

    facts: HardwareFacts
    accepts: tuple[str, ...] = ()
    pass_defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns the facts as the flag --hardware of an action has them."""
        return {
            "capabilities": sorted(self.facts.capabilities),
            "options": dict(self.facts.options),
            "runtime": self.facts.runtime,
            "target": self.facts.target,
            "threads": self.facts.threads,
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Chip:
        """Returns the chip that (valid) facts describe."""
        return cls(
            facts=HardwareFacts(
                target=facts["target"],
                runtime=facts["runtime"],
                capabilities=frozenset(facts["capabilities"]),
                options=dict(facts["options"]),
                threads=facts["threads"],
            )
        )


class Catalog:
    """Loaded plugins.

    Raises:
        LeptonError: a plugin is broken, or is named twice.
    """

    def __init__(self, sources: Iterable[PluginSource]) -> None:
        self._plugins: dict[str, tuple[PluginSource, LoadedPlugin]] = {}
        for source in sources:
            self.add(source)

    def add(self, source: PluginSource) -> None:
        """Loads one plugin more."""
        if source.name in self._plugins:
            raise LeptonError(f"plugin {source.name}", "it is named twice", "Name it once")
        for path in reversed(source.paths):
            if not path.is_dir():
                raise LeptonError(f"plugin {source.name}", f"there is no directory {path}", "Correct its path")
            if str(path) not in sys.path:
                sys.path.insert(0, str(path))
        self._plugins[source.name] = (source, load(source.name, source.entry))

    @property
    def plugins(self) -> Sequence[LoadedPlugin]:
        """The plugins in the order of their names."""
        return [plugin for _, (_, plugin) in sorted(self._plugins.items())]

    def steps(self, kinds: Iterable[str] = STEP_KINDS) -> Iterator[Found]:
        """Every component of these kinds, in the order of the names."""
        for name in sorted(self._plugins):
            source, plugin = self._plugins[name]
            for kind in kinds:
                for _, component in sorted(getattr(plugin, kind).items()):
                    yield Found(source=source, plugin=plugin, kind=kind, component=component)

    def find(self, name: str, kinds: Iterable[str] = STEP_KINDS) -> Found:
        """Returns the component `<plugin>.<name>`.

        Raises:
            LeptonError: there is none; the near miss is named.
        """
        kinds = tuple(kinds)
        found = {step.name: step for step in self.steps(kinds)}
        if name in found:
            return found[name]
        plugin = name.partition(".")[0]
        what = f"{STEP_KINDS[kinds[0]] if len(kinds) == 1 else 'pass'} {name}"
        if plugin in self._plugins or near_miss(name, found):
            raise LeptonError(what, "there is no such one", suggestion(name, found))
        loaded = ", ".join(sorted(self._plugins)) or "none"
        raise LeptonError(what, f"there is no plugin {plugin!r} here; there is {loaded}", _GET_PLUGINS)

    def chip(self, name: str | Mapping[str, Any] | None) -> Chip | None:
        """Returns the chip that a target's name names, `cpu_vnni` or `onnxruntime.cpu_vnni`, or that facts describe.

        Raises:
            LeptonError: no plugin has such a target, or two have.
        """
        if not isinstance(name, str):
            return None if name is None else Chip.from_json(name)
        targets: dict[str, Target] = {
            f"{plugin.name}.{target}": plugin.targets[target] for plugin in self.plugins for target in plugin.targets
        }
        found = [full for full in targets if name in (full, full.partition(".")[2])]
        what = f"hardware {name}"
        if not found:
            short = sorted({full.partition(".")[2] for full in targets})
            raise LeptonError(
                what, "no plugin here has such a target", suggestion(name, short) if short else _GET_PLUGINS
            )
        if len(found) > 1:
            raise LeptonError(what, "several plugins have such a target", f"Write {' or '.join(found)}")
        target = targets[found[0]]
        return Chip(
            facts=HardwareFacts(
                target=target.name,
                runtime=target.runtime,
                capabilities=frozenset(target.capabilities),
                options=dict(target.options),
            ),
            accepts=target.accepts,
            pass_defaults=target.pass_defaults,
        )

    def importer_of(self, kind: type) -> tuple[Found, str] | None:
        """Returns the importer that takes objects of a class, or of one that it is derived from, and what writes one.

        Raises:
            LeptonError: two importers do.
        """
        for base in kind.__mro__:
            name = f"{base.__module__}.{base.__qualname__}"
            found = [
                (step, step.component.saves[name])
                for step in self.steps(["importers"])
                if isinstance(step.component, Importer) and name in step.component.saves
            ]
            if len(found) > 1:
                both = " and ".join(step.name for step, _ in found)
                raise LeptonError(f"model of class {name}", f"{both} both take it", "Name one as importer")
            if found:
                return found[0]
        return None

    def loader_of(self, format: str) -> str | None:
        """Returns the `module:function` that brings a model of a format into memory, if a plugin has one."""
        for step in self.steps(["importers"]):
            if isinstance(step.component, Importer) and step.component.produces == format and step.component.loads:
                return step.component.loads
        return None


def installed() -> list[PluginSource]:
    """The plugins of installed distributions."""
    names = {point.name for found in distributions.installed() for point in found.plugins}
    return [PluginSource(name=name) for name in sorted(names)]
