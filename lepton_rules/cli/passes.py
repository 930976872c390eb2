"""lists what the plugins offer"""

from __future__ import annotations

import argparse
import json

from lepton_rules.cli import options
from lepton_rules.plugin.describe import describe, doc_of
from lepton_rules.plugin.descriptors import Importer
from lepton_rules.plugin.errors import LeptonError

_KINDS = ("passes", "exporters", "importers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print everything that the plugins register, as JSON")
    options.add_plugins(parser)


def main(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    catalog = options.catalog(arguments)
    if arguments.json:
        print(json.dumps([describe(plugin) for plugin in catalog.plugins], indent=1, sort_keys=True))
        return 0
    if not catalog.plugins:
        raise LeptonError(
            "passes", "there is no plugin", "Install one's distribution, or name its directory: --plugin NAME=DIRECTORY"
        )
    for kind in _KINDS:
        rows = []
        for found in catalog.steps([kind]):
            component = found.component
            formats = (
                component.produces
                if isinstance(component, Importer)
                else f"{component.consumes} -> {component.produces}"
            )
            rows.append((found.name, formats, doc_of(component)))
        if rows:
            print(f"{kind}:")
            widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
            for name, formats, doc in rows:
                print(f"  {name:{widths[0]}}  {formats:{widths[1]}}  {doc}".rstrip())
    targets = [
        f"  {plugin.name}.{name}  {target.doc}"
        for plugin in catalog.plugins
        for name, target in sorted(plugin.targets.items())
    ]
    if targets:
        print("hardware:", *targets, sep="\n")
    return 0
