"""The program of the runnable `<artifact>.profile`: where time and memory go, and what to do about it.

    launch -s -P lepton_rules/profile/profile.py --label=//x:y.profile --artifact_label=//x:y --plugin=… --component=…
        --hardware={…} --model=… --model_manifest=… --dataset=….npz --identity=….json
        --step_manifest=<oldest> … --step_model=1=<directory> --step_model_manifest=1=<file> …
        [--batch=1] [--seconds=2] [--samples=32] [--json=FILE] [--trace=FILE] [--quiet]

Everything is measured in this process but memory, which has a process of its own (`--part=memory`).
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import math
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import canonical_json, read
from lepton_rules.measure.files import write_atomically
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.profile import memory
from lepton_rules.profile.advice import Advice, advise
from lepton_rules.profile.evidence import Profile
from lepton_rules.profile.observe import StepModel, Wanted, observe
from lepton_rules.profile.subject import Parser, Subject, own_flags, subject, user_path
from lepton_rules.profile.text import text
from lepton_rules.profile.trace import trace


def parser(what: str) -> Parser:
    """The command line."""
    made = Parser(what)
    made.add_argument("--step_manifest", type=Path, action="append", default=[], help=argparse.SUPPRESS)
    made.add_argument("--step_model", action="append", default=[], help=argparse.SUPPRESS)
    made.add_argument("--step_model_manifest", action="append", default=[], help=argparse.SUPPRESS)
    made.add_argument("--part", choices=("all", "memory"), default="all", help=argparse.SUPPRESS)
    made.add_argument("--seconds", type=float, default=2.0, help="of inferences in turns, and half of that alone (2)")
    made.add_argument("--samples", type=int, default=32, help="for sensitivity; 0 for none (32)")
    made.add_argument("--json", default="", metavar="FILE", help="where to write the figures as JSON")
    made.add_argument("--trace", default="", metavar="FILE", help="where to write the trace for Perfetto")
    made.add_argument("--quiet", action="store_true", help="print the paths alone")
    return made


def main(flags: Sequence[str]) -> int:
    """Prints the profile; the exit status is 1 where there is none."""
    label = next((flag.partition("=")[2] for flag in flags if flag.startswith("--label=")), "an unnamed artifact")
    try:
        arguments = parser(label).parse_args(flags)
        _check(arguments)
        subjected = subject(arguments)
        if arguments.part == "memory":
            for module in filter(None, arguments.preload.split(",")):
                importlib.import_module(module)  # else loading the model would pay for it
            batch = subjected.batches(1)[0]
            found = memory.observe(lambda: _loaded(subjected, batch))
            print(json.dumps(dataclasses.asdict(found)))
            return 0
        wanted = Wanted(seconds=arguments.seconds, samples=arguments.samples)
        profile, events = observe(subjected, _steps(arguments, subjected), wanted, lambda: _memory(flags))
        advice = advise(profile)
        if not arguments.quiet:
            print(text(profile, advice), flush=True)
        if events:
            path = user_path(arguments.trace) if arguments.trace else _trace_path(profile)
            write_atomically(path, trace(profile.label, events, profile.nodes))
            print(f"trace for https://ui.perfetto.dev: {path}")
        if arguments.json:
            path = user_path(arguments.json)
            write_atomically(path, profile_json(profile, advice).encode())
            print(f"figures: {path}")
    except LeptonError as error:
        print(error.with_label(label), flush=True)
        return 1
    return 0


def profile_json(profile: Profile, advice: Sequence[Advice]) -> str:
    """The JSON twin: see profile.schema.json."""
    return canonical_json({**profile.to_json(), "advice": [one.to_json() for one in advice]})


def _check(arguments: argparse.Namespace) -> None:
    if not (0 < arguments.seconds <= 600 and math.isfinite(arguments.seconds)):
        raise LeptonError("--seconds", f"it is {arguments.seconds}", "Give more than 0 and at most 600")
    if not 0 <= arguments.samples <= 4096:
        raise LeptonError("--samples", f"it is {arguments.samples}", "Give 0 to 4096")


def _steps(arguments: argparse.Namespace, subject: Subject) -> list[StepModel]:
    models = dict(flag.split("=", 1) for flag in arguments.step_model)
    manifests = dict(flag.split("=", 1) for flag in arguments.step_model_manifest)
    found = []
    for number, path in enumerate(arguments.step_manifest, start=1):
        manifest, runs = read(path), None
        if str(number) in models:
            own = read(Path(manifests[str(number)])) if str(number) in manifests else manifest
            runs = (Path(models[str(number)]), own) if own["format"] in subject.consumes else None
        found.append(StepModel(manifest=manifest, runs=runs))
    return found


def _memory(flags: Sequence[str]) -> memory.Memory:
    return memory.observe_elsewhere(Path(__file__), [*own_flags(flags), "--part=memory"])


def _loaded(subject: Subject, batch: dict[str, Any]) -> Callable[[], object]:
    runtime = subject.runtime(subject.context())
    return lambda: runtime.run(batch)


def _trace_path(profile: Profile) -> Path:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", profile.label).strip("_")
    return Path(tempfile.mkdtemp(prefix="lepton-profile-")) / f"{name}.trace.json"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
