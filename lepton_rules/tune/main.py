"""The program of the runnable `<artifact>.tune`.

    bazel run //models:x.tune -- --trials 40 --objective "latency; accuracy_drop<=0.005"

See docs/tuning.md.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.measure import paired
from lepton_rules.measure.files import write_atomically
from lepton_rules.measure.verdict import show
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tune import bazel as bazel_of_user
from lepton_rules.tune.lock_file import constructor_file, has_constructors, lock_text
from lepton_rules.tune.measurer import Measurement, Measurer
from lepton_rules.tune.objective import Objective, parse, quantities
from lepton_rules.tune.progress import Progress
from lepton_rules.tune.report import changes, report
from lepton_rules.tune.space import Space
from lepton_rules.tune.state import State, default_folder
from lepton_rules.tune.trial import Trial, front
from lepton_rules.tune.tuner import Tuner

_INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LeptonError("tune", message, "See --help")


def parser() -> argparse.ArgumentParser:
    """The command line. The flags that the rule gives are not shown."""
    made = _Parser(
        prog="bazel run :<artifact>.tune --",
        allow_abbrev=False,
        description="Searches what a recipe leaves open, and writes what it found as a recipe.",
    )
    for flag in ("space", "identity", "runtime", "program"):
        made.add_argument(f"--{flag}", type=Path, required=True, help=argparse.SUPPRESS)
    made.add_argument("--dataset", default="", help=argparse.SUPPRESS)
    made.add_argument("--python_path", action="append", default=[], help=argparse.SUPPRESS)
    made.add_argument("--trials", type=int, default=20, help="how many, those of earlier runs included (20)")
    made.add_argument("--objective", help='goals and constraints, such as "latency; accuracy_drop<=0.005"')
    made.add_argument("--seed", type=int, default=0, help="of what is proposed (0)")
    made.add_argument("--batch", type=int, default=os.cpu_count() or 1, help="trials in one build (the cores)")
    made.add_argument("--pairs", type=int, default=60, help="pairs of a measurement (60)")
    made.add_argument("--seconds", type=float, default=6.0, help="at most for those pairs (6)")
    made.add_argument("--inference_batch", type=int, default=1, help="samples in a measured inference (1)")
    made.add_argument("--state", type=Path, help="folder of what was found out, for the next run")
    made.add_argument("--output", type=Path, help="the lock file (<name>.lock.bzl beside the BUILD file)")
    made.add_argument("--pick", help="the trial of the front to lock (the best in the first goal)")
    made.add_argument("--dry_run", action="store_true", help="print the space, and build nothing")
    made.add_argument("--bazel", help="a Bazel instead of the one that runs this")
    made.add_argument("--startup_option", action="append", default=[], help="of Bazel (repeat)")
    made.add_argument("--build_option", action="append", default=[], help="of Bazel's builds (repeat)")
    return made


def main(flags: Sequence[str]) -> int:
    """Searches. The exit status is 1 when there is no result."""
    try:
        arguments = parser().parse_args(flags)
        _check(arguments)
        return _tune(arguments)
    except LeptonError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        # A full disk, a folder that is read-only, a file that somebody took away meanwhile.
        where = f"{error.filename}: " if error.filename else ""
        fix = "Mend that, and run it again: it goes on where it was"
        print(LeptonError("tune", f"{where}{error.strerror or error}", fix), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lepton: tune: interrupted. Run it again: it goes on where it was.", file=sys.stderr)
        return _INTERRUPTED


def _check(arguments: argparse.Namespace) -> None:
    for name, least in {"trials": 1, "batch": 1, "pairs": 1, "inference_batch": 1, "seed": 0}.items():
        if getattr(arguments, name) < least:
            raise LeptonError("tune", f"--{name} is {getattr(arguments, name)}", f"Give at least {least}")
    if not 0 < arguments.seconds <= 3600:
        raise LeptonError("tune", f"--seconds is {arguments.seconds}", "Give more than 0, and at most 3600")


def _tune(arguments: argparse.Namespace) -> int:
    facts = parse_json(arguments.space.read_text("utf-8"))
    space = Space(facts)
    known = quantities(facts["metrics"])
    if arguments.objective is None:
        if "accuracy_drop" not in known:
            raise LeptonError(
                "objective",
                "the artifact has no metric accuracy to hold it to",
                f"Give --objective of {', '.join(sorted(known))}",
                facts["artifact"],
            )
        arguments.objective = "latency; accuracy_drop<=0.005"
    objective = parse(arguments.objective, known)
    for note in space.dropped:
        print(f"not searched: {note}")
    if not space.parameters:
        raise LeptonError(
            "search", "there is nothing to search", "Declare search in the recipe or the artifact", facts["artifact"]
        )
    size = "uncountable" if space.size is None else f"{space.size:,} points"
    print(f"{facts['artifact']}: {objective}; {len(space.parameters)} parameters, {size}")
    for name, values in space.describe():
        print(f"  {name}: {values}")
    if arguments.dry_run:
        return 0

    bazel = bazel_of_user.of_user(
        arguments.program,
        bazel=arguments.bazel,
        startup=arguments.startup_option,
        options=arguments.build_option,
    )
    output = _output(arguments, facts["package"], facts["name"], facts["repository"], bazel.workspace)
    state = State((arguments.state and _where(arguments.state)) or default_folder(facts, bazel.workspace, os.environ))
    measurer = Measurer(
        facts,
        launcher=arguments.runtime,
        python_path=arguments.python_path,
        identity=arguments.identity,
        dataset=Path(arguments.dataset) if arguments.dataset else None,
        memory=state.measured,
        batch=arguments.inference_batch,
        pairs=arguments.pairs,
        seconds=arguments.seconds,
    )
    with state.locked(), Progress(arguments.trials, sys.stderr) as progress:
        tuner = Tuner(
            space=space,
            objective=objective,
            bazel=bazel,
            measurer=measurer,
            state=state,
            say=progress.say,
            advance=progress.advance,
            aside=progress.aside,
        )
        tuner.references()
        assert tuner.baseline is not None and tuner.recipe is not None
        from lepton_rules.tune.study import Study

        study = Study(
            space,
            objective,
            storage=state.journal,
            name=study_name(space, objective, tuner.baseline, arguments),
            seed=arguments.seed,
            trials=arguments.trials,
        )
        if study.trials:
            progress.say(f"{len(study.trials)} trials are known from an earlier run ({state.folder})")
        progress.advance(min(len(study.trials), arguments.trials))
        tuner.run(study, arguments.trials, arguments.batch)
        chosen, duel = _choose(arguments, tuner, study.trials, objective)
    print()
    print(report(study.trials, [tuner.baseline, tuner.recipe], space, objective, chosen))
    print(
        f"{len(study.trials)} trials; this run: {tuner.cost.builds} builds, {tuner.cost.actions} actions run, "
        f"{tuner.cost.cached} from caches, {measurer.asked} measurements; state in {state.folder}"
    )
    if chosen is None:
        raise LeptonError(
            "tune", "no trial keeps the constraints", "Loosen them, widen the space, or try more", facts["artifact"]
        )
    if duel:
        print(duel)
    if chosen.name == "recipe":
        print("The recipe as it is stays the choice; --pick takes another one of the front.")
    _write(output, chosen, duel, space, objective, tuner, bazel, arguments)
    return 0


def _choose(
    arguments: argparse.Namespace, tuner: Tuner, trials: Sequence[Trial], objective: Objective
) -> tuple[Trial | None, str]:
    """The trial that is locked, and what a direct comparison with the recipe says."""
    assert tuner.recipe is not None
    best = front([tuner.recipe, *trials], objective)
    if arguments.pick is not None:
        picked = [trial for trial in best if trial.name == arguments.pick]
        if not picked:
            names = ", ".join(trial.name for trial in best) or "none"
            raise LeptonError("tune", f"{arguments.pick} is not on the front", f"Pick one of {names}")
        return picked[0], _versus(tuner, picked[0], arguments.pairs)[0] if objective.measured else ""
    if not best:
        return None, ""
    if not objective.measured or objective.violations(tuner.recipe.values):
        return best[0], ""
    if not objective.goals[0].measured or best[0].name == "recipe":
        return best[0], ""
    said, measured = _versus(tuner, best[0], arguments.pairs)
    if measured is not None and (measured.interval is None or measured.interval[0] <= 1):
        # The best of many measurements is partly the luckiest: it must beat the recipe once more, face to face.
        return tuner.recipe, said
    return best[0], said


def _versus(tuner: Tuner, trial: Trial, pairs: int) -> tuple[str, Measurement | None]:
    assert tuner.recipe is not None
    measured = tuner.duel(trial, tuner.recipe, 2 * pairs)
    if measured is None:
        return f"{_named(trial)} is the same model as the recipe.", None
    bounds = (
        "no bounds"
        if measured.interval is None
        else f"{show(measured.interval[0], 4)} to {show(measured.interval[1], 4)}"
    )
    proven = measured.interval is not None and measured.interval[0] > 1
    return (
        f"{_named(trial)} against the recipe as it is, in {measured.pairs} pairs: {show(measured.speedup, 4)} times "
        f"its speed ({bounds}); {'it is faster' if proven else 'not proven to be faster'}.",
        measured,
    )


def _write(
    output: Path,
    chosen: Trial,
    duel: str,
    space: Space,
    objective: Objective,
    tuner: Tuner,
    bazel: bazel_of_user.Bazel,
    arguments: argparse.Namespace,
) -> None:
    facts = space.facts
    assert tuner.baseline is not None
    constructors = {
        step["plugin_label"]: has_constructors(
            constructor_file(step["plugin_label"], workspace=bazel.workspace, output_base=bazel.output_base),
            step["plugin"],
        )
        for step in space.steps
    }
    values = ", ".join(f"{quantity.name} {show(chosen.values[quantity.name], 4)}" for quantity in objective.quantities)
    found = [
        f"The recipe that a search found for {facts['artifact']}. Review it like any other; builds never search.",
        f"    bazel run {facts['artifact']}.tune -- --trials {arguments.trials} --seed {arguments.seed} "
        f'--objective "{objective}"',
        "",
        f"{_named(chosen)}, after {arguments.trials} trials: {changes(space, chosen.candidate)}.",
        f"{values}, against the model without passes." + (f" {duel}" if duel else ""),
    ]
    text = lock_text(space, chosen.candidate, found=found, has_constructor=constructors)
    same = output.exists() and output.read_text("utf-8") == text
    if not same:
        write_atomically(output, text.encode())
    print(f"{output}: {'as it was' if same else 'written'}, {_named(chosen)}")


def _named(trial: Trial) -> str:
    return f"Trial {trial.name}" if trial.name.isdecimal() else f"The {trial.name}"


def study_name(space: Space, objective: Objective, baseline: Trial, arguments: argparse.Namespace) -> str:
    """One study for what makes its values comparable."""
    content = {
        "baseline": baseline.digest,
        "batch": arguments.inference_batch,
        "identity": arguments.identity.read_text("utf-8"),
        "method": paired.METHOD,
        "objective": str(objective),
        "seed": arguments.seed,
        "space": space.digest,
    }
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


def _output(arguments: argparse.Namespace, package: str, name: str, repository: str, workspace: Path) -> Path:
    if arguments.output is not None:
        return _where(arguments.output)
    if repository:
        raise LeptonError("tune", "the artifact is in another module", "Say where the lock goes with --output")
    return workspace / package / f"{name}.lock.bzl"


def _where(path: Path) -> Path:
    """A path of the user, who stands where `bazel run` was typed."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", ".")) / path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
