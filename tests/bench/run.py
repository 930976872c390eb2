"""Measures the bars of lepton_rules on this machine: `python3 tests/bench/run.py [--only=noop,worker] [--json=FILE]`.

Prints a table and writes JSON. Exits with 1 when a bar is missed, and with 2 when one could not be measured. Ratios are
measured side by side in one run; run it on a machine that does nothing else. It takes about 25 minutes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness.bar import Bar, Options
from harness.bazel import Broken

BARS = ("analysis", "environment_inputs", "worker", "noop", "same_bytes", "memory", "fresh_build")


def main(arguments: list[str]) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(BARS), help="bars, by comma")
    parser.add_argument("--json", type=Path, help="where the JSON goes; default: results.json in the folder")
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    parser.add_argument("--folder", type=Path, default=Path(cache) / "lepton_rules" / "bench", help="for its outputs")
    options = parser.parse_args(arguments)
    wanted = options.only.split(",")
    if unknown := sorted(set(wanted) - set(BARS)):
        parser.error(f"no bar is called {unknown[0]}; there are {', '.join(BARS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    found: list[Bar] = []
    broken = []
    for name in wanted:
        try:
            found += importlib.import_module(f"bars.{name}").measure(Options(folder=options.folder))
        except Broken as error:
            broken.append(name)
            print(f"{name}: not measured: {error}", file=sys.stderr)
    rows = [["bar", "goal", "measured", "verdict", "how"], *(bar.row() for bar in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    report = {"machine": {"cores": os.cpu_count(), "machine": platform.machine()}, "bars": [b.to_json() for b in found]}
    target = options.json or options.folder / "results.json"
    target.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"JSON: {target}")
    return 2 if broken else 0 if all(bar.holds for bar in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
