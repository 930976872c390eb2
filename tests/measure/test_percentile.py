"""MLPerf's early-stopping rule: its floors, its arithmetic and its error rate."""

import random
from fractions import Fraction
from math import comb

import pytest

from lepton_rules.measure import percentile


def _exact(samples: int, over: int, share: Fraction) -> Fraction:
    return sum((comb(samples, k) * (1 - share) ** k * share ** (samples - k) for k in range(over + 1)), Fraction())


def test_floors_are_those_of_the_rules() -> None:
    assert percentile.floor(0.9) == 64
    assert percentile.floor(0.99) == 662


@pytest.mark.parametrize(("samples", "over"), [(64, 1), (63, 1), (256, 14), (2648, 0), (2648, 60), (500, 250)])
def test_chance_is_the_binomial_tail(samples: int, over: int) -> None:
    for share in (Fraction(1, 2), Fraction(9, 10), Fraction(99, 100)):
        found = percentile.chance(samples, over, float(share))
        assert found == pytest.approx(float(_exact(samples, over, share)), rel=1e-9, abs=1e-300)


def test_allowed_over_is_the_most_that_the_rule_allows() -> None:
    for samples in (63, 64, 100, 256, 1000):
        over = percentile.allowed_over(samples, 0.9)
        assert over == 0 or _exact(samples, over, Fraction(9, 10)) <= Fraction(1, 100)
        assert _exact(samples, over + 1, Fraction(9, 10)) > Fraction(1, 100)
        assert (over == 0) == (samples < 64)
        assert over == 0 or percentile.samples_for(over, 0.9) <= samples


def test_under_the_floor_nothing_is_said() -> None:
    assert percentile.estimate([1.0] * 63, 0.9) is None
    assert percentile.estimate([1.0] * 64, 0.9) == 1.0


def test_at_the_floor_the_estimate_is_the_largest() -> None:
    values = [float(n) for n in range(64)]
    random.Random(1).shuffle(values)
    assert percentile.estimate(values, 0.9) == 63.0


def test_bounds_are_wrong_as_rarely_as_promised() -> None:
    """Exactly: the upper bound is too low when too few samples are over the percentile, the lower when too many are."""
    for share, samples in ((Fraction(9, 10), 256), (Fraction(1, 2), 60)):
        latencies = [float(n) for n in range(samples)]
        upper, lower = percentile.estimate(latencies, float(share)), percentile.lower_bound(latencies, float(share))
        assert upper is not None
        assert lower is not None
        assert lower < upper
        over_upper = sum(value >= upper for value in latencies)  # wrong when all of these are over the percentile
        over_lower = sum(value >= lower for value in latencies)
        assert _exact(samples, over_upper - 1, share) <= Fraction(1, 100)
        assert 1 - _exact(samples, over_lower - 1, share) <= Fraction(1, 100)


def test_lower_bound_needs_enough_samples() -> None:
    assert percentile.lower_bound([1.0], 0.9) is None
    assert percentile.lower_bound([1.0, 2.0], 0.9) == 1.0


def test_nonsense_is_refused() -> None:
    for samples, over, share in ((5, 6, 0.9), (5, -1, 0.9), (5, 1, 1.0), (5, 1, 0.0)):
        with pytest.raises(ValueError, match="over the percentile"):
            percentile.chance(samples, over, share)
