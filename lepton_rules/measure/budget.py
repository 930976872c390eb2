"""Budgets: their names, units and limits. Analysis checks them too; this is the last guard before a verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import suggestion

_DECIMAL = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
_METRIC = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a budget of one name may say.

    Attributes:
      unit: as measurement.json shows it.
      suffix: what follows the limit in a message, with its space.
      largest: the largest limit that makes sense in this unit, or None. A larger one is nearly always a limit in
        another unit.
      whole: the limit is an integer.
      zero: a limit of 0 is meaningful.
    """

    unit: str
    suffix: str = ""
    largest: Decimal | None = None
    whole: bool = False
    zero: bool = False


@dataclass(frozen=True, kw_only=True)
class Budget:
    """One limit of a gate. `limit` is in `unit`; the limit itself is within the budget."""

    name: str
    limit: Decimal
    unit: str
    suffix: str = ""

    @property
    def at_least(self) -> bool:
        """Whether the limit bounds the value from below."""
        return self.name.startswith("min_")


@dataclass(frozen=True, kw_only=True)
class MetricBudget:
    """What the name of an accuracy budget asks for: `min_<metric>`, `max_<metric>`, `max_<metric>_drop`,
    `max_<metric>_rise`, and the latter two with `_ratio`.

    `change` is "" for the metric's own value, "drop" for baseline - candidate, "rise" for candidate - baseline;
    `relative` says that the change is a fraction of the baseline's value.
    """

    metric: str
    change: str
    relative: bool = False


SIZE: Mapping[str, Kind] = {
    "max_size_bytes": Kind(unit="bytes", suffix=" bytes", whole=True),
    "max_size_ratio": Kind(unit="ratio", suffix=" of the baseline", largest=Decimal(10)),
    "max_compressed_size_bytes": Kind(unit="bytes", suffix=" bytes", whole=True),
    "max_compressed_size_ratio": Kind(unit="ratio", suffix=" of the baseline", largest=Decimal(10)),
    "max_image_size_bytes": Kind(unit="bytes", suffix=" bytes", whole=True),
}

MEMORY: Mapping[str, Kind] = {
    "max_load_rss_bytes": Kind(unit="bytes", suffix=" bytes", whole=True),
    "max_inference_rss_bytes": Kind(unit="bytes", suffix=" bytes", whole=True),
    "max_inference_rss_ratio": Kind(unit="ratio", suffix=" of the baseline", largest=Decimal(10)),
}

THROUGHPUT: Mapping[str, Kind] = {
    "min_samples_per_s": Kind(unit="samples/s", suffix=" samples/s"),
    "min_throughput_ratio": Kind(unit="ratio", suffix=" times the baseline's throughput", largest=Decimal(100)),
}

COLD_START: Mapping[str, Kind] = {
    "max_cold_start_ms": Kind(unit="ms", suffix=" ms"),
    "max_cold_start_ratio": Kind(unit="ratio", suffix=" of the baseline", largest=Decimal(10)),
}

REPRODUCIBILITY: Mapping[str, Kind] = {
    "max_differing_files": Kind(unit="files", suffix=" files", whole=True, zero=True),
}

LATENCY: Mapping[str, Kind] = {
    "min_speedup": Kind(unit="ratio", suffix=" times the baseline's speed", largest=Decimal(100)),
    "max_p50_ms": Kind(unit="ms", suffix=" ms"),
    "max_p90_ms": Kind(unit="ms", suffix=" ms"),
    "max_p99_ms": Kind(unit="ms", suffix=" ms"),
}

# Budgets on a gain over the baseline.
_GAINS = ("min_speedup", "min_throughput_ratio")


def parse_all(
    specs: Sequence[str], kinds: Mapping[str, Kind] | None, largest: Mapping[str, Decimal] | None = None
) -> tuple[Budget, ...]:
    """Budgets from `name=limit` strings, in their order.

    Args:
      kinds: the names that the test knows, or None for accuracy budgets, whose names hold the metric's.
      largest: the largest value that a metric can take, for those that have a bound: a limit above it is a percentage
        written by mistake.

    Raises:
      LeptonError: no budget at all, one name twice, an unknown name, or a limit that is not a plain decimal in the
      budget's unit.
    """
    if not specs:
        known = ", ".join(kinds) if kinds else "min_accuracy, max_accuracy_drop, min_agreement"
        raise LeptonError("budgets", "the test declares none, so it could only pass", f"Give at least one of {known}")
    budgets: dict[str, Budget] = {}
    for spec in specs:
        name, equals, limit = spec.partition("=")
        if not equals:
            raise LeptonError(f"budget {spec!r}", "it has no limit", "Write name=limit")
        if name in budgets:
            raise LeptonError(f"budget {name}", "it is declared twice", "Keep one of the two")
        budgets[name] = _parse(name, limit, _kind(name, kinds, largest or {}))
    return tuple(budgets.values())


def with_gains_up_to(kinds: Mapping[str, Kind], plausible: float) -> Mapping[str, Kind]:
    """The same kinds, where no gain over a baseline may be asked that is above `plausible`: it would be IMPLAUSIBLE."""
    largest = Decimal(repr(plausible).removesuffix(".0"))
    return {name: replace(kind, largest=largest) if name in _GAINS else kind for name, kind in kinds.items()}


def metric_budget(name: str) -> MetricBudget:
    """The metric and the comparison in the name of an accuracy budget.

    Raises:
      LeptonError: the name has none of the six forms.
    """
    for prefix, suffix, change, relative in (
        ("max_", "_drop_ratio", "drop", True),
        ("max_", "_rise_ratio", "rise", True),
        ("max_", "_drop", "drop", False),
        ("max_", "_rise", "rise", False),
        ("min_", "", "", False),
        ("max_", "", "", False),
    ):
        if name.startswith(prefix) and name.endswith(suffix):
            metric = name[len(prefix) : len(name) - len(suffix)]
            if _METRIC.fullmatch(metric):
                return MetricBudget(metric=metric, change=change, relative=relative)
    raise LeptonError(
        f"budget {name}",
        "its name says neither a metric nor a side",
        "Write min_<metric>, max_<metric>, max_<metric>_drop or max_<metric>_rise, or the latter two with _ratio",
    )


def _kind(name: str, kinds: Mapping[str, Kind] | None, largest: Mapping[str, Decimal]) -> Kind:
    if kinds is None:
        asked = metric_budget(name)
        if asked.relative:
            return Kind(unit="ratio", suffix=" of the baseline's", largest=Decimal(1), zero=True)
        return Kind(unit=asked.metric, largest=largest.get(asked.metric), zero=bool(asked.change))
    if name not in kinds:
        raise LeptonError(f"budget {name}", "this test knows no such budget", suggestion(name, kinds))
    return kinds[name]


def _parse(name: str, text: str, kind: Kind) -> Budget:
    what = f"budget {name}"
    if not _DECIMAL.fullmatch(text):
        example = "1000000" if kind.whole else "0.25"
        raise LeptonError(
            what,
            f"its limit {text!r} is not a plain decimal number of {kind.unit}",
            f"Write digits, and a decimal point if needed, such as {example}; no sign, exponent or unit",
        )
    limit = Decimal(text)
    if kind.whole and limit != limit.to_integral_value():
        raise LeptonError(what, f"its limit {text} is not a whole number of {kind.unit}", "Write an integer")
    if not limit and not kind.zero:
        raise LeptonError(
            what, "its limit is 0, which every or no model keeps", f"Write a positive number of {kind.unit}"
        )
    if kind.largest is not None and limit > kind.largest:
        raise LeptonError(
            what,
            f"its limit {text} is above {kind.largest}, the largest that makes sense as {kind.unit}",
            "Write a fraction, not a percentage" if kind.largest <= 10 else "Write the ratio of the two times",
        )
    return Budget(name=name, limit=limit, unit=kind.unit, suffix=kind.suffix)
