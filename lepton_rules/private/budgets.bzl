"""lepton_budgets: all budgets of an artifact in one place, each a test of its own."""

load(":accuracy_test.bzl", "lepton_accuracy_test")
load(":cold_start_test.bzl", "lepton_cold_start_test")
load(":latency_test.bzl", "lepton_latency_test")
load(":memory_test.bzl", "lepton_memory_test")
load(":messages.bzl", "message")
load(":metric_budgets.bzl", "is_metric_budget")
load(":parity_test.bzl", "lepton_parity_test")
load(":reproducibility_test.bzl", "lepton_reproducibility_test")
load(":size_test.bzl", "lepton_size_test")
load(":throughput_test.bzl", "lepton_throughput_test")

def _kind(make, budgets, relative = [], options = {}, example = ""):
    return struct(make = make, budgets = budgets, relative = relative, options = options, example = example)

def _parity_test(name, artifact, baseline, parity_baseline = None, min_parity_agreement = None, **kwargs):
    """A lepton_parity_test; `min_agreement` in lepton_budgets is the metric's, so the test's own has another name."""
    against = parity_baseline or baseline
    if not against:
        fail(message("parity_baseline", native.package_relative_label(":" + name), "parity is with another artifact, and there is none", "Set it, or baseline, to that artifact"))
    lepton_parity_test(name = name, artifact = artifact, baseline = against, min_agreement = min_parity_agreement, **kwargs)

def lepton_budgets(
        name,
        artifact,
        baseline = None,
        max_size_bytes = None,
        max_size_ratio = None,
        max_compressed_size_bytes = None,
        max_compressed_size_ratio = None,
        max_image_size_bytes = None,
        image = None,
        min_speedup = None,
        max_p50_ms = None,
        max_p90_ms = None,
        max_p99_ms = None,
        min_samples_per_s = None,
        min_throughput_ratio = None,
        concurrency = None,
        max_load_rss_bytes = None,
        max_inference_rss_bytes = None,
        max_inference_rss_ratio = None,
        max_cold_start_ms = None,
        max_cold_start_ratio = None,
        batch = None,
        max_plausible_speedup = None,
        max_absolute_difference = None,
        max_relative_difference = None,
        min_parity_agreement = None,
        parity_baseline = None,
        metrics = None,
        confidence = None,
        reproducible = False,
        **kwargs):
    """Declares an artifact's budgets: a test `<prefix>_<kind>_test` for each kind of budget that is set.

    `name` is a test_suite of them. The kinds are accuracy, size, latency, throughput, memory, cold_start,
    parity and reproducibility. Budgets on metrics, such as `min_accuracy = 0.97` or `max_accuracy_drop = 0.005`, are called as
    lepton_accuracy_test says.

    Args:
      name: the suite's name. The tests' prefix is the name without a trailing `_budgets`.
      artifact: a lepton_artifact with a dataset.
      baseline: the lepton_artifact or lepton_release that relative budgets compare with; the others do without.
      max_size_bytes: see lepton_size_test.
      max_size_ratio: see lepton_size_test.
      max_compressed_size_bytes: see lepton_size_test.
      max_compressed_size_ratio: see lepton_size_test.
      max_image_size_bytes: see lepton_size_test.
      image: see lepton_size_test.
      min_speedup: see lepton_latency_test.
      max_p50_ms: see lepton_latency_test.
      max_p90_ms: see lepton_latency_test.
      max_p99_ms: see lepton_latency_test.
      min_samples_per_s: see lepton_throughput_test.
      min_throughput_ratio: see lepton_throughput_test.
      concurrency: see lepton_throughput_test.
      max_load_rss_bytes: see lepton_memory_test.
      max_inference_rss_bytes: see lepton_memory_test.
      max_inference_rss_ratio: see lepton_memory_test.
      max_cold_start_ms: see lepton_cold_start_test.
      max_cold_start_ratio: see lepton_cold_start_test.
      batch: samples in one inference of every test that runs the model; the hardware's where it is not set.
      max_plausible_speedup: of the tests of latency and throughput.
      max_absolute_difference: see lepton_parity_test.
      max_relative_difference: see lepton_parity_test.
      min_parity_agreement: `min_agreement` of lepton_parity_test. `min_agreement` here is the metric's: see lepton_accuracy_test.
      parity_baseline: the lepton_artifact that parity is with, such as one for another runtime; baseline where it is not set.
      metrics: see lepton_accuracy_test.
      confidence: see lepton_accuracy_test.
      reproducible: whether there is a lepton_reproducibility_test.
      **kwargs: budgets on metrics, and Bazel's attributes of tests, given to each.
    """
    accuracies = {key: value for key, value in kwargs.items() if is_metric_budget(key)}
    attributes = {key: value for key, value in kwargs.items() if not is_metric_budget(key)}
    kinds = {
        "accuracy": _kind(
            lepton_accuracy_test,
            accuracies,
            # Which of them are relative follows from the metrics: the rule knows.
            relative = accuracies.keys(),
            options = {"confidence": confidence, "metrics": metrics},
            example = "min_accuracy = 0.97",
        ),
        "cold_start": _kind(
            lepton_cold_start_test,
            {"max_cold_start_ms": max_cold_start_ms, "max_cold_start_ratio": max_cold_start_ratio},
            relative = ["max_cold_start_ratio"],
            options = {"batch": batch},
            example = "max_cold_start_ratio = 0.8",
        ),
        "latency": _kind(
            lepton_latency_test,
            {"max_p50_ms": max_p50_ms, "max_p90_ms": max_p90_ms, "max_p99_ms": max_p99_ms, "min_speedup": min_speedup},
            relative = ["min_speedup"],
            options = {"batch": batch, "max_plausible_speedup": max_plausible_speedup},
            example = "min_speedup = 2",
        ),
        "memory": _kind(
            lepton_memory_test,
            {
                "max_inference_rss_bytes": max_inference_rss_bytes,
                "max_inference_rss_ratio": max_inference_rss_ratio,
                "max_load_rss_bytes": max_load_rss_bytes,
            },
            relative = ["max_inference_rss_ratio"],
            options = {"batch": batch},
            example = "max_inference_rss_ratio = 0.8",
        ),
        "parity": _kind(
            _parity_test,
            {
                "max_absolute_difference": max_absolute_difference,
                "max_relative_difference": max_relative_difference,
                "min_parity_agreement": min_parity_agreement,
            },
            relative = ["max_absolute_difference", "max_relative_difference", "min_parity_agreement"],
            options = {"parity_baseline": parity_baseline},
            example = "max_relative_difference = 0.01",
        ),
        "size": _kind(
            lepton_size_test,
            {
                "max_compressed_size_bytes": max_compressed_size_bytes,
                "max_compressed_size_ratio": max_compressed_size_ratio,
                "max_image_size_bytes": max_image_size_bytes,
                "max_size_bytes": max_size_bytes,
                "max_size_ratio": max_size_ratio,
            },
            relative = ["max_size_ratio", "max_compressed_size_ratio"],
            options = {"image": image},
            example = "max_image_size_bytes = 200000000",
        ),
        "throughput": _kind(
            lepton_throughput_test,
            {"min_samples_per_s": min_samples_per_s, "min_throughput_ratio": min_throughput_ratio},
            relative = ["min_throughput_ratio"],
            options = {"batch": batch, "concurrency": concurrency, "max_plausible_speedup": max_plausible_speedup},
            example = "min_throughput_ratio = 2",
        ),
    }
    prefix = name.removesuffix("_budgets")
    label = native.package_relative_label(":" + name)
    tests = []
    used = {}
    for kind, test in kinds.items():
        budgets = {key: value for key, value in test.budgets.items() if value != None}
        if not budgets:
            continue
        options = {key: value for key, value in test.options.items() if value != None}
        used.update(options)
        test.make(
            name = "{}_{}_test".format(prefix, kind),
            artifact = artifact,
            # A baseline on another chip serves for accuracy and size, and milliseconds need none.
            baseline = baseline if [key for key in test.relative if key in budgets] else None,
            **(budgets | attributes | options)
        )
        tests.append(":{}_{}_test".format(prefix, kind))
    for kind, test in kinds.items():
        for option, value in test.options.items():
            if value != None and option not in used:
                fail(message(option, label, "no budget of {} is set".format(kind), "Set one, such as {}, or remove {}".format(test.example, option)))
    if reproducible:
        lepton_reproducibility_test(name = prefix + "_reproducibility_test", artifact = artifact, **attributes)
        tests.append(":{}_reproducibility_test".format(prefix))
    if not tests:
        fail(message("budgets", label, "none is set", "Set one, such as min_accuracy = 0.97"))
    native.test_suite(name = name, tests = tests, tags = ["manual"], visibility = kwargs.get("visibility"))
