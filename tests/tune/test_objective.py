"""Objectives are read as they are written, and what is wrong is said."""

from __future__ import annotations

import pytest
from samples import METRICS, objective

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tune.objective import quantities


def test_goals_and_constraints_are_told_apart() -> None:
    read = objective("latency; size_ratio ;accuracy_drop<=0.005; agreement >= .99;")
    assert [goal.name for goal in read.goals] == ["latency", "size_ratio"]
    assert [str(constraint) for constraint in read.constraints] == ["accuracy_drop<=0.005", "agreement>=0.99"]
    assert str(read) == "latency; size_ratio; accuracy_drop<=0.005; agreement>=0.99"


def test_what_it_says_is_read_again_as_the_same() -> None:
    text = "speedup; perplexity; size_bytes<=1000000; perplexity_rise<=0.5"
    assert str(objective(str(objective(text)))) == str(objective(text))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no goal"),
        ("accuracy_drop<=0.005", "has no goal"),
        ("latncy", 'did you mean "latency"?'),
        ("wattage", "there are accuracy"),
        ("latency latency", "neither a goal nor a constraint"),
        ("latency; latency", "the goal latency is there twice"),
        ("latency; speedup>=2; speedup>=2", "speedup>=2 is there twice"),
        ("latency; accuracy_drop<0.005", "compares with <"),
        ("latency; accuracy_drop==0", "compares with =="),
        ("latency; accuracy_drop<=0.5%", "not a plain decimal number"),
        ("latency; accuracy_drop<=-1", "not a plain decimal number"),
        ("latency; accuracy_drop<=nan", "not a plain decimal number"),
        ("latency; accuracy_drop<=1e-3", "not a plain decimal number"),
        ("latency; size_bytes<=12MB", "not a plain decimal number"),
        ("latency; size_bytes<=" + "9" * 400, "too large"),
        ("latency; accuracy<=0.97", "bounds accuracy on its good side"),
        ("latency; size_ratio>=0.1", "bounds size_ratio on its good side"),
        ("latency, accuracy", "neither a goal nor a constraint"),
        ("latency; $(rm)", "neither a goal nor a constraint"),
    ],
)
def test_what_is_wrong_is_said(text: str, why: str) -> None:
    with pytest.raises(LeptonError) as caught:
        objective(text)
    assert why in str(caught.value)
    assert str(caught.value).startswith("lepton: objective: ")


def test_a_limit_is_within_it() -> None:
    read = objective("latency; accuracy_drop<=0.005; speedup>=3")
    assert read.violations({"accuracy_drop": 0.005, "speedup": 3.0}) == {}
    broken = read.violations({"accuracy_drop": 0.01, "speedup": 1.5})
    assert broken == {"accuracy_drop<=0.005": pytest.approx(1.0), "speedup>=3": pytest.approx(0.5)}


def test_cheap_facts_are_judged_before_anything_is_measured() -> None:
    read = objective("latency; speedup>=3; size_bytes<=100")
    assert list(read.violations({"size_bytes": 200}, cheap=True)) == ["size_bytes<=100"]


def test_less_is_better_in_what_the_optimizer_sees() -> None:
    assert objective("speedup; size_bytes").goodness({"speedup": 4.0, "size_bytes": 10.0}) == (-4.0, 10.0)


def test_a_metric_has_the_change_that_is_for_the_worse() -> None:
    known = quantities(METRICS)
    assert {"accuracy", "accuracy_drop", "perplexity", "perplexity_rise", "agreement"} <= set(known)
    assert not {"accuracy_rise", "perplexity_drop", "agreement_drop"} & set(known)


def test_measured_or_not() -> None:
    assert objective("latency").measured
    assert objective("size_bytes; speedup>=2").measured
    assert not objective("size_bytes; accuracy_drop<=0.01").measured
