"""lepton: runs recipes and passes outside Bazel, byte for byte as it does."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import lepton_rules
from lepton_rules.cli import explain, passes, run, step
from lepton_rules.cli.options import Parser
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.recipe.running import StepError

_COMMANDS = (run, step, passes, explain)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0, 1 for what went wrong, 2 for a command line that is none."""
    parser = Parser(prog="lepton", description=__doc__, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"lepton {lepton_rules.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in _COMMANDS:
        name = module.__name__.rpartition(".")[2]
        doc = (module.__doc__ or "").strip()
        command = commands.add_parser(name, help=doc.splitlines()[0], description=doc, allow_abbrev=False)
        module.add_arguments(command)
        command.set_defaults(run=module.main)
    arguments = parser.parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except StepError as error:
        print(error, file=sys.stderr)
        sys.stderr.write(error.output)
        return 1
    except LeptonError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has enough of it.
        sys.stderr.close()
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
