"""The space that a search covers: an artifact's plan, and what of it may be otherwise.

A recipe declares it. Where it declares none, each pass has what its plugin says, or what follows from its schema: every
option that is a bool or has choices, and every number with a narrow range. Of those, what recipe, artifact or chip set
is left alone. What the chip cannot do is no part of any.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lepton_rules.manifest import canonical_json
from lepton_rules.plugin.errors import LeptonError

_DEFAULT = "the plugin's default"
_NARROW = 16
_DECADES = 2
_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One thing that varies.

    Attributes:
      name: unique: `onnx.quantize.calibrator`; `onnx.quantize[1].percentile` in the second of several alternatives.
      choices: JSON texts, or empty where it is a range.
      low, high: the range, both within it.
      whole: whether only integers are.
      log: whether a range of some decades is even in the logarithm.
    """

    name: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    log: bool = False

    @property
    def count(self) -> int | None:
        """The number of values, None where they are not countable."""
        if self.choices:
            return len(self.choices)
        return int(self.high - self.low) + 1 if self.whole else None

    def values(self) -> Sequence[Any]:
        """All of them, for what is countable: JSON texts of choices, numbers of a range."""
        return self.choices or range(int(self.low), int(self.high) + 1)


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of a pass in an alternative: a parameter, or one value where `parameter` is None."""

    field: str
    parameter: Parameter | None = None
    value: Any = None


@dataclass(frozen=True, kw_only=True)
class Variation:
    """What may be otherwise about one step."""

    step: int
    qualified: str
    optional: bool
    alternatives: tuple[tuple[Option, ...], ...]

    @property
    def presence(self) -> Parameter:
        """Whether the pass is there."""
        return Parameter(name=f"{self.qualified} is there", choices=("true", "false"))

    @property
    def alternative(self) -> Parameter:
        """Which of several alternatives."""
        return Parameter(
            name=f"{self.qualified} alternative", choices=tuple(str(i) for i in range(len(self.alternatives)))
        )


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One point of the space, as it differs from the plan.

    Attributes:
      without: positions of steps that are left out, sorted.
      changes: for each position in the plan, the options that differ, by name.
    """

    without: tuple[int, ...]
    changes: Mapping[int, Mapping[str, Any]]

    @property
    def key(self) -> str:
        """The same for two candidates that are the same."""
        return canonical_json(
            {
                "without": list(self.without),
                "changes": {str(step): dict(fields) for step, fields in self.changes.items()},
            }
        )


class Chooser(Protocol):
    """What decides: an optimizer, a random generator, or an enumeration."""

    def choose(self, parameter: Parameter) -> Any:
        """A JSON text for choices, a number for a range."""


class Space:
    """The space of an artifact, from the facts that its `.tune` target wrote."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        self.steps: Sequence[Mapping[str, Any]] = facts["steps"]
        self.dropped: list[str] = []
        self.variations = self._variations()

    @property
    def parameters(self) -> list[Parameter]:
        """All of them, those of optional passes and alternatives included."""
        found = []
        for variation in self.variations:
            found += [variation.presence] if variation.optional else []
            found += [variation.alternative] if len(variation.alternatives) > 1 else []
            found += [o.parameter for options in variation.alternatives for o in options if o.parameter is not None]
        return found

    @property
    def size(self) -> int | None:
        """The number of its points, None where a parameter is not countable."""
        total = 1
        for variation in self.variations:
            points = 0
            for options in variation.alternatives:
                counts = [option.parameter.count for option in options if option.parameter is not None]
                if None in counts:
                    return None
                points += math.prod(count for count in counts if count is not None)
            total *= points + variation.optional
        return total

    @property
    def digest(self) -> str:
        """Another one for another plan or another space."""
        of = {
            "plan": [[step["plugin"], step["name"], step["config"]] for step in self.steps],
            "parameters": [[p.name, list(p.choices), p.low, p.high] for p in self.parameters],
            "fixed": [[v.qualified, [[o.field, o.value] for o in a]] for v in self.variations for a in v.alternatives],
        }
        return hashlib.sha256(canonical_json(of).encode()).hexdigest()

    def candidate(self, chooser: Chooser) -> Candidate:
        """The point that somebody chooses. Parameters of what is not there are not asked for."""
        without: list[int] = []
        changes: dict[int, dict[str, Any]] = {}
        for variation in self.variations:
            if variation.optional and chooser.choose(variation.presence) == "false":
                without.append(variation.step)
                continue
            index = int(chooser.choose(variation.alternative)) if len(variation.alternatives) > 1 else 0
            plan = self.steps[variation.step]["config"]
            for option in variation.alternatives[index]:
                value = option.value if option.parameter is None else _value(option.parameter, chooser)
                if value != plan.get(option.field):
                    changes.setdefault(variation.step, {})[option.field] = value
        return Candidate(without=tuple(sorted(without)), changes=changes)

    def points(self) -> Iterator[dict[str, Any]]:
        """Every point of a countable space, as what a chooser answers by the parameters' names."""
        sides: list[list[dict[str, Any]]] = []
        for variation in self.variations:
            side: list[dict[str, Any]] = [{variation.presence.name: "false"}] if variation.optional else []
            there = {variation.presence.name: "true"} if variation.optional else {}
            for index, options in enumerate(variation.alternatives):
                which = {variation.alternative.name: str(index)} if len(variation.alternatives) > 1 else {}
                varied = [option.parameter for option in options if option.parameter is not None]
                for values in itertools.product(*(parameter.values() for parameter in varied)):
                    named = {parameter.name: value for parameter, value in zip(varied, values, strict=True)}
                    side.append(there | which | named)
            sides.append(side)
        for choice in itertools.product(*sides):
            yield {name: value for part in choice for name, value in part.items()}

    def config(self, candidate: Candidate, step: int) -> dict[str, Any]:
        """The whole configuration of a step."""
        return dict(self.steps[step]["config"]) | dict(candidate.changes.get(step, {}))

    def baseline(self) -> Candidate:
        """The model without the passes: only what changes its format stays."""
        droppable = (i for i, step in enumerate(self.steps) if _droppable(step))
        return Candidate(without=tuple(droppable), changes={})

    def describe(self) -> list[tuple[str, str]]:
        """(parameter, its values) for people."""
        rows = []
        for parameter in self.parameters:
            if parameter.choices:
                text = ", ".join(parameter.choices)
            else:
                text = f"{parameter.low:g} to {parameter.high:g}" + (" (logarithmic)" if parameter.log else "")
            rows.append((parameter.name, text))
        return rows

    def _variations(self) -> list[Variation]:
        declared: dict[str, list[Mapping[str, Any]]] = {}
        for entry in self.facts["search"]:
            declared.setdefault(entry["pass"], []).append(entry["options"])
        without = set(self.facts["search_without"])
        found = []
        for position, step in enumerate(self.steps):
            if not step["declared"]:
                continue
            qualified = f"{step['plugin']}.{step['name']}"
            optional = qualified in without
            if optional and not _droppable(step):
                raise LeptonError(
                    f"search_without of {qualified}",
                    f"it makes {step['produces']} of {step['consumes']}, so that what follows needs it",
                    "Remove it from search_without",
                    self.facts["artifact"],
                )
            if declared:
                alternatives = [
                    self._declared(qualified, step, options, index, len(declared.get(qualified, ())))
                    for index, options in enumerate(declared.get(qualified, ()))
                ]
            elif step["search"]:
                alternatives = self._of_the_plugin(qualified, step)
            else:
                alternatives = [self._derived(qualified, step)]
            alternatives = alternatives or [()]
            if optional or any(alternatives):
                found.append(
                    Variation(step=position, qualified=qualified, optional=optional, alternatives=tuple(alternatives))
                )
        return found

    def _declared(
        self, qualified: str, step: Mapping[str, Any], options: Mapping[str, Any], index: int, of: int
    ) -> tuple[Option, ...]:
        prefix = qualified if of == 1 else f"{qualified}[{index}]"
        for field in sorted(options):
            if step["origins"].get(field) == "the artifact":
                raise LeptonError(
                    f"search of {field} of {qualified}",
                    "the artifact overrides it, so that it cannot vary",
                    "Remove it from the artifact's overrides, or from search",
                    self.facts["artifact"],
                )
        return self._options(prefix, step, options)

    def _of_the_plugin(self, qualified: str, step: Mapping[str, Any]) -> list[tuple[Option, ...]]:
        """The alternatives that hold with what is set, without that."""
        left = []
        for options in step["search"]:
            free = {}
            for field, option in options.items():
                if step["origins"].get(field) == _DEFAULT:
                    free[field] = option
                elif step["config"][field] not in option.get("choices", [step["config"][field]]):
                    break
            else:
                left += [free] if free not in left else []
        names = [qualified] if len(left) == 1 else [f"{qualified}[{index}]" for index in range(len(left))]
        return [self._options(name, step, options) for name, options in zip(names, left, strict=True)]

    def _options(self, prefix: str, step: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[Option, ...]:
        found = []
        for field, option in sorted(options.items()):
            schema = step["fields"][field]
            if "range" in option:
                found.append(Option(field=field, parameter=_range(f"{prefix}.{field}", schema, *option["range"])))
            else:
                found.append(self._choice(f"{prefix}.{field}", field, schema, option["choices"]))
        return tuple(found)

    def _derived(self, qualified: str, step: Mapping[str, Any]) -> tuple[Option, ...]:
        found = []
        for field, schema in sorted(step["fields"].items()):
            if step["origins"].get(field) != _DEFAULT:
                continue
            name = f"{qualified}.{field}"
            if schema["type"] == "bool" or schema.get("choices"):
                option = self._choice(name, field, schema, schema.get("choices") or [False, True])
                found += [option] if option.parameter is not None else []
            elif _narrow(schema):
                found.append(Option(field=field, parameter=_range(name, schema, schema["minimum"], schema["maximum"])))
        return tuple(found)

    def _choice(self, name: str, field: str, schema: Mapping[str, Any], choices: Sequence[Any]) -> Option:
        able = []
        for choice in choices:
            needs = schema.get("requires", {}).get(_spelling(choice))
            if needs and needs not in self.facts["capabilities"]:
                self.dropped.append(f"{name} = {json.dumps(choice)}: {self.facts['hardware_label']} has no {needs}")
            else:
                able.append(choice)
        if not able:
            raise LeptonError(
                f"search of {name}",
                f"{self.facts['hardware_label']} can do none of {json.dumps(list(choices))}",
                "Declare a value that it can, or leave the option out",
                self.facts["artifact"],
            )
        if len(able) == 1:
            return Option(field=field, value=able[0])
        return Option(field=field, parameter=Parameter(name=name, choices=tuple(json.dumps(c) for c in able)))


class Fixed:
    """Chooses what it was given."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers

    def choose(self, parameter: Parameter) -> Any:
        return self.answers[parameter.name]


class Random:
    """Chooses evenly, and remembers."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.answers: dict[str, Any] = {}

    def pick(self, among: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """One of several."""
        return self._random.choice(among)

    def choose(self, parameter: Parameter) -> Any:
        if parameter.count is not None:
            answer = self._random.choice(parameter.values())
        elif parameter.log:
            answer = math.exp(self._random.uniform(math.log(parameter.low), math.log(parameter.high)))
        else:
            answer = self._random.uniform(parameter.low, parameter.high)
        self.answers[parameter.name] = answer
        return answer


def _value(parameter: Parameter, chooser: Chooser) -> Any:
    answer = chooser.choose(parameter)
    if parameter.choices:
        return json.loads(answer)
    if parameter.whole:
        return int(answer)
    # Few digits: a recipe that people read, and the same action for what differs by nothing.
    return min(max(float(f"{answer:.{_DIGITS}g}"), parameter.low), parameter.high)


def _range(name: str, schema: Mapping[str, Any], low: float, high: float) -> Parameter:
    whole = schema["type"] == "int"
    log = not whole and low > 0 and high / low >= 10**_DECADES
    return Parameter(name=name, low=low, high=high, whole=whole, log=log)


def _narrow(schema: Mapping[str, Any]) -> bool:
    """A bound on what is allowed is seldom a sensible range to search: only fractions, and a few integers."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None or high is None or schema.get("optional") or schema["type"] not in ("int", "float"):
        return False
    if schema["type"] == "int":
        return bool(0 < high - low < _NARROW)
    return bool(0 <= low < high <= 1)


def _droppable(step: Mapping[str, Any]) -> bool:
    return bool(step["kind"] == "pass" and step["consumes"] == step["produces"])


def _spelling(value: Any) -> str:
    return json.dumps(value).strip('"')
