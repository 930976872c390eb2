"""runs a recipe on a model

Each step is a process of its own, as in Bazel. The last step's model is DIR/model with DIR/manifest.json beside it, the
others' are DIR/steps/NUMBER_PASS. Nothing is at DIR unless all went well.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lepton_rules.cli import options
from lepton_rules.recipe import plan, reading
from lepton_rules.recipe.running import Call, OnDisk, Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("recipe", type=Path, help="a recipe.yaml")
    parser.add_argument("--model", required=True, type=Path, metavar="DIR", help="the model: a step's directory")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the result goes")
    options.add_bindings(parser)
    options.add_hardware(parser)
    parser.add_argument("--isa", help="the instruction set class to insist on, in place of the recipe's; any for none")
    options.add_plugins(parser)


def main(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    recipe = reading.read(arguments.recipe)
    plugins = options.catalog(arguments)
    model = OnDisk.find(arguments.model)
    before = model.manifest()
    chip = options.chip(arguments.hardware, plugins) or plugins.chip(recipe.hardware)
    isa = arguments.isa or recipe.isa
    run = Run(
        call=Call(
            label=str(arguments.recipe),
            chip=chip,
            isa=None if isa == "any" else isa,
            seed=recipe.seed,
            threads=recipe.threads,
        ),
        model=model,
        steps=plan.plan(recipe, before["format"], chip, plugins, before["steps"]),
        bindings=options.bindings(arguments),
        announce=_say if sys.stderr.isatty() else lambda _: None,
    )
    # Where each step's model is can be told only when the last has gone well.
    for name, made in list(run.write(arguments.out.absolute())):
        manifest = made.manifest()
        print(f"{name}\t{manifest['bytes']:,} bytes\t{manifest['digest']}\t{made.path}")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)
