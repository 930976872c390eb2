"""Finds what has taken the place of packages that are gone from the mirrors.

    python3 -I -S -B newest.py '{"addresses": […], "suites": […], "packages": [lines of a lock]}' LABEL

The first argument is a file with that. Prints the lines as they would be locked now, from lists that the archive signs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).absolute().parents[4]))

from lepton_rules.private.debian.builder import index
from lepton_rules.private.debian.builder.closure import Catalog, closure
from lepton_rules.private.debian.builder.lock import Locked
from lepton_rules.private.environment.builder.refusal import Refusal


def newest(addresses: list[str], suites: list[str], packages: list[dict[str, str]]) -> list[Locked]:
    """The newest version of each of `packages` in `suites`."""
    found = []
    for architecture in sorted({package["architecture"] for package in packages}):
        catalog = Catalog()
        for suite in suites:
            catalog.add(index.read(addresses, suite, architecture).packages)
        names = [package["name"] for package in packages if package["architecture"] == architecture]
        found += [Locked.of(package, architecture) for package in closure(catalog, names, (), dependencies=False)]
    return found


def main(arguments: list[str]) -> int:
    """Prints the lines; 1 with a message when there are none."""
    try:
        print(json.dumps([vars(item) for item in newest(**json.loads(Path(arguments[0]).read_text(encoding="utf-8")))]))
    except Refusal as refusal:
        print(refusal.render(arguments[1]), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
