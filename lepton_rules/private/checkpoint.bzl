"""lepton_checkpoint: weights, from a training function or from a file, as safetensors."""

load("//lepton_rules/private/providers:dataset_info.bzl", "DatasetInfo")
load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load(":dataset.bzl", "training_split")
load(":messages.bzl", "message", "near_miss")
load(":python_sources.bzl", "python_sources")
load(":run.bzl", "RUN_ATTRS", "lepton_run")

_DOC = """Weights as one file: safetensors, or another format that the plugin writes, such as Keras's `h5`.

With `function`, a training function runs hermetically: fixed seed, fixed threads, no network, and the splits it is given.
With `src`, a `.pt` or `.bin` file is read by `torch.load(weights_only = True)`, and anything in it that is code is refused.
"""

_ATTRS = RUN_ATTRS | {
    "config": attr.string(default = "{}", doc = "The training function's configuration, as JSON: `json.encode({…})`."),
    "dataset": attr.label(providers = [DatasetInfo], doc = "The dataset to train on."),
    "environment": attr.label(
        cfg = "exec",
        providers = [EnvironmentInfo],
        doc = "The environment that trains. Default: the plugin's.",
    ),
    "format": attr.string(
        default = "safetensors",
        doc = "The format of the file, which is also its suffix. A plugin's `checkpoints` are those that it writes.",
    ),
    "function": attr.string(doc = "`module:function` that takes a TrainingContext and returns a dict of tensors."),
    "imports": attr.string_list(default = ["."], doc = "Directories below the package that are put on sys.path."),
    "plugin": attr.label(default = "//plugins/torch", providers = [PluginInfo], doc = "The plugin that reads checkpoint files and writes tensors."),
    "preload": attr.string_list(doc = "Modules that the worker imports once. Default: the plugin's."),
    "seed": attr.int(default = 0, doc = "Seed of every random number generator."),
    "splits": attr.string_list(default = ["train"], doc = "The splits that the training function gets. Never the evaluation split."),
    "src": attr.label(allow_single_file = True, doc = "A checkpoint file to convert, instead of a function."),
    "srcs": attr.label_list(allow_files = [".py"], doc = "Python sources of the function."),
    "threads": attr.int(default = 1, doc = "Threads that the training uses. Sums depend on it, so it is part of the action's key."),
}

def _lepton_checkpoint_impl(ctx):
    if bool(ctx.attr.function) == bool(ctx.file.src):
        fail(message("lepton_checkpoint", ctx.label, "it has {}".format("both function and src" if ctx.file.src else "neither function nor src"), "Give one of the two"))
    if ctx.attr.function and ctx.attr.function.count(":") != 1:
        fail(message("function", ctx.label, "{} is not module:function".format(repr(ctx.attr.function)), "Write it as `train:train`"))
    if ctx.file.src and ctx.attr.format != "safetensors":
        fail(message("format", ctx.label, "a converted file is safetensors, not {}".format(ctx.attr.format), "Remove format"))
    if ctx.attr.threads < 1:
        fail(message("threads", ctx.label, "{} is less than 1".format(ctx.attr.threads), "Give at least 1"))
    if type(json.decode(ctx.attr.config, default = None)) != "dict":
        fail(message("config", ctx.label, "it is not a JSON object", "Write json.encode({…})"))
    plugin = ctx.attr.plugin[PluginInfo]
    environment = ctx.attr.environment[EnvironmentInfo] if ctx.attr.environment else plugin.environment
    python = python_sources(ctx, ctx.attr.srcs, ctx.attr.imports)
    if ctx.attr.format not in plugin.checkpoints:
        fail(message(
            "format",
            ctx.label,
            "plugin {} writes no {}; {}".format(plugin.name, repr(ctx.attr.format), near_miss(ctx.attr.format, plugin.checkpoints, listing = "it writes")),
            "Give one of them, or name another plugin",
        ))
    weights = ctx.actions.declare_file("{}.{}".format(ctx.label.name, ctx.attr.format))
    args = ctx.actions.args()
    args.add("--plugin=" + plugin.name)
    args.add("--plugin_entry=" + plugin.entry)
    inputs = []
    if ctx.attr.function:
        args.add("--function=" + ctx.attr.function)
        args.add("--config=" + json.encode(json.decode(ctx.attr.config)))
        args.add("--seed={}".format(ctx.attr.seed))
        if ctx.attr.dataset:
            for split in ctx.attr.splits:
                file = training_split(ctx.attr.dataset[DatasetInfo], split, ctx.label, "splits")
                args.add(file, format = "--dataset={}=%s".format(split))
                inputs.append(file)
    else:
        args.add(ctx.file.src, format = "--source=%s")
        inputs.append(ctx.file.src)
    args.add(weights, format = "--output_weights=%s")
    lepton_run(
        ctx,
        action = "checkpoint",
        environment = environment,
        args = args,
        inputs = inputs,
        outputs = [weights],
        progress = "train" if ctx.attr.function else "convert",
        preload = ctx.attr.preload or plugin.preload,
        roots = plugin.roots + python.roots,
        sources = depset(transitive = [plugin.sources, python.sources]),
        threads = ctx.attr.threads,
    )
    return [DefaultInfo(files = depset([weights]))]

lepton_checkpoint = rule(
    implementation = _lepton_checkpoint_impl,
    doc = _DOC,
    attrs = _ATTRS,
)
