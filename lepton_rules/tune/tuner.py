"""A search from its first batch to its last: propose, build in one invocation, measure while nothing builds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tune.bazel import Built
from lepton_rules.tune.measurer import Measurement
from lepton_rules.tune.objective import Objective
from lepton_rules.tune.space import Candidate, Space
from lepton_rules.tune.state import State
from lepton_rules.tune.targets import Targets
from lepton_rules.tune.trial import MEASURED, PRUNED, REFUSED, Trial, facts, model_directory, require

_RECIPE = "recipe"


class Proposing(Protocol):
    """What `study.Study` is."""

    trials: list[Trial]

    def ask(self, count: int) -> list[Candidate]: ...

    def tell(self, record: Trial) -> None: ...


class Building(Protocol):
    """What `bazel.Bazel` is."""

    def build(self, targets: Sequence[str], options: Sequence[str], events: Path) -> Built: ...


class Measuring(Protocol):
    """What `measurer.Measurer` is."""

    def measure(
        self, baseline: Path, candidate: Path, digests: tuple[str, str], pairs: int | None = None
    ) -> Measurement: ...


@dataclass(kw_only=True)
class Cost:
    """What a search did."""

    builds: int = 0
    actions: int = 0
    cached: int = 0


@dataclass(kw_only=True)
class Tuner:
    """A search.

    Attributes:
      say: takes a line for each trial.
      advance: takes how many more trials are done.
      aside: is entered while Bazel builds, and prints what it likes.
      models: folders of models that this run built, by digest.
      baseline, recipe: what the trials are compared with, known once `references` has run.
    """

    space: Space
    objective: Objective
    bazel: Building
    measurer: Measuring
    state: State
    say: Callable[[str], None]
    advance: Callable[[int], None] = lambda count: None
    aside: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    cost: Cost = field(default_factory=Cost)
    models: dict[str, Path] = field(default_factory=dict)
    baseline: Trial | None = None
    recipe: Trial | None = None

    def __post_init__(self) -> None:
        self.targets = Targets(self.space)
        self._trials = self.space.facts["trials"].partition("//")[0].lstrip("@")

    def references(self) -> None:
        """Builds and measures what trials are compared with: the model without passes, and the recipe as it is.

        Raises:
          LeptonError: one of them cannot be built, or has not what the objective names.
        """
        (self.recipe,) = self._evaluate({_RECIPE: Candidate(without=(), changes={})}, [])

    def run(self, study: Proposing, trials: int, batch: int) -> None:
        """Searches until the study has that many trials, or there is nothing left to try."""
        while (wanted := min(batch, trials - len(study.trials))) > 0:
            candidates = study.ask(wanted)
            if not candidates:
                self.say("every point of the space was tried")
                return
            first = len(study.trials) + 1
            named = {str(first + offset): candidate for offset, candidate in enumerate(candidates)}
            for trial in self._evaluate(named, study.trials):
                study.tell(trial)
                self.advance(1)
            if len(candidates) < wanted:
                self.say("every point of the space was tried")
                return

    def duel(self, one: Trial, other: Trial, pairs: int) -> Measurement | None:
        """`one` measured against `other` directly; None where they are the same model."""
        if one.digest == other.digest:
            return None
        missing = [trial.candidate for trial in (one, other) if trial.digest not in self.models]
        if missing:
            for trial, files in zip((one, other), self._built([one.candidate, other.candidate])[0], strict=True):
                if files:
                    self.models[trial.digest] = model_directory(files)
        return self.measurer.measure(
            self.models[other.digest], self.models[one.digest], (other.digest, one.digest), pairs
        )

    def _evaluate(self, named: dict[str, Candidate], before: Sequence[Trial]) -> Iterator[Trial]:
        """Trials of candidates by name, in their order; each as soon as it is known, for a search may be interrupted.

        Args:
          before: those that are known, which may grow meanwhile.
        """
        first = self.baseline is None
        files, errors = self._built(([self.space.baseline()] if first else []) + list(named.values()))
        if first:
            self.baseline = self._baseline(files[0], errors)
            files = files[1:]
        for (name, candidate), outputs in zip(named.items(), files, strict=True):
            if outputs is None and name == _RECIPE:
                raise self._unbuilt("the recipe", errors, candidate)
            known = [t for t in (self.baseline, self.recipe, *before) if t is not None]
            trial = self._trial(name, candidate, outputs, errors, known)
            yield trial
            self._told(trial)

    def _baseline(self, outputs: Sequence[Path] | None, errors: Sequence[str]) -> Trial:
        candidate = self.space.baseline()
        if outputs is None:
            raise self._unbuilt("the model without passes", errors, candidate)
        digest, values = facts(outputs, None)
        require(values, self.objective, self.space.facts["artifact"])
        self.models[digest] = model_directory(outputs)
        trial = Trial(name="baseline", candidate=candidate, outcome=MEASURED, digest=digest, values=values)
        trial = trial.with_speedup(1.0, None)
        self._told(trial)
        return trial

    def _trial(
        self,
        name: str,
        candidate: Candidate,
        outputs: Sequence[Path] | None,
        errors: Sequence[str],
        known: Sequence[Trial],
    ) -> Trial:
        assert self.baseline is not None
        if outputs is None:
            why = self._reason(errors, candidate)
            return Trial(name=name, candidate=candidate, outcome=REFUSED, why=why)
        digest, values = facts(outputs, self.baseline.values)
        self.models[digest] = model_directory(outputs)
        trial = Trial(name=name, candidate=candidate, outcome=MEASURED, digest=digest, values=values)
        broken = self.objective.violations(values, cheap=True)
        if broken and name != _RECIPE:
            return replace(trial, outcome=PRUNED, why="breaks " + ", ".join(sorted(broken)))
        if not self.objective.measured:
            return trial
        for other in known:
            if other.digest == digest and other.outcome == MEASURED and "speedup" in other.values:
                same = "the same model as " + (f"trial {other.name}" if other.name.isdecimal() else f"the {other.name}")
                return trial.with_speedup(other.values["speedup"], other.interval, same)
        try:
            measured = self.measurer.measure(
                self.models[self.baseline.digest], self.models[digest], (self.baseline.digest, digest)
            )
        except LeptonError as error:
            if name == _RECIPE:
                raise
            return replace(trial, outcome=REFUSED, why=error.why)
        why = ""
        if not measured.clear:
            why = f"not clear, its lower bound counts: {measured.unstable or 'the bounds are wide'}"
        return trial.with_speedup(measured.counted, measured.interval, why)

    def _built(self, candidates: Sequence[Candidate]) -> tuple[list[Sequence[Path] | None], Sequence[str]]:
        """The outputs of each candidate, None where it was not built, and the errors of the invocation."""
        folder = self.state.batch(self.targets.build_file(candidates))
        names = [self.targets.chain(candidate)[-1].name for candidate in candidates]
        labels = [f"@@{self._trials}//:{name}" for name in names]
        with self.aside():
            built = self.bazel.build(
                list(dict.fromkeys(labels)), [f"--override_repository={self._trials}={folder}"], self.state.events
            )
        self.cost.builds += 1
        self.cost.actions += built.actions
        self.cost.cached += built.cached
        return [built.files.get(label) or None for label in labels], built.errors

    def _reason(self, errors: Sequence[str], candidate: Candidate) -> str:
        names = [node.name for node in self.targets.chain(candidate)]
        mine = [error for error in errors if any(name in error for name in names)]
        text = next(iter(mine), "it was not built; the output of Bazel says why")
        # Without the name of a target that nobody knows.
        head, marker, rest = text.removeprefix("lepton: ").partition(f" in @@{self._trials}//:")
        return f"{head}: {rest.partition(': ')[2]}" if marker else head

    def _unbuilt(self, what: str, errors: Sequence[str], candidate: Candidate) -> LeptonError:
        return LeptonError(
            "tune",
            f"{what} was not built ({self._reason(errors, candidate)})",
            "Mend it: there is nothing to compare trials with",
            self.space.facts["artifact"],
        )

    def _told(self, trial: Trial) -> None:
        from lepton_rules.tune.report import line

        self.say(line(trial, self.space, self.objective))
