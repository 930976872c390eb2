"""The search itself: Optuna proposes, and is told what became of it.

J. Bergstra et al., Algorithms for hyper-parameter optimization, NIPS 2011 (TPE), in its form for many goals: Y. Ozaki
et al., Multiobjective tree-structured Parzen estimator, JAIR 73, 2022. Constraints are told as how far they are broken.
The study is a file (Optuna's journal), so that a search that was interrupted goes on, and `optuna-dashboard` opens it.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tune.objective import Objective
from lepton_rules.tune.space import Candidate, Fixed, Parameter, Random, Space
from lepton_rules.tune.trial import MEASURED, PRUNED, Trial

_RECORD = "lepton"
_UNSEEN_TRIES = 1000
_SMALL = 100_000


class Study:
    """One search of one space for one objective; what an earlier run tried counts.

    Args:
      storage: the journal's file; studies of other spaces or objectives may be in it too.
      name: the same for a search that goes on.
      seed: of what is proposed.
      trials: how many there shall be at the end, to decide how many of them are drawn evenly first.

    Raises:
      LeptonError: the file is none of Optuna's.
    """

    def __init__(self, space: Space, objective: Objective, *, storage: Path, name: str, seed: int, trials: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # Of TPE's option `group`, which keeps alternatives apart.
        warnings.simplefilter("ignore", ExperimentalWarning)
        self.space = space
        self.objective = objective
        self._seed = seed
        _drop_half_a_line(storage)
        try:
            self._study = optuna.create_study(
                storage=JournalStorage(JournalFileBackend(str(storage))),
                study_name=name,
                directions=["minimize"] * len(objective.goals),
                load_if_exists=True,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise LeptonError(
                "tune",
                f"{storage} is no journal of a search ({error})",
                "Remove it, or give another folder with --state",
            ) from error
        for trial in self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            # From a run that was interrupted: it is proposed again when its turn comes.
            self._study.tell(trial.number, state=TrialState.FAIL)
        # Another run goes on with other draws, and the same run with the same.
        drawn = seed * 1_000_003 + len(self._study.trials)
        self._study.sampler = TPESampler(
            seed=drawn,
            n_startup_trials=min(10, max(4, trials // 4)),
            multivariate=True,
            group=True,
            constant_liar=True,
        )
        self._random = Random(drawn)
        self._open: dict[str, optuna.Trial] = {}
        self.trials = [
            Trial.of(json.loads(trial.user_attrs[_RECORD]))
            for trial in self._study.get_trials(deepcopy=False)
            if _RECORD in trial.user_attrs
        ]
        self._seen = {trial.candidate.key for trial in self.trials}

    def ask(self, count: int) -> list[Candidate]:
        """Up to `count` candidates that were not proposed before; fewer when there are no others."""
        found: list[Candidate] = []
        while len(found) < count:
            trial = self._study.ask()
            candidate = self.space.candidate(_Proposed(trial))
            if candidate.key in self._seen:
                # Told, not proposed again: what it would cost is known.
                self._study.tell(trial, state=TrialState.FAIL)
                answers = self._unseen()
                if answers is None:
                    break
                self._study.enqueue_trial(answers)
                continue
            self._seen.add(candidate.key)
            self._open[candidate.key] = trial
            found.append(candidate)
        return found

    def tell(self, record: Trial) -> None:
        """What became of a candidate that `ask` gave."""
        trial = self._open.pop(record.candidate.key)
        self.trials.append(record)
        trial.set_user_attr(_RECORD, json.dumps(record.as_json(), sort_keys=True))
        if record.outcome in (MEASURED, PRUNED):
            for constraint, by in self._distances(record).items():
                trial.set_constraint(constraint, by)
        if record.outcome == MEASURED:
            self._study.tell(trial, list(self.objective.goodness(record.values)))
        else:
            self._study.tell(trial, state=TrialState.PRUNED if record.outcome == PRUNED else TrialState.FAIL)

    def _distances(self, record: Trial) -> dict[str, float]:
        # What was not measured is not held against it.
        return {
            str(constraint): constraint.violation(record.values) if constraint.quantity.name in record.values else 0.0
            for constraint in self.objective.constraints
        }

    def _unseen(self) -> dict[str, Any] | None:
        """A point that was not proposed, drawn evenly; None when there is none."""
        size = self.space.size
        if size is not None and size <= _SMALL:
            rest = [p for p in self.space.points() if self.space.candidate(Fixed(p)).key not in self._seen]
            return self._random.pick(rest) if rest else None
        for _ in range(_UNSEEN_TRIES):
            self._random.answers = {}
            if self.space.candidate(self._random).key not in self._seen:
                return self._random.answers
        return None


def _drop_half_a_line(journal: Path) -> None:
    """Takes away what a full disk or a kill left of a record; Optuna reads no journal that has more after it."""
    if not journal.exists():
        return
    content = journal.read_bytes()
    if not content.endswith(b"\n"):
        with journal.open("rb+") as file:
            file.truncate(content.rfind(b"\n") + 1)


class _Proposed:
    """Chooses what Optuna proposes."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial

    def choose(self, parameter: Parameter) -> Any:
        if parameter.choices:
            return self._trial.suggest_categorical(parameter.name, parameter.choices)
        if parameter.whole:
            return self._trial.suggest_int(parameter.name, int(parameter.low), int(parameter.high))
        return self._trial.suggest_float(parameter.name, parameter.low, parameter.high, log=parameter.log)
