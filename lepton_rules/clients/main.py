"""Writes a client.

    launch -s -P lepton_rules/clients/main.py --label=//x:y_client --language=python --manifest=manifest.json
        --package=y_client --class_name=YClient --model_name=y --model_version= [--stem=… --include=…]
        --output=client.py=<path> …

`--output` names every file that the language has, and where it goes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.clients import write_cpp, write_java, write_python
from lepton_rules.clients.signature import signature
from lepton_rules.clients.writing import Files, Order
from lepton_rules.manifest import read
from lepton_rules.plugin.errors import LeptonError

WRITERS = {"cpp": write_cpp.write, "java": write_java.write, "python": write_python.write}


def files(arguments: argparse.Namespace) -> Files:
    """The client's files by name.

    Raises:
      LeptonError: the manifest is none, or has a tensor that cannot travel.
    """
    order = Order(
        signature=signature(read(arguments.manifest), arguments.model_name, arguments.model_version),
        package=arguments.package,
        class_name=arguments.class_name,
        stem=arguments.stem,
        include=arguments.include,
    )
    return WRITERS[arguments.language](order)


def main(flags: Sequence[str]) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--label", required=True)
    parser.add_argument("--language", choices=sorted(WRITERS), required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--package", required=True)
    parser.add_argument("--class_name", required=True)
    parser.add_argument("--model_name", required=True)
    parser.add_argument("--model_version", required=True)
    parser.add_argument("--stem", default="client")
    parser.add_argument("--include", default="client.h")
    parser.add_argument("--output", action="append", default=[])
    arguments = parser.parse_args(flags)
    paths = dict(output.split("=", 1) for output in arguments.output)
    try:
        written = files(arguments)
        if set(written) != set(paths):
            raise LeptonError(
                "client", f"its files are {sorted(written)}, and {sorted(paths)} are declared", "Report it"
            )
    except LeptonError as error:
        print(error.with_label(arguments.label), file=sys.stderr)
        return 1
    for name, text in written.items():
        Path(paths[name]).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
