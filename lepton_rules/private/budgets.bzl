"""lepton_budgets: all budgets of an artifact in one place, each a test of its own."""

load(":accuracy_test.bzl", "lepton_accuracy_test")
load(":latency_test.bzl", "lepton_latency_test")
load(":messages.bzl", "message")
load(":metric_budgets.bzl", "is_metric_budget")
load(":size_test.bzl", "lepton_size_test")

def lepton_budgets(
        name,
        artifact,
        baseline = None,
        max_size_bytes = None,
        max_size_ratio = None,
        batch = None,
        min_speedup = None,
        max_p50_ms = None,
        max_p90_ms = None,
        max_p99_ms = None,
        metrics = None,
        **kwargs):
    """Declares an artifact's budgets: `<prefix>_accuracy_test`, `<prefix>_size_test` and `<prefix>_latency_test`.

    A test is made for each kind of budget that is set; `name` is a test_suite of them. Budgets on metrics, such as
    `min_accuracy = 0.97` or `max_accuracy_drop = 0.005`, are called as lepton_accuracy_test says.

    Args:
      name: the suite's name. The tests' prefix is the name without a trailing `_budgets`.
      artifact: a lepton_artifact with a dataset.
      baseline: the lepton_artifact that relative budgets compare with; the others do without.
      max_size_bytes: see lepton_size_test.
      max_size_ratio: see lepton_size_test.
      batch: see lepton_latency_test.
      min_speedup: see lepton_latency_test.
      max_p50_ms: see lepton_latency_test.
      max_p90_ms: see lepton_latency_test.
      max_p99_ms: see lepton_latency_test.
      metrics: see lepton_accuracy_test.
      **kwargs: budgets on metrics, and Bazel's attributes of tests, given to each.
    """
    sizes = {"max_size_bytes": max_size_bytes, "max_size_ratio": max_size_ratio}
    latencies = {"max_p50_ms": max_p50_ms, "max_p90_ms": max_p90_ms, "max_p99_ms": max_p99_ms, "min_speedup": min_speedup}
    accuracies = {key: value for key, value in kwargs.items() if is_metric_budget(key)}
    attributes = {key: value for key, value in kwargs.items() if not is_metric_budget(key)}
    kinds = {
        "accuracy": struct(
            make = lepton_accuracy_test,
            budgets = accuracies,
            # Which of them are relative follows from the metrics: the rule knows.
            relative = accuracies.keys(),
            option = "metrics",
            value = metrics,
            example = "min_accuracy = 0.97",
        ),
        "latency": struct(
            make = lepton_latency_test,
            budgets = latencies,
            relative = ["min_speedup"],
            option = "batch",
            value = batch,
            example = "min_speedup = 2",
        ),
        "size": struct(
            make = lepton_size_test,
            budgets = sizes,
            relative = ["max_size_ratio"],
            option = None,
            value = None,
            example = None,
        ),
    }
    prefix = name.removesuffix("_budgets")
    label = native.package_relative_label(":" + name)
    tests = []
    for kind, test in kinds.items():
        budgets = {key: value for key, value in test.budgets.items() if value != None}
        if not budgets:
            if test.value != None:
                fail(message(test.option, label, "no budget of {} is set".format(kind), "Set one, such as {}, or remove {}".format(test.example, test.option)))
            continue
        test.make(
            name = "{}_{}_test".format(prefix, kind),
            artifact = artifact,
            # A baseline on another chip serves for accuracy and size, and milliseconds need none.
            baseline = baseline if [key for key in test.relative if key in budgets] else None,
            **(budgets | attributes | ({} if test.value == None else {test.option: test.value}))
        )
        tests.append(":{}_{}_test".format(prefix, kind))
    if not tests:
        fail(message("budgets", label, "none is set", "Set one, such as min_accuracy = 0.97"))
    native.test_suite(name = name, tests = tests, tags = ["manual"], visibility = kwargs.get("visibility"))
