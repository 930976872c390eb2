"""Budgets that are none are refused, with what to write instead."""

from decimal import Decimal

import pytest

from lepton_rules.measure.budget import LATENCY, SIZE, metric_budget, parse_all
from lepton_rules.plugin import LeptonError


def _refusal(specs: list[str], kinds: object = SIZE, largest: dict[str, Decimal] | None = None) -> str:
    with pytest.raises(LeptonError) as error:
        parse_all(specs, kinds, largest)  # type: ignore[arg-type]
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "nan",
        "inf",
        "-1",
        "+1",
        "1e3",
        "27%",
        "10ms",
        "",
        " 1",
        "1 ",
        "1.",
        ".5",
        "1_000",
        "١٢",
        "0x10",
        "1,5",
        "1" * 19,
    ],
)
def test_what_is_no_decimal_is_refused(text: str) -> None:
    assert "is not a plain decimal number of ratio" in _refusal([f"max_size_ratio={text}"])


def test_zero_is_refused_but_for_changes() -> None:
    assert "its limit is 0" in _refusal(["max_size_ratio=0"])
    assert "its limit is 0" in _refusal(["min_accuracy=0.000"], None)
    assert parse_all(["max_accuracy_drop=0"], None)[0].limit == 0


def test_the_wrong_unit_is_refused() -> None:
    assert "above 1, the largest that makes sense" in _refusal(["min_share=97"], None, {"share": Decimal(1)})
    assert "not a percentage" in _refusal(["max_share_drop=1.5"], None, {"share": Decimal(1)})
    assert parse_all(["max_perplexity=97"], None, {"share": Decimal(1)})[0].limit == 97
    assert "above 10" in _refusal(["max_size_ratio=27"])
    assert "not a whole number of bytes" in _refusal(["max_size_bytes=0.27"])
    assert "above 100" in _refusal(["min_speedup=320"], LATENCY)


def test_an_unknown_budget_names_the_near_miss() -> None:
    message = _refusal(["max_p95_ms=3"], LATENCY)
    assert message.startswith("lepton: budget max_p95_ms: this test knows no such budget. Did you mean 'max_p9")


def test_none_twice_or_without_a_limit() -> None:
    assert "the test declares none" in _refusal([])
    assert "declared twice" in _refusal(["max_size_bytes=1", "max_size_bytes=2"])
    assert "it has no limit" in _refusal(["max_size_bytes"])


def test_limits_are_exact() -> None:
    budget = parse_all(["max_size_ratio=0.1"], SIZE)[0]
    assert budget.limit == Decimal("0.1")
    assert not budget.at_least


@pytest.mark.parametrize(
    ("name", "metric", "change"),
    [
        ("min_accuracy", "accuracy", ""),
        ("max_accuracy_drop", "accuracy", "drop"),
        ("max_perplexity", "perplexity", ""),
        ("max_perplexity_rise", "perplexity", "rise"),
        ("min_top_5_accuracy", "top_5_accuracy", ""),
    ],
)
def test_accuracy_budgets_name_their_metric(name: str, metric: str, change: str) -> None:
    found = metric_budget(name)
    assert (found.metric, found.change) == (metric, change)


@pytest.mark.parametrize("name", ["accuracy", "min_", "max__drop", "avg_accuracy", "min_Accuracy"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(LeptonError, match="neither a metric nor a side"):
        metric_budget(name)
