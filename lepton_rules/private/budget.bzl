"""Budgets as attributes: Starlark has no float attributes, so a budget is a decimal string, checked at analysis."""

load(":messages.bzl", "message")

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

# What no other budget may be called.
NAMED_BUDGETS = SIZE_BUDGETS + LATENCY_BUDGETS + MEMORY_BUDGETS + THROUGHPUT_BUDGETS + COLD_START_BUDGETS

# Above these, a limit is in another unit than its name says.
_LARGEST = {
    "max_cold_start_ratio": 10,
    "max_compressed_size_ratio": 10,
    "max_inference_rss_ratio": 10,
    "max_size_ratio": 10,
}

_DIGITS = "0123456789"

def _is_decimal(text):
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    return bool(digits) and not digits.strip(_DIGITS)

def check_budget(ctx, name, *, maximum = None, whole = False):
    """The budget that an attribute sets.

    Args:
      ctx: the rule's context.
      name: string: the attribute; the unit is in its name.
      maximum: int or None: the largest value that has a meaning.
      whole: bool: whether it counts things.

    Returns:
      string in decimal, or None when the budget is not set.
    """
    return check_limit(ctx.label, name, getattr(ctx.attr, name), maximum = maximum, whole = whole)

def check_budgets(ctx, names):
    """The budgets that a rule's attributes set.

    Args:
      ctx: the rule's context.
      names: list of string: attributes.

    Returns:
      dict of name to string in decimal, or None when the budget is not set.
    """
    return {
        name: check_budget(ctx, name, maximum = _LARGEST.get(name), whole = name.endswith("_bytes"))
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
      string in decimal, or None when the text is empty.
    """
    text = text.strip()
    if not text:
        return None
    if text[0] == "-" and _is_decimal(text[1:]):
        fail(message(name, label, "{} is negative".format(text), "Give a number above 0"))
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
    return text

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
    """Fails when a budget that is relative to a baseline is set without one.

    Args:
      ctx: the rule's context.
      baseline: Target or None.
      budgets: dict of name to string or None.
      names: list of string: the relative budgets.
    """
    for name in names:
        if budgets[name] != None and not baseline:
            fail(message(name, ctx.label, "it is relative to a baseline, and there is none", "Set baseline to the artifact to compare with"))

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
