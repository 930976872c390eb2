"""lepton_dataset: arrays in named splits."""

load("//lepton_rules/private/providers:dataset_info.bzl", "DatasetInfo")
load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load(":messages.bzl", "display_label", "message", "near_miss")
load(":python_sources.bzl", "python_sources")
load(":run.bzl", "RUN_ATTRS", "lepton_run")

_DOC = """Arrays in named splits, from npz files or from a generator function.

The arrays are named as the model's inputs, and `labels`; their first axis is the sample. The split that accuracy is
measured on is the `evaluation_split`: no pass and no training can be bound to it.
"""

_ATTRS = RUN_ATTRS | {
    "arrays": attr.label(allow_single_file = [".npz"], doc = "A file of arrays, instead of a generator."),
    "config": attr.string(default = "{}", doc = "The generator's argument, as JSON: `json.encode({…})`."),
    "data": attr.label_keyed_string_dict(allow_files = True, doc = "Files that the generator reads, such as `{\"words.txt\": \"words\"}`: its argument holds their paths under these keys."),
    "environment": attr.label(
        mandatory = True,
        cfg = "exec",
        providers = [EnvironmentInfo],
        doc = "The environment that runs the generator, or that reads the arrays.",
    ),
    "evaluation_split": attr.string(default = "evaluation", doc = "The split that accuracy is measured on; empty if there is none."),
    "generator": attr.string(doc = "`module:function` that takes the config, a dict, and returns a dict of arrays."),
    "imports": attr.string_list(default = ["."], doc = "Directories below the package that are put on sys.path."),
    "preload": attr.string_list(doc = "Modules that the worker imports once."),
    "split_indices": attr.label(
        allow_single_file = [".json"],
        doc = "A checked-in JSON object: for each split the list of its samples' indices. Without it, there is one split of everything.",
    ),
    "splits": attr.string_list(mandatory = True, doc = "The names of the splits."),
    "srcs": attr.label_list(allow_files = [".py"], doc = "Python sources of the generator."),
}

def _lepton_dataset_impl(ctx):
    if bool(ctx.attr.generator) == bool(ctx.file.arrays):
        fail(message("lepton_dataset", ctx.label, "it has {}".format("both generator and arrays" if ctx.attr.generator else "neither generator nor arrays"), "Give one of the two"))
    if ctx.attr.generator and ctx.attr.generator.count(":") != 1:
        fail(message("generator", ctx.label, "{} is not module:function".format(repr(ctx.attr.generator)), "Write it as `digits:load`"))
    if type(json.decode(ctx.attr.config, default = None)) != "dict":
        fail(message("config", ctx.label, "it is not a JSON object", "Write json.encode({…})"))
    if not ctx.attr.splits:
        fail(message("splits", ctx.label, "there are none", "Name at least one"))
    for split in ctx.attr.splits:
        if len([other for other in ctx.attr.splits if other == split]) > 1:
            fail(message("splits", ctx.label, "{} is there twice".format(repr(split)), "Name it once"))
    if ctx.attr.evaluation_split and ctx.attr.evaluation_split not in ctx.attr.splits:
        fail(message(
            "evaluation_split",
            ctx.label,
            "there is no split {}; {}".format(repr(ctx.attr.evaluation_split), near_miss(ctx.attr.evaluation_split, ctx.attr.splits, listing = "it has")),
            "Name one of them, or set evaluation_split to \"\" where nothing is measured",
        ))
    if not ctx.file.split_indices and len(ctx.attr.splits) > 1:
        fail(message("splits", ctx.label, "there are {} and no split_indices says which samples they hold".format(len(ctx.attr.splits)), "Check in a JSON file of indices and give it as split_indices"))
    for split in ctx.attr.splits:
        if not split.replace("_", "").replace("-", "").isalnum():
            fail(message("splits", ctx.label, "{} is no name for a file".format(repr(split)), "Use letters, digits, - and _"))
    if ctx.attr.data and not ctx.attr.generator:
        fail(message("data", ctx.label, "there is no generator to read it", "Give arrays alone, or a generator"))
    python = python_sources(ctx, ctx.attr.srcs, ctx.attr.imports)
    files = {split: ctx.actions.declare_file("{}/{}.npz".format(ctx.label.name, split)) for split in ctx.attr.splits}
    args = ctx.actions.args()
    inputs = []
    if ctx.attr.generator:
        args.add("--generator=" + ctx.attr.generator)
        args.add("--config=" + json.encode(json.decode(ctx.attr.config)))
        for target, key in ctx.attr.data.items():
            data = target.files.to_list()
            if len(data) != 1:
                fail(message("data", ctx.label, "{} has {} files".format(display_label(target.label), len(data)), "Name each file, with a key of its own"))
            if not key.replace("_", "").isalnum() or key in json.decode(ctx.attr.config):
                why = "config has this key too" if key in json.decode(ctx.attr.config) else "a key holds letters, digits and _"
                fail(message("data", ctx.label, "{} has the key {}: {}".format(display_label(target.label), repr(key), why), "Give it another key"))
            args.add(data[0], format = "--data={}=%s".format(key))
            inputs.append(data[0])
    else:
        args.add(ctx.file.arrays, format = "--source=%s")
        inputs.append(ctx.file.arrays)
    if ctx.file.split_indices:
        args.add(ctx.file.split_indices, format = "--splits=%s")
        inputs.append(ctx.file.split_indices)
    args.add("--evaluation_split=" + ctx.attr.evaluation_split)
    for split, file in files.items():
        args.add("--split=" + split)
        args.add(file, format = "--output_split=%s")
    lepton_run(
        ctx,
        action = "dataset",
        environment = ctx.attr.environment[EnvironmentInfo],
        args = args,
        inputs = inputs,
        outputs = files.values(),
        progress = "dataset",
        preload = ctx.attr.preload or ["numpy"],
        roots = python.roots,
        sources = python.sources,
    )
    return [
        DefaultInfo(files = depset(files.values())),
        OutputGroupInfo(**{split: depset([file]) for split, file in files.items()}),
        DatasetInfo(label = display_label(ctx.label), splits = files, evaluation_split = ctx.attr.evaluation_split),
    ]

lepton_dataset = rule(
    implementation = _lepton_dataset_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [DatasetInfo],
)

def training_split(dataset, name, label, what):
    """The file of a split that a pass or a training may read.

    Args:
      dataset: DatasetInfo.
      name: string: the split.
      label: Label: who asks, for messages.
      what: string: what it is asked for, for messages.

    Returns:
      File.
    """
    if name not in dataset.splits:
        fail(message(what, label, "{} has no split {}; {}".format(dataset.label, repr(name), near_miss(name, dataset.splits.keys(), listing = "it has")), "Name one of them"))
    if name == dataset.evaluation_split:
        fail(message(what, label, "{} is the evaluation split of {}, and nothing that shapes a model may see it".format(repr(name), dataset.label), "Name another split"))
    return dataset.splits[name]
