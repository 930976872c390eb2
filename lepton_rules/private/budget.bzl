"""Budgets as attributes: Starlark has no float attributes, so a budget is a decimal string, checked at analysis."""

load(":messages.bzl", "display_label", "message")

# By kind of test. Those of accuracy are called after metrics: see metric_budgets.bzl.
SIZE_BUDGETS = [
    "max_compressed_size_bytes",
    "max_compressed_size_ratio",
    "max_image_size_bytes",
    "max_size_bytes",
    "max_size_ratio",
]
LATENCY_BUDGETS = ["max_p50_ms", "max_p90_ms", "max_p99_ms", "min_speedup"]
MEMORY_BUDGETS = ["max_inference_rss_bytes", "max_inference_rss_ratio", "max_load_rss_bytes"]
THROUGHPUT_BUDGETS = ["min_samples_per_s", "min_throughput_ratio"]
COLD_START_BUDGETS = ["max_cold_start_ms", "max_cold_start_ratio"]
DIFFERENCE_BUDGETS = ["max_absolute_difference", "max_relative_difference", "min_agreement"]

# What no other budget may be called.
NAMED_BUDGETS = SIZE_BUDGETS + LATENCY_BUDGETS + MEMORY_BUDGETS + THROUGHPUT_BUDGETS + COLD_START_BUDGETS + [
    "max_absolute_difference",
    "max_relative_difference",
]

# Above these, a limit is in another unit than its name says.
LARGEST = {
    "max_cold_start_ratio": 10,
    "max_compressed_size_ratio": 10,
    "max_inference_rss_ratio": 10,
    "max_relative_difference": 10,
    "max_size_ratio": 10,
    "min_agreement": 1,
}

# Below these, no process that runs a model keeps it: it is in another unit too.
_SMALLEST = {
    "max_cold_start_ms": 1,
    "max_inference_rss_bytes": 1000000,
    "max_load_rss_bytes": 1000000,
}

_DIGITS = "0123456789"

# What the tests' programs read.
_MOST_DIGITS = 18

def _is_decimal(text):
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    return bool(digits) and not digits.strip(_DIGITS) and max(len(whole), len(fraction)) <= _MOST_DIGITS

def check_budget(ctx, name, *, maximum = None, minimum = None, whole = False):
    """The budget that an attribute sets.

    Args:
      ctx: the rule's context.
      name: string: the attribute; the unit is in its name.
      maximum: int or None: the largest value that has a meaning.
      minimum: int or None: the smallest value that a process that runs a model can keep.
      whole: bool: whether it counts things.

    Returns:
      string in decimal, or None when the budget is not set.
    """
    limit = check_limit(ctx.label, name, getattr(ctx.attr, name), maximum = maximum, whole = whole)
    if limit != None and minimum != None and float(limit) < minimum:
        fail(message(name, ctx.label, "{} is less than {}, which no process that runs a model keeps".format(limit, minimum), "Give more; the unit is in the name"))
    return limit

def check_budgets(ctx, names):
    """The budgets that a rule's attributes set.

    Args:
      ctx: the rule's context.
      names: list of string: attributes.

    Returns:
      dict of name to string in decimal, or None when the budget is not set.
    """
    return {
        name: check_budget(ctx, name, maximum = LARGEST.get(name), minimum = _SMALLEST.get(name), whole = name.endswith("_bytes"))
        for name in names
    }

def check_limit(label, name, text, *, maximum = None, whole = False, positive = True):
    """The limit that a text sets.

    Args:
      label: Label: the target, for messages.
      name: string: the budget.
      text: string: its limit as somebody wrote it.
      maximum: number or None: the largest value that has a meaning.
      whole: bool: whether it counts things.
      positive: bool: whether zero is refused.

    Returns:
      string in decimal, with digits before the point and behind it, or None when the text is empty.
    """
    text = text.strip()
    if not text:
        return None
    if text[0] == "-" and _is_decimal(text[1:]):
        fail(message(name, label, "{} is negative".format(text), "Give a number above 0" if positive else "Give 0 or more"))
    if not _is_decimal(text) or (whole and "." in text):
        fail(message(
            name,
            label,
            "{} is not {}".format(repr(text), "a whole number" if whole else "a decimal number"),
            "Write it like {}; the unit is in the name".format("\"1000000\"" if whole else "\"0.97\""),
        ))
    value = float(text)
    if positive and value == 0.0:
        fail(message(name, label, "it is 0", "Give a number above 0"))
    if maximum != None and value > maximum:
        fail(message(name, label, "{} is more than {}".format(text, maximum), "Give it as a fraction of 1, such as \"0.97\""))
    before, _, behind = text.partition(".")
    return (before or "0") + ("." + behind if behind else "")

def check_plausible(label, limits, plausible):
    """Fails for a least gain that the test would call a broken measurement, so that nothing could keep it.

    Args:
      label: Label: the target, for messages.
      limits: dict of budget to string in decimal, or None: those that are a gain over the baseline.
      plausible: string in decimal: max_plausible_speedup.
    """
    if float(plausible) <= 1:
        fail(message("max_plausible_speedup", label, "{} is not above 1, so an equal model would be implausible".format(plausible), "Give more, such as \"100\""))
    for name, limit in limits.items():
        if limit != None and float(limit) > float(plausible):
            fail(message(
                name,
                label,
                "{} is more than {}, above which a gain is a broken measurement".format(limit, plausible),
                "Give the ratio of the two, such as \"3.2\", or raise max_plausible_speedup",
            ))

def check_percentiles(label, limits):
    """Fails for a limit on a percentile that is above that on a higher one, which bounds it already.

    Args:
      label: Label: the target, for messages.
      limits: dict of budget to string in decimal, or None.
    """
    given = [(name, limits[name]) for name in LATENCY_BUDGETS if limits.get(name) != None and name.endswith("_ms")]
    for (name, limit), (higher, bound) in zip(given, given[1:]):
        if float(limit) > float(bound):
            fail(message(name, label, "{} is more than {} of {}, which bounds it already".format(limit, bound, higher), "Give less, or remove it"))

def require_budgets(ctx, budgets):
    """Fails unless at least one budget is set.

    Args:
      ctx: the rule's context.
      budgets: dict of name to string or None.

    Returns:
      list of `name=value`.
    """
    found = ["{}={}".format(name, value) for name, value in budgets.items() if value != None]
    if not found:
        fail(message("budgets", ctx.label, "none is set", "Set one of {}".format(", ".join(sorted(budgets)))))
    return found

def require_baseline(ctx, baseline, budgets, names):
    """Fails when a budget that is relative to a baseline is set without one, or to the artifact itself.

    Args:
      ctx: the rule's context; the rule has an attribute `artifact`.
      baseline: Target or None.
      budgets: dict of name to string or None.
      names: list of string: the relative budgets.
    """
    for name in names:
        if budgets[name] == None:
            continue
        if not baseline:
            fail(message(name, ctx.label, "it is relative to a baseline, and there is none", "Set baseline to the artifact to compare with"))
        if baseline.label == ctx.attr.artifact.label:
            fail(message("baseline", ctx.label, "it is {} itself, so {} says nothing".format(display_label(baseline.label), name), "Name another model"))

def decimal(value):
    """A macro's number as the string that the rule's attribute takes; strings and select() pass.

    Args:
      value: int, float, string, select or None.

    Returns:
      string or select.
    """
    if value == None:
        return ""
    if type(value) not in ["int", "float"]:
        return value
    text = str(value)
    if "e" in text and value - value == 0.0:
        # The attribute takes no exponents. Twelve digits behind the point are more than any budget has.
        return str(_without_exponent(value))
    return text

def _without_exponent(value):
    if value == int(value):
        return int(value)
    scaled = str(int(abs(value) * 1e12 + 0.5))
    digits = "0" * (13 - len(scaled)) + scaled
    return ("-" if value < 0 else "") + "{}.{}".format(digits[:-12], digits[-12:].rstrip("0"))
