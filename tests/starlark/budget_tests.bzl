"""Tests of budget.bzl. What it refuses is in tests/failing."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")

# The unit under test is private.
# buildifier: disable=bzl-visibility
load("//lepton_rules/private:budget.bzl", "check_budget", "check_limit", "check_percentiles", "check_plausible", "decimal", "require_budgets")

def _decimal_impl(ctx):
    env = unittest.begin(ctx)
    for value, text in [
        (None, ""),
        (0, "0"),
        (3, "3"),
        (-1, "-1"),
        (0.97, "0.97"),
        (100.0, "100.0"),
        ("0.005", "0.005"),
        # Without the exponent with which Starlark writes them.
        (1e-5, "0.00001"),
        (2.5e-7, "0.00000025"),
        (-1e-5, "-0.00001"),
        (1e20, "100000000000000000000"),
        (1.5e300 - 1.5e300, "0.0"),
        # Refused by check_budget, which shows them.
        (float("nan"), "nan"),
        (float("inf"), "+inf"),
    ]:
        asserts.equals(env, text, decimal(value))
    asserts.equals(env, "select", type(decimal(select({"//conditions:default": "1"}))))
    return unittest.end(env)

def _ctx(value):
    return struct(attr = struct(budget = value), label = Label("//a:b"))

def _check_budget_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, None, check_budget(_ctx(""), "budget"))
    asserts.equals(env, None, check_budget(_ctx("  "), "budget"))
    for text in ["0.97", "1", "0.005", "12000000"]:
        asserts.equals(env, text, check_budget(_ctx(text), "budget"))

    # The tests' programs want digits on both sides of a point.
    asserts.equals(env, "1", check_budget(_ctx("1."), "budget"))
    asserts.equals(env, "0.5", check_budget(_ctx(".5"), "budget"))
    asserts.equals(env, "5", check_budget(_ctx("5"), "budget", minimum = 5))
    asserts.equals(env, "0.97", check_budget(_ctx(" 0.97 "), "budget"))
    asserts.equals(env, "1", check_budget(_ctx("1"), "budget", maximum = 1))
    asserts.equals(env, "0", check_limit(Label("//a:b"), "budget", "0", positive = False))
    asserts.equals(env, "1000", check_budget(_ctx("1000"), "budget", whole = True))
    return unittest.end(env)

def _relations_impl(ctx):
    env = unittest.begin(ctx)

    # What these let through: what they refuse is in tests/failing.
    check_plausible(Label("//a:b"), {"min_speedup": "100", "min_throughput_ratio": None}, "100")
    check_percentiles(Label("//a:b"), {"max_p50_ms": "2", "max_p90_ms": None, "max_p99_ms": "2.0", "min_speedup": "1"})
    return unittest.end(env)

def _require_budgets_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, ["a=1", "c=0"], require_budgets(_ctx(""), {"a": "1", "b": None, "c": "0"}))
    return unittest.end(env)

_decimal_test = unittest.make(_decimal_impl)
_check_budget_test = unittest.make(_check_budget_impl)
_relations_test = unittest.make(_relations_impl)
_require_budgets_test = unittest.make(_require_budgets_impl)

def budget_test_suite(name):
    """Tests of budget.bzl.

    Args:
      name: the suite's name.
    """
    unittest.suite(name, _decimal_test, _check_budget_test, _relations_test, _require_budgets_test)
