"""Measures the bars of lepton_rules on this machine, and prints a table and JSON.

Run it on a machine that does nothing else: each ratio is measured side by side, but nothing is fair on a busy one.
Exits with 1 when a bar is missed, and with 2 when one could not be measured. All of it takes about half an hour.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

from harness.bar import Bar, Options
from harness.bazel import Broken, project_rc
from harness.machine import facts
from harness.table import table


def _bars() -> dict[str, bool]:
    """Every module of `bars` that measures, and whether it needs --full, or --only: it says `FULL = True`."""
    found = {}
    for path in sorted((Path(__file__).parent / "bars").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "\ndef measure(" in text:
            found[path.stem] = "\nFULL = True\n" in text
    return found


def _arguments(words: list[str]) -> argparse.Namespace:
    known = _bars()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="BAR,BAR", help=f"of {', '.join(known)}")
    long = ", ".join(name for name, full in known.items() if full)
    parser.add_argument("--full", action="store_true", help=f"also {long}")
    parser.add_argument("--warm-cache", action="store_true", help="builds from nothing use packages fetched before")
    parser.add_argument("--json", type=Path, help="where the JSON goes; default: results.json in the folder")
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    parser.add_argument("--folder", type=Path, default=Path(cache) / "lepton_rules" / "bench", help="for all outputs")
    options = parser.parse_args(words)
    options.bars = [name for name, full in known.items() if options.full or not full]
    if options.only:
        options.bars = options.only.split(",")
    if unknown := [name for name in options.bars if name not in known]:
        parser.error(f"no bar is called {unknown[0]!r}; there are {', '.join(known)}")
    return options


def main(words: list[str]) -> int:
    """Measures and prints."""
    arguments = _arguments(words)
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    options = Options(folder, project_rc(folder), arguments.warm_cache)
    machine = facts()
    if machine["load"] > 0.5:
        print(
            f"This machine is busy: its load is {machine['load']:.1f}. Its figures are no verdict on lepton_rules.",
            file=sys.stderr,
        )
    found: list[Bar] = []
    broken = {}
    for name in arguments.bars:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            found += importlib.import_module(f"bars.{name}").measure(options)
        except Broken as error:
            broken[name] = str(error)
            print(f"{name}: not measured: {error}", file=sys.stderr)
    rows = [["bar", "goal", "measured", "verdict", "how"], *(bar.row() for bar in found)]
    rows += [[name, "", "", "NOT MEASURED", why.splitlines()[0]] for name, why in broken.items()]
    print(table(rows))
    report = {"machine": machine, "bars": [bar.to_json() for bar in found], "not_measured": broken}
    target = arguments.json or folder / "results.json"
    target.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"JSON: {target}")
    return 2 if broken else 0 if all(bar.holds for bar in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
