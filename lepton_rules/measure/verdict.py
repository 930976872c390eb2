"""What a gate says about one budget."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

from lepton_rules.measure.budget import Budget


class Verdict(enum.Enum):
    """Only PASS passes. The others differ in what they ask of the reader."""

    PASS = "PASS"
    """The budget is kept, and that is proven."""
    FAIL = "FAIL"
    """The budget is broken, and that is proven."""
    NOT_PROVEN = "NOT PROVEN"
    """The measurement ended before either was proven: too near the limit, or too few samples."""
    UNSTABLE = "UNSTABLE"
    """The machine moved too much under the measurement for its figures to mean anything."""
    IMPLAUSIBLE = "IMPLAUSIBLE"
    """The gain is larger than anything real: the measurement or the model is broken."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The verdict on one budget and what it rests on.

    `value` is in the budget's unit, None where too little was measured to give one. `interval` bounds the value where
    it is an estimate. `why` and `fix` are sentences without their full stops; `fix` is empty for a PASS. `warning`
    accompanies a PASS with little room.
    """

    budget: Budget
    verdict: Verdict
    value: Decimal | None
    why: str
    fix: str = ""
    interval: tuple[float, float] | None = None
    warning: str = ""

    @property
    def margin(self) -> Decimal | None:
        """The room that is left as a fraction of the limit, negative when the limit is broken. None without a value
        or with limit 0.
        """
        if self.value is None or not self.budget.limit:
            return None
        room = self.value - self.budget.limit if self.budget.at_least else self.budget.limit - self.value
        return room / self.budget.limit

    @property
    def message(self) -> str:
        """One sentence for logs and JSON."""
        sentence = f"{self.budget.name}: {self.why}."
        for more in (self.warning, self.fix):
            if more:
                sentence += f" {more}."
        return sentence


def judge(budget: Budget, value: Decimal, why: str, fix: str) -> Outcome:
    """The verdict on an exact value: no statistics, the limit itself is kept.

    Args:
      value: in the budget's unit.
      why: where the value comes from; it follows the comparison in the message.
      fix: what to do when the budget is broken.
    """
    kept = value >= budget.limit if budget.at_least else value <= budget.limit
    side = "at least" if budget.at_least else "at most"
    why = f"{show(value)} where the budget is {side} {show(budget.limit)}{budget.suffix} ({why})"
    return Outcome(
        budget=budget, verdict=Verdict.PASS if kept else Verdict.FAIL, value=value, why=why, fix="" if kept else fix
    )


def show(number: Decimal | float, digits: int = 5) -> str:
    """A number for people: integers whole, others with `digits` significant digits, never in exponent notation."""
    value = number if isinstance(number, Decimal) else Decimal(repr(number))
    if value == value.to_integral_value():
        return f"{value.to_integral_value():f}"
    places = max(digits - 1 - value.adjusted(), 0)
    text = f"{round(value, places):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
