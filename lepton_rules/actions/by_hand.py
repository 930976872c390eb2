"""The command that repeats an action by hand, `lepton step …`, as the manifest keeps it.

It is made from the action's own flags. Files are named after their place in the action: no path of this build or of
this machine is in it, so that a pass gives the same manifest wherever it runs.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lepton_rules.actions.arguments import Arguments
from lepton_rules.plugin.config import config_to_dict


def command(arguments: Arguments, component: str, config: Any) -> str:
    """Returns the command, one line of a shell.

    Args:
        arguments: the action's flags.
        component: `<plugin>.<importer, pass or exporter>`.
        config: its configuration, an object.
    """
    return shlex.join(["lepton", "step", component, *_flags(arguments, config)])


def one_line_json(value: Any) -> str:
    """Returns `value` as JSON with one spelling, without spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _flags(arguments: Arguments, config: Any) -> Iterator[str]:
    yield from ("--config", one_line_json(config_to_dict(config)))
    hardware = arguments.optional_json("hardware")
    if hardware is not None:
        yield from ("--hardware", one_line_json(hardware))
    for key, default in (("isa", None), ("seed", "0"), ("threads", "1")):
        value = arguments.optional(key)
        if value is not None and value != default:
            yield f"--{key}={value}"
    if arguments.boolean("allow_code", default=False):
        yield "--allow_code"
    for key in ("source", "weights"):
        for path in arguments.paths(key):
            yield f"--{key}={_place(path, arguments.paths('python_path'))}"
    if arguments.optional("model") is not None:
        yield "--model=model"
    for value in arguments.many("slot"):
        name, _, rest = value.partition("=")
        yield f"--dataset={name}={name}.npz" if rest.startswith("dataset=") else f"--slot={name}={name}"
    yield "--out=out"


def _place(path: Path, roots: list[Path]) -> str:
    """A source's name below the deepest directory that it is imported from; another file's own name."""
    above = [root for root in roots if path.suffix == ".py" and path.is_relative_to(root)]
    return str(path.relative_to(max(above, key=lambda root: len(root.parts)))) if above else path.name
