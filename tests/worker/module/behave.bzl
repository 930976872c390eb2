"""behave: one LeptonRun action, a pass of a plugin that does as it is told, in an environment that the test lays out."""

load("@lepton_rules//lepton_rules:providers.bzl", "EnvironmentInfo")

# The action itself is under test, without the rules that declare it. buildifier: disable=bzl-visibility
load("@lepton_rules//lepton_rules/private:run.bzl", "RUN_ATTRS", "json_flag", "lepton_run")

def _behave_impl(ctx):
    model = ctx.actions.declare_directory(ctx.label.name + "/model")
    manifest = ctx.actions.declare_file(ctx.label.name + "/manifest.json")
    digest = ctx.actions.declare_file(ctx.label.name + "/weights.sha256")
    args = ctx.actions.args()
    args.add("--plugin=fake")
    args.add("--plugin_entry=lepton_plugin_fake")
    args.add("--component=behave")
    json_flag(args, "config", {"do": ctx.label.name, "options": ctx.attr.options})
    args.add_all([ctx.file.model], expand_directories = False, format_each = "--model=%s")
    args.add(ctx.file.model_manifest, format = "--model_manifest=%s")
    args.add_all([model], expand_directories = False, format_each = "--output_model=%s")
    args.add(manifest, format = "--output_manifest=%s")
    args.add(digest, format = "--output_weights_digest=%s")
    lepton_run(
        ctx,
        action = "run_pass",
        args = args,
        environment = EnvironmentInfo(
            name = "fake",
            directory = ctx.file.prefix,
            key = ctx.file._key,
            launcher = ctx.file._launcher,
            packages = {},
            python_version = "3.11.0",
        ),
        inputs = [ctx.file.model, ctx.file.model_manifest],
        outputs = [model, manifest, digest],
        preload = ["pluggy", "json"],
        progress = ctx.label.name,
        roots = [ctx.label.package + "plugin"],
        sources = depset(ctx.files.plugin),
    )
    return [DefaultInfo(files = depset([model, manifest]))]

behave = rule(
    implementation = _behave_impl,
    doc = "Runs the pass `fake.behave`.",
    attrs = RUN_ATTRS | {
        "model": attr.label(allow_single_file = True),
        "model_manifest": attr.label(allow_single_file = True),
        "options": attr.string_dict(doc = "Flags of the behaviour."),
        "plugin": attr.label_list(allow_files = True),
        "prefix": attr.label(allow_single_file = True),
        "_key": attr.label(default = "//:env/env.key", allow_single_file = True),
        "_launcher": attr.label(default = "//:env/launch", allow_single_file = True),
    },
)
