"""lepton_budgets: all budgets of an artifact in one place, each a test of its own."""

load(":accuracy_test.bzl", "lepton_accuracy_test")
load(":latency_test.bzl", "lepton_latency_test")
load(":messages.bzl", "message")
load(":size_test.bzl", "lepton_size_test")

_TESTS = {
    "accuracy": struct(
        make = lepton_accuracy_test,
        budgets = ["max_accuracy_drop", "min_accuracy", "min_agreement"],
        relative = ["max_accuracy_drop", "min_agreement"],
    ),
    "latency": struct(
        make = lepton_latency_test,
        budgets = ["batch", "max_p50_ms", "max_p90_ms", "max_p99_ms", "min_speedup"],
        relative = ["min_speedup"],
    ),
    "size": struct(
        make = lepton_size_test,
        budgets = ["max_size_bytes", "max_size_ratio"],
        relative = ["max_size_ratio"],
    ),
}

def lepton_budgets(
        name,
        artifact,
        baseline = None,
        min_accuracy = None,
        max_accuracy_drop = None,
        min_agreement = None,
        max_size_bytes = None,
        max_size_ratio = None,
        batch = None,
        min_speedup = None,
        max_p50_ms = None,
        max_p90_ms = None,
        max_p99_ms = None,
        **kwargs):
    """Declares an artifact's budgets: `<prefix>_accuracy_test`, `<prefix>_size_test` and `<prefix>_latency_test`.

    A test is made for each kind of budget that is set; `name` is a test_suite of them.

    Args:
      name: the suite's name. The tests' prefix is the name without a trailing `_budgets`.
      artifact: a lepton_artifact with a dataset.
      baseline: the lepton_artifact that relative budgets compare with; the others do without.
      min_accuracy: see lepton_accuracy_test.
      max_accuracy_drop: see lepton_accuracy_test.
      min_agreement: see lepton_accuracy_test.
      max_size_bytes: see lepton_size_test.
      max_size_ratio: see lepton_size_test.
      batch: see lepton_latency_test.
      min_speedup: see lepton_latency_test.
      max_p50_ms: see lepton_latency_test.
      max_p90_ms: see lepton_latency_test.
      max_p99_ms: see lepton_latency_test.
      **kwargs: Bazel's attributes of tests, given to each.
    """
    given = {
        "batch": batch,
        "max_accuracy_drop": max_accuracy_drop,
        "max_p50_ms": max_p50_ms,
        "max_p90_ms": max_p90_ms,
        "max_p99_ms": max_p99_ms,
        "max_size_bytes": max_size_bytes,
        "max_size_ratio": max_size_ratio,
        "min_accuracy": min_accuracy,
        "min_agreement": min_agreement,
        "min_speedup": min_speedup,
    }
    prefix = name.removesuffix("_budgets")
    label = native.package_relative_label(":" + name)
    tests = []
    for kind, test in _TESTS.items():
        budgets = {key: given[key] for key in test.budgets if given[key] != None}
        if not [key for key in budgets if key != "batch"]:
            if budgets:
                fail(message("batch", label, "no budget of latency is set", "Set one, such as min_speedup = 2, or remove batch"))
            continue
        test.make(
            name = "{}_{}_test".format(prefix, kind),
            artifact = artifact,
            # A baseline on another chip serves for accuracy and size, and milliseconds need none.
            baseline = baseline if [key for key in test.relative if key in budgets] else None,
            **(budgets | kwargs)
        )
        tests.append(":{}_{}_test".format(prefix, kind))
    if not tests:
        fail(message("budgets", label, "none is set", "Set one, such as min_accuracy = 0.97"))
    native.test_suite(name = name, tests = tests, tags = ["manual"], visibility = kwargs.get("visibility"))
