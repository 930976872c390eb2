"""lepton_plugin_contract_test: the contract test kit over a plugin, and the runnable that writes its passes.bzl anew."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:plugin_info.bzl", "PluginInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":launcher.bzl", "runfile", "runfile_root", "write_launcher")
load(":messages.bzl", "display_label", "message")
load(":run.bzl", "RUN_ATTRS")

_ATTRS = RUN_ATTRS | {
    "plugin": attr.label(mandatory = True, providers = [PluginInfo], doc = "The lepton_plugin target."),
    "_program": attr.label(default = "//lepton_rules/private/testing:run_module.py", allow_single_file = True),
}

def _own_label(label):
    # As passes.bzl, which is in the plugin's own repository, names the target.
    package = "//" + label.package
    return package if label.package.split("/")[-1] == label.name else "{}:{}".format(package, label.name)

def _program(ctx, module, roots, flags, arguments, files):
    """Writes a program that runs `module` in the plugin's environment."""
    plugin = ctx.attr.plugin[PluginInfo]
    settings = ctx.attr._run[RunSettingsInfo]
    words = ["--path=" + runfile_root(ctx, root) for root in [settings.root] + plugin.roots + roots]
    words += flags + ["--module=" + module, "--"] + arguments
    environment = plugin.environment
    return [DefaultInfo(
        executable = write_launcher(ctx, environment = environment, program = ctx.file._program, arguments = words),
        runfiles = ctx.runfiles(
            files = files + [ctx.file._program, environment.directory, environment.launcher, environment.key],
            transitive_files = depset(transitive = [plugin.sources, settings.sources]),
        ),
    )]

def _contract_test_impl(ctx):
    plugin = ctx.attr.plugin[PluginInfo]
    if not ctx.attr.samples and [k for k in plugin.descriptors if k not in ["name", "api_version", "targets"] and plugin.descriptors[k]]:
        fail(message(
            "samples",
            ctx.label,
            "the plugin {} has components to try, and there is nothing to try them on".format(plugin.name),
            "Give samples = \"module:function\", and the module's file in srcs",
        ))
    declared = ctx.actions.declare_file(ctx.label.name + ".descriptors.json")
    ctx.actions.write(declared, json.encode(plugin.descriptors))
    package = "/".join([p for p in [ctx.label.workspace_root, ctx.label.package] if p]) or "."
    arguments = [
        "--name=" + shell.quote(plugin.name),
        "--entry=" + shell.quote(plugin.entry),
        "--samples=" + shell.quote(ctx.attr.samples),
        "--descriptors=" + runfile(ctx, declared),
        "--passes=" + runfile(ctx, ctx.file.passes),
        "--passes_label=" + shell.quote(_own_label(ctx.attr.plugin.label)),
        "--label=" + shell.quote(display_label(ctx.label)),
        "--mend=" + shell.quote("bazel run {}.update".format(display_label(ctx.label))),
    ]
    return _program(
        ctx,
        "lepton_rules.plugin.contract",
        [package] + ["{}/{}".format(package, directory) for directory in ctx.attr.imports],
        [],
        arguments,
        ctx.files.srcs + ctx.files.data + [declared, ctx.file.passes],
    )

_contract_test = rule(
    implementation = _contract_test_impl,
    doc = "See the macro lepton_plugin_contract_test.",
    attrs = _ATTRS | {
        "data": attr.label_list(allow_files = True, doc = "Files that the samples are made from."),
        "imports": attr.string_list(doc = "Directories below the package that are put on sys.path, besides the package itself."),
        "passes": attr.label(mandatory = True, allow_single_file = [".bzl"], doc = "The plugin's generated passes.bzl."),
        "samples": attr.string(doc = "`module:function` that writes the samples, see lepton_rules.plugin.contract.samples."),
        "srcs": attr.label_list(allow_files = [".py"], doc = "The module that `samples` names, and what it imports."),
    },
    test = True,
)

def _update_impl(ctx):
    plugin = ctx.attr.plugin[PluginInfo]
    arguments = [
        "--name=" + shell.quote(plugin.name),
        "--entry=" + shell.quote(plugin.entry),
        "--label=" + shell.quote(_own_label(ctx.attr.plugin.label)),
        "--output=" + shell.quote(ctx.file.passes.short_path),
    ]
    return _program(ctx, "lepton_rules.plugin.generate", [], ["--cd=BUILD_WORKSPACE_DIRECTORY"], arguments, [])

_update = rule(
    implementation = _update_impl,
    doc = "Writes a plugin's passes.bzl anew, in the workspace.",
    attrs = _ATTRS | {
        "passes": attr.label(mandatory = True, allow_single_file = [".bzl"], doc = "The file to write."),
    },
    executable = True,
)

def lepton_plugin_contract_test(name, plugin, passes = "passes.bzl", samples = "", srcs = [], data = [], imports = [], **kwargs):
    """Holds a plugin to the contract, and holds its passes.bzl to what the generator writes.

    Hooks are valid and names unique; loading it imports none of its libraries; its descriptors are those of the
    `lepton_plugin` target; configurations read back equal and bad ones are refused; every component gives the same
    bytes twice and under another hash seed, and keeps its declared signature. `bazel run <name>.update` writes passes.bzl.

    Args:
      name: the test's name.
      plugin: the lepton_plugin target.
      passes: its generated file.
      samples: `module:function` that writes what the components are tried on; a plugin of targets alone needs none.
      srcs: the module that `samples` names, and what it imports; the package is on sys.path.
      data: files that the samples are made from.
      imports: directories below the package that are put on sys.path as well.
      **kwargs: Bazel's common attributes of tests.
    """
    _contract_test(
        name = name,
        data = data,
        imports = imports,
        passes = passes,
        plugin = plugin,
        samples = samples,
        srcs = srcs,
        **kwargs
    )
    _update(
        name = name + ".update",
        passes = passes,
        plugin = plugin,
        tags = ["manual"],
        testonly = True,
        visibility = kwargs.get("visibility"),
    )

def _generate_tool_impl(ctx):
    environment = ctx.attr._environment[EnvironmentInfo]
    settings = ctx.attr._run[RunSettingsInfo]
    words = [
        "--path=" + runfile_root(ctx, settings.root),
        "--cd=BUILD_WORKING_DIRECTORY",
        "--module=lepton_rules.plugin.generate",
        "--",
    ]
    return [DefaultInfo(
        executable = write_launcher(ctx, environment = environment, program = ctx.file._program, arguments = words),
        runfiles = ctx.runfiles(
            files = [ctx.file._program, environment.directory, environment.launcher, environment.key],
            transitive_files = settings.sources,
        ),
    )]

lepton_generate_tool = rule(
    implementation = _generate_tool_impl,
    doc = "Writes the first passes.bzl of a plugin, before there is a target: see docs/plugins.md.",
    attrs = RUN_ATTRS | {
        "_environment": attr.label(default = "@lepton_rules_core//:environment", providers = [EnvironmentInfo]),
        "_program": attr.label(default = "//lepton_rules/private/testing:run_module.py", allow_single_file = True),
    },
    executable = True,
)
