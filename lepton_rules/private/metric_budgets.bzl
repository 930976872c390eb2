"""Budgets on metrics: `min_<metric>`, `max_<metric>`, `max_<metric>_drop[_ratio]` and `max_<metric>_rise[_ratio]`, for any
metric."""

load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load(":budget.bzl", "NAMED_BUDGETS", "check_limit", "decimal")
load(":components.bzl", "component_attributes", "decode_components")
load(":messages.bzl", "message", "near_miss")

METRIC_BUDGET_ATTRS = {
    "budgets": attr.string_dict(doc = "Limits by name: `min_<metric>`, `max_<metric>`, `max_<metric>_drop`, `max_<metric>_rise`, and the latter two with `_ratio`."),
    "first_party": attr.label(providers = [PluginInfo], doc = "Set by the macro: the plugin of the metrics that metrics does not name."),
    "metrics": attr.string_list(doc = "Set by the macro."),
    "metrics_plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
}

def is_metric_budget(name):
    """Whether a keyword argument is a budget on a metric, by the form of its name.

    Args:
      name: string.

    Returns:
      bool.
    """
    return name.startswith("min_") or name.startswith("max_")

def _split(name):
    # The metric, the change of it that is bounded, and whether that is a fraction of the baseline's value; the forms
    # that lepton_rules.measure.budget knows.
    for change in ["drop", "rise"]:
        for suffix in ["_{}_ratio".format(change), "_" + change]:
            if name.startswith("max_") and name.endswith(suffix) and len(name) > len("max_" + suffix):
                return name[len("max_"):-len(suffix)], change, suffix.endswith("_ratio")
    return name[len("max_"):], "", False

def metric_budget_attributes(name, budgets, metrics):
    """Budgets as the attributes METRIC_BUDGET_ATTRS. Call it in a macro.

    Args:
      name: string: the target, for messages.
      budgets: dict of name to int, float, string or None, which is no budget.
      metrics: list of metrics with the configuration that the user gave, or None.

    Returns:
      dict of attribute to value.
    """
    label = native.package_relative_label(":" + name)
    for budget, limit in budgets.items():
        if type(limit) == "select":
            fail(message(budget, label, "it is a select, which no budget on a metric takes", "Write a target for each case"))
    components = component_attributes("metrics", name, metrics or [])
    named = [component.name for component in metrics or []]
    given = {budget: decimal(limit) for budget, limit in budgets.items() if limit != None}
    return {
        "budgets": given,
        "first_party": Label("//plugins/metrics") if [budget for budget in given if _split(budget)[0] not in named] else None,
        "metrics": components.json,
        "metrics_plugins": components.plugins,
    }

_HIGHER = ["min_{}", "max_{}_drop", "max_{}_drop_ratio"]
_LOWER = ["max_{}", "max_{}_rise", "max_{}_rise_ratio"]

def _forms(metrics):
    return [
        form.format(name)
        for name, metric in metrics.items()
        for form in (_HIGHER if metric.descriptor["higher_is_better"] else _LOWER)
    ]

def _check_keepable(label, budget, limit, name, change, relative, descriptor):
    """Fails for a limit that every model keeps."""
    largest = 1 if relative else descriptor.get("largest")
    if largest == None or float(limit) < largest or budget.startswith("min_") or (relative and change == "rise"):
        return
    why = "all of {} may go".format(name) if relative else "{} is the most that {} can be".format(limit, name)
    fail(message(budget, label, why + ", so every model keeps it", "Give less, such as \"0.005\""))

def metric_budgets(ctx):
    """The budgets again, in a rule's implementation, checked against what the metrics' plugins declare.

    Args:
      ctx: the rule's context; the rule has METRIC_BUDGET_ATTRS.

    Returns:
      struct(
        given = list of `name=limit`,
        largest = list of `metric=largest` for metrics that are bounded,
        metrics = list of components to measure the artifact with,
        changes = list of components to measure the baseline with,
        relative = string: the first budget that is relative to a baseline, or None).
    """
    metrics = {}
    for component in decode_components(ctx, ctx.attr.metrics_plugins, ctx.attr.metrics, ["metric"]):
        if component.name in metrics:
            fail(message("metrics", ctx.label, "{} is there twice".format(component.name), "Keep one of the two: a budget names the metric alone"))
        metrics[component.name] = component
    asked = {name: component for name, component in metrics.items()}
    if ctx.attr.first_party:
        plugin = ctx.attr.first_party[PluginInfo]
        for name, descriptor in plugin.descriptors["metrics"].items():
            if name not in metrics:
                metrics[name] = struct(plugin = plugin, kind = "metric", name = name, config = {}, descriptor = descriptor)
    given, changes, relative = {}, {}, []
    for budget in sorted(ctx.attr.budgets):
        name, change, relative_change = _split(budget)
        if name not in metrics:
            fail(message(
                budget,
                ctx.label,
                "there is no metric {}; {}".format(repr(name), near_miss(
                    budget,
                    _forms(metrics) + NAMED_BUDGETS,
                    listing = "there are",
                    listed = metrics.keys(),
                )),
                "Correct its name, or give the metric in metrics",
            ))
        descriptor = metrics[name].descriptor
        if budget not in _forms({name: metrics[name]}):
            fail(message(
                budget,
                ctx.label,
                "{} is better when it is {}".format(name, "higher" if descriptor["higher_is_better"] else "lower"),
                "Set one of {}".format(", ".join(_forms({name: metrics[name]}))),
            ))
        limit = check_limit(ctx.label, budget, ctx.attr.budgets[budget], maximum = 1 if relative_change else descriptor.get("largest"), positive = not change)
        if limit == None:
            continue
        if change and descriptor["needs_baseline"]:
            fail(message(budget, ctx.label, "{} itself compares with the baseline".format(name), "Set {}".format(_forms({name: metrics[name]})[0])))
        _check_keepable(ctx.label, budget, limit, name, change, relative_change, descriptor)
        given[budget] = limit
        asked[name] = metrics[name]
        if change:
            changes[name] = metrics[name]
        if change or descriptor["needs_baseline"]:
            relative.append(budget)
    if not given:
        fail(message("budgets", ctx.label, "none is set", "Set one, such as min_accuracy = 0.97"))
    return struct(
        given = ["{}={}".format(budget, limit) for budget, limit in given.items()],
        largest = ["{}={}".format(name, metric.descriptor["largest"]) for name, metric in asked.items() if metric.descriptor.get("largest") != None],
        metrics = asked.values(),
        changes = changes.values(),
        relative = relative[0] if relative else None,
    )
