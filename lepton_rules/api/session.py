"""The plugins of this Python session."""

from __future__ import annotations

import sys
from pathlib import Path

from lepton_rules.recipe.catalog import Catalog, PluginSource, installed


class Session:
    """Loads plugins when the first is asked for."""

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._sources: dict[str, PluginSource] = {}

    def catalog(self) -> Catalog:
        """The plugins of installed distributions, and those that `use` named."""
        if self._catalog is None:
            sources = {source.name: source for source in installed()} | self._sources
            self._catalog = Catalog(sources[name] for name in sorted(sources))
        return self._catalog

    def add(self, source: PluginSource) -> None:
        """Adds a plugin, or says anew where one is. Raises LeptonError, and forgets it, where it is broken."""
        before = dict(self._sources)
        self._sources[source.name] = source
        self._catalog = None
        try:
            self.catalog()
        except Exception:
            self._sources = before
            raise


SESSION = Session()


def use(name: str, *directories: str | Path, entry: str | None = None, python: str | Path | None = None) -> None:
    """Names a plugin that is in no installed distribution, or that another Python has the libraries of.

    Args:
        name: the plugin's name.
        *directories: what it is imported from; none for a plugin of an installed distribution.
        entry: its entry module; `lepton_plugin_<name>` where directories are given.
        python: the Python that runs it; this one.

    Raises:
        LeptonError: it is broken, or not there.
    """
    SESSION.add(
        PluginSource(
            name=name,
            entry=entry or (f"lepton_plugin_{name}" if directories else ""),
            paths=tuple(Path(directory).absolute() for directory in directories),
            python=str(python or sys.executable),
        )
    )
