"""runs one importer, pass or exporter, as the command in a manifest says

The result is DIR/model with DIR/manifest.json beside it. Nothing is at DIR unless all went well.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lepton_rules.cli import options
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.recipe.plan import resolve
from lepton_rules.recipe.reading import RecipeStep
from lepton_rules.recipe.running import Call, OnDisk, Run, Sources, import_to


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("step", metavar="PLUGIN.NAME", help="an importer, a pass or an exporter")
    parser.add_argument("--config", default="{}", metavar="JSON", help="its options; see lepton explain")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the result goes")
    options.add_hardware(parser)
    parser.add_argument("--isa", help="the instruction set class that this machine must have")
    parser.add_argument("--seed", type=int, default=0, help="of a pass that draws random numbers (0)")
    parser.add_argument("--threads", type=int, default=1, help="to compute with (1); sums depend on it")
    group = parser.add_argument_group("of a pass or an exporter")
    group.add_argument("--model", type=Path, metavar="DIR", help="the model: a step's directory")
    options.add_bindings(parser)
    group = parser.add_argument_group("of an importer")
    group.add_argument("--source", action="append", default=[], type=Path, metavar="FILE", help="a file of the model")
    group.add_argument("--weights", action="append", default=[], type=Path, metavar="FILE", help="a file of weights")
    group.add_argument(
        "--root",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="where Python sources are imported from (.)",
    )
    group.add_argument("--allow_code", action="store_true", help="code that is stored in the model's files may run")
    options.add_plugins(parser)


def main(arguments: argparse.Namespace) -> int:
    """Runs the command."""
    plugins = options.catalog(arguments)
    found = plugins.find(arguments.step)
    chip = options.chip(arguments.hardware, plugins)
    call = Call(label="lepton step", chip=chip, isa=arguments.isa, seed=arguments.seed, threads=arguments.threads)
    config = options.json_object(arguments.config, "--config")
    planned = resolve(found, RecipeStep(name=found.name, config=config), chip if found.kind != "importers" else None)
    out = arguments.out.absolute()
    importing = found.kind == "importers"
    wrong = [key for key in ("model", "dataset", "slot") if getattr(arguments, key)]
    if not importing:
        wrong = [key for key in ("source", "weights", "root", "allow_code") if getattr(arguments, key)]
    if wrong:
        kind = "an importer" if importing else "no importer"
        raise LeptonError(f"--{wrong[0]}", f"{found.name} is {kind}, which takes none", "Leave it out")
    if importing:
        if not (arguments.source or arguments.weights):
            raise LeptonError(found.name, "there is nothing to import", "Give --source or --weights")
        sources = Sources(
            sources=arguments.source,
            weights=arguments.weights,
            roots=arguments.root or [Path()],
            allow_code=arguments.allow_code,
        )
        made = import_to(call, found, planned.config, sources, out)
    else:
        if arguments.model is None:
            raise LeptonError(found.name, "there is no model", "Give --model")
        bindings = options.bindings(arguments)
        run = Run(call=call, model=OnDisk.find(arguments.model), steps=[planned], bindings=bindings)
        made = list(run.write(out))[-1][1]
    manifest = made.manifest()
    print(f"{found.name}\t{manifest['bytes']:,} bytes\t{manifest['digest']}\t{made.path}")
    return 0
