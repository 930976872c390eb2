"""lepton_artifact: a model, taken through a recipe, for a chip."""

load("//lepton_rules/private/providers:dataset_info.bzl", "DatasetInfo")
load("//lepton_rules/private/providers:hardware_info.bzl", "HardwareInfo")
load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:plan_info.bzl", "PlanInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load("//lepton_rules/private/providers:recipe_info.bzl", "RecipeInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":components.bzl", "component_attributes", "decode_components")
load(":dataset.bzl", "training_split")
load(":evaluate.bzl", "ACCURACY", "evaluate", "measure", "metric_key")
load(":messages.bzl", "display_label", "message", "near_miss")
load(":model_files.bzl", "model_providers")
load(":plan.bzl", "plan")
load(":profile.bzl", "lepton_monitor", "lepton_profile")
load(":recipe_file.bzl", "write_recipe")
load(":report.bzl", "lepton_report")
load(":reproduce.bzl", "lepton_reproduce")
load(":run.bzl", "RUN_ATTRS")
load(":search.bzl", "SEARCH_ATTRS", "decode_search", "search_attributes")
load(":step.bzl", "run_step", "step_call")
load(":summary.bzl", "lepton_summary")
load(":tune.bzl", "lepton_tune")

_DOC = """A model taken through a recipe for a chip: one action for each pass, and a manifest after each.

Where a pass, or the chip, takes another format, the exporter that leads there is inserted. Configuration comes from the
artifact's overrides, else the recipe, else the hardware's defaults, else the plugin's. What the chip cannot do is an
error before anything runs. The output group `recipe` is all of it as `recipe.yaml`, which `lepton run` repeats.
"""

_ATTRS = RUN_ATTRS | SEARCH_ATTRS | {
    "dataset": attr.label(providers = [DatasetInfo], doc = "The data: its evaluation split measures accuracy; a slot named as another of its splits is bound to it."),
    "hardware": attr.label(mandatory = True, providers = [HardwareInfo], doc = "The chip that the artifact is for."),
    "measure_steps": attr.bool(doc = "Also measures what came out of each pass, exported for the chip as it is, for `<name>.summary` to show. Nothing runs until that is asked for."),
    "metrics": attr.string_list(doc = "Set by the macro."),
    "metrics_plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
    "model": attr.label(mandatory = True, providers = [ModelInfo], doc = "The model, or another artifact."),
    "override_plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
    "overrides": attr.string_list(doc = "Set by the macro."),
    "pass_plugins": attr.label_list(providers = [PluginInfo], doc = "Set by the macro."),
    "passes": attr.string_list(doc = "Set by the macro."),
    "recipe": attr.label(providers = [RecipeInfo], doc = "The passes. Without one, the model is only exported for the chip."),
    "seed": attr.int(default = 0, doc = "Seed of every pass that draws random numbers."),
    "slots": attr.label_keyed_string_dict(
        doc = "What the passes' slots are bound to, such as `{\":teacher\": \"teacher\", \":digits\": \"calibration=train\"}`: a model, or a dataset and one of its splits (default: the split named as the slot, else `train`). Several slots are separated by commas.",
    ),
    "threads": attr.int(default = 1, doc = "Threads for each pass. Sums depend on it, so it is part of the actions' keys."),
}

def _dataset_slot(dataset, split, file):
    return struct(kind = "dataset", origin = "{} {}".format(dataset.label, split), file = file)

def _bound_slots(ctx):
    """dict of slot name to struct(kind, origin, file or directory, manifest)."""
    slots = {}
    for target, names in ctx.attr.slots.items():
        for binding in names.split(","):
            name, _, split = binding.strip().partition("=")
            if not name:
                fail(message("slots", ctx.label, "{} is bound to no slot".format(display_label(target.label)), "Write the slot's name, such as \"calibration\""))
            if name in slots:
                fail(message("slots", ctx.label, "{} is bound twice".format(name), "Bind it once"))
            if DatasetInfo in target:
                dataset = target[DatasetInfo]
                default = name if name in dataset.splits and name != dataset.evaluation_split else "train"
                file = training_split(dataset, split or default, ctx.label, "slot {}".format(name))
                slots[name] = _dataset_slot(dataset, split or default, file)
            elif ModelInfo in target:
                if split:
                    fail(message("slots", ctx.label, "{} is a model, which has no split {}".format(display_label(target.label), repr(split)), "Write only {}".format(repr(name))))
                model = target[ModelInfo]
                slots[name] = struct(kind = "model", origin = model.label, directory = model.directory, manifest = model.manifest)
            else:
                fail(message("slots", ctx.label, "{} is neither a model nor a dataset".format(display_label(target.label)), "Bind {} to one".format(name)))
    return slots

def _slots_of(ctx, step, bound):
    """The slots of one step, with the dataset's own splits for those that nobody bound."""
    result = {}
    for name, slot in step.descriptor.get("slots", {}).items():
        if name in bound:
            if bound[name].kind != slot["kind"]:
                fail(message(
                    "slot {} of {}".format(name, step.qualified),
                    ctx.label,
                    "it is bound to a {} and takes a {}".format(bound[name].kind, slot["kind"]),
                    "Bind it to a {}".format(slot["kind"]),
                ))
            result[name] = bound[name]
        elif slot["kind"] == "dataset" and ctx.attr.dataset and name in ctx.attr.dataset[DatasetInfo].splits and name != ctx.attr.dataset[DatasetInfo].evaluation_split:
            dataset = ctx.attr.dataset[DatasetInfo]
            result[name] = _dataset_slot(dataset, name, dataset.splits[name])
        elif slot["required"]:
            fail(message(
                "slot {} of {}".format(name, step.qualified),
                ctx.label,
                "nothing is bound to it",
                "Write slots = {{\"//some:{}\": \"{}\"}}".format(slot["kind"], name),
            ))
    return result

def _check_slots_used(ctx, steps, bound):
    known = []
    for step in steps:
        known += step.descriptor.get("slots", {}).keys()
    for name in bound:
        if name not in known:
            fail(message("slots", ctx.label, "no pass has a slot {}; {}".format(repr(name), near_miss(name, known)), "Correct its name, or remove it"))

def _done(name, files, call):
    return struct(name = name, directory = files.directory, manifest = files.manifest, weights_digest = files.weights_digest, call = call)

def _as_written(step, slots):
    # The step as recipe.yaml tells it: with what its slots are bound to.
    return struct(
        plugin = step.plugin,
        name = step.name,
        config = step.config,
        descriptor = step.descriptor,
        slots = {name: slot.origin for name, slot in slots.items()},
    )

def _measure_steps(ctx, source, steps, done, hardware, dataset, metrics):
    """What came out of each step, exported for the chip: the last is there already.

    Returns:
      struct(metrics = dict of position in `done` to metrics.json, models = dict of position to struct(directory, manifest)).
    """
    result = {}
    models = {}
    formats = [source.format] + [step.descriptor["produces"] for step in steps]
    first = len(source.steps) - 1
    for offset, format in enumerate(formats[:-1]):
        position = first + offset
        model = struct(directory = done[position].directory, manifest = done[position].manifest, environment = source.environment)
        folder = "after/{}".format(position + 1)
        for step in plan(ctx.label, struct(plugins = source.plugins, format = format, needs = []), [], hardware, []):
            call = step_call(model = model, hardware = hardware, step = step, seed = ctx.attr.seed, threads = ctx.attr.threads)
            files = run_step(ctx, "{}/{}/1_{}".format(ctx.label.name, folder, step.qualified), call)
            model = struct(directory = files.directory, manifest = files.manifest, environment = None)
        measured = struct(label = display_label(ctx.label), directory = model.directory, manifest = model.manifest, hardware = hardware)
        predictions = evaluate(ctx, measured, dataset, name = folder + "/predictions.npz")
        result[position] = measure(ctx, measured, dataset, predictions, metrics, name = folder + "/metrics.json")
        models[position] = struct(directory = model.directory, manifest = model.manifest)
    return struct(metrics = result, models = models)

def _lepton_artifact_impl(ctx):
    if ctx.attr._run[RunSettingsInfo].on_device:
        # Only asked whether its chip is here: see device_transition.bzl.
        return []
    if ctx.attr.threads < 1:
        fail(message("threads", ctx.label, "{} is less than 1".format(ctx.attr.threads), "Give at least 1"))
    source = ctx.attr.model[ModelInfo]
    hardware = ctx.attr.hardware[HardwareInfo]
    if ctx.attr.recipe:
        recipe = ctx.attr.recipe[RecipeInfo]
    else:
        recipe = RecipeInfo(
            label = display_label(ctx.label),
            steps = decode_components(ctx, ctx.attr.pass_plugins, ctx.attr.passes, ["pass", "exporter"]),
        )
    recipe_steps = recipe.steps
    overrides = decode_components(ctx, ctx.attr.override_plugins, ctx.attr.overrides, ["pass", "exporter"])
    steps = plan(ctx.label, source, recipe_steps, hardware, overrides)
    bound = _bound_slots(ctx)
    _check_slots_used(ctx, steps, bound)

    space = decode_search(ctx, ["{}.{}".format(step.plugin.name, step.name) for step in recipe_steps])

    plugins = {plugin.label: plugin for plugin in source.plugins}
    model = source
    models = [source]
    slots_of_steps = []
    done = list(source.steps)
    written = []
    for number, step in enumerate(steps):
        plugins[step.plugin.label] = step.plugin
        slots = _slots_of(ctx, step, bound)
        slots_of_steps.append(slots)
        written.append(_as_written(step, slots) if slots else step)
        call = step_call(model = model, hardware = hardware, step = step, slots = slots, seed = ctx.attr.seed, threads = ctx.attr.threads)
        files = run_step(ctx, "{}/{}_{}".format(ctx.label.name, number + 1, step.qualified), call)
        done.append(_done(step.qualified, files, call))
        model = struct(directory = files.directory, manifest = files.manifest, environment = source.environment)
        models.append(model)
    if not steps:
        # A model that needs no step still gets a manifest that names its chip.
        call = step_call(model = source, hardware = hardware)
        done.append(_done("bind", run_step(ctx, ctx.label.name + "/1_bind", call), call))
    info = ModelInfo(
        label = display_label(ctx.label),
        format = steps[-1].descriptor["produces"] if steps else source.format,
        directory = done[-1].directory,
        manifest = done[-1].manifest,
        weights_digest = done[-1].weights_digest,
        plugins = plugins.values(),
        environment = source.environment,
        hardware = hardware,
        needs = source.needs + [struct(capability = need, step = step.qualified) for step in steps for need in step.needs],
        steps = done,
    )
    others = []
    metrics = decode_components(ctx, ctx.attr.metrics_plugins, ctx.attr.metrics, ["metric"])
    if ctx.attr.measure_steps and not ctx.attr.dataset:
        fail(message("measure_steps", ctx.label, "there is no dataset to measure on", "Name one, or leave measure_steps out"))
    if ctx.attr.dataset:
        dataset = ctx.attr.dataset[DatasetInfo]
        if not dataset.evaluation_split:
            fail(message("dataset", ctx.label, "{} has no evaluation split".format(dataset.label), "Name one in it, or leave dataset out and bind slots"))
        alone = [metric for metric in metrics if not metric.descriptor["needs_baseline"]]
        predictions = evaluate(ctx, info, dataset)
        after = struct(metrics = {}, models = {})
        if ctx.attr.measure_steps:
            after = _measure_steps(ctx, source, steps, done, hardware, dataset, alone)
        others.append(MetricsInfo(
            predictions = predictions,
            metrics = measure(ctx, info, dataset, predictions, alone),
            computed = [metric_key(metric) for metric in alone],
            dataset = dataset,
            step_metrics = after.metrics,
            step_models = after.models,
        ))
    others.append(PlanInfo(
        dataset = ctx.attr.dataset[DatasetInfo] if ctx.attr.dataset else None,
        hardware = hardware,
        label = ctx.label,
        metrics = metrics,
        models = models,
        search = space.search or recipe.search,
        search_without = space.without or recipe.search_without,
        seed = ctx.attr.seed,
        slots = slots_of_steps,
        steps = steps,
        threads = ctx.attr.threads,
    ))
    written_recipe = write_recipe(
        ctx,
        doc = "lepton run repeats it",
        steps = written,
        hardware = hardware,
        isa = ctx.attr._run[RunSettingsInfo].isa,
        seed = ctx.attr.seed,
        threads = ctx.attr.threads,
    )
    return model_providers(info, others, written_recipe)

_lepton_artifact = rule(
    implementation = _lepton_artifact_impl,
    doc = _DOC,
    attrs = _ATTRS,
)

_RUNNABLES = {
    ".monitor": lepton_monitor,
    ".profile": lepton_profile,
    ".reproduce": lepton_reproduce,
    ".summary": lepton_summary,
}

def lepton_artifact(name, model, hardware, recipe = None, overrides = [], metrics = None, search = [], **kwargs):
    """A model taken through a recipe for a chip, and its runnables.

    `<name>.summary` prints size, accuracy and lineage, `<name>.report` writes all that is known as a page,
    `<name>.profile` tells where time and memory go and what to do about it, and `<name>.monitor` runs it and serves
    what is measured to Prometheus. `<name>.reproduce` builds it again from nothing elsewhere and compares.
    `<name>.tune` searches what the recipe leaves open.

    Args:
      name: the target's name.
      model: a lepton_model, or another lepton_artifact.
      hardware: a lepton_hardware.
      recipe: a lepton_recipe, or an ordinary list of passes such as `[onnx.optimize(), onnx.quantize()]`.
      overrides: list of passes whose options win over the recipe's.
      metrics: list of metrics to compute on the dataset's evaluation split. Default: accuracy.
      search: what `<name>.tune` varies instead of what the recipe says; see lepton_recipe.
      **kwargs: Bazel's common attributes, and
        `dataset`: a lepton_dataset. Its evaluation split measures accuracy, and a slot named as another of its splits is bound to that;
        `slots`: dict of label to what it is bound to, `{":teacher": "teacher", ":digits": "calibration=train"}`: a model, or a dataset and one
        of its splits (default: the split named as the slot, else `train`), several separated by commas;
        `search_without`: list of passes that `<name>.tune` may leave out;
        `seed`: of every pass that draws random numbers (0);
        `threads`: for each pass (1). Sums depend on it, so it is part of the actions' keys;
        `measure_steps`: whether `<name>.summary` also measures what came out of each pass (False).
    """
    if metrics == None:
        # Only where there is data to measure on: the metrics' environment is not for who never evaluates.
        metrics = [ACCURACY] if kwargs.get("dataset") else []
    passes = component_attributes("recipe", name, recipe if type(recipe) in ["list", "tuple"] else [])
    override_components = component_attributes("overrides", name, overrides)
    metric_components = component_attributes("metrics", name, metrics)
    space = search_attributes(name, search)
    _lepton_artifact(
        name = name,
        search = space.json,
        search_plugins = space.plugins,
        model = model,
        hardware = hardware,
        recipe = None if type(recipe) in ["list", "tuple"] else recipe,
        passes = passes.json,
        pass_plugins = passes.plugins,
        overrides = override_components.json,
        override_plugins = override_components.plugins,
        metrics = metric_components.json,
        metrics_plugins = metric_components.plugins,
        **kwargs
    )
    lepton_report(
        name = name + ".report",
        artifacts = [":" + name],
        tags = ["manual"],
        visibility = kwargs.get("visibility"),
        testonly = kwargs.get("testonly"),
        target_compatible_with = kwargs.get("target_compatible_with"),
    )
    for suffix, runnable in _RUNNABLES.items():
        runnable(
            name = name + suffix,
            artifact = ":" + name,
            tags = ["manual"],
            visibility = kwargs.get("visibility"),
            testonly = kwargs.get("testonly"),
            target_compatible_with = kwargs.get("target_compatible_with"),
        )
    lepton_tune(name, testonly = kwargs.get("testonly"))
