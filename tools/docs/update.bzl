"""A runnable that writes a generated file into the workspace."""

_SCRIPT = """#!/bin/sh
set -eu
runfiles="${{RUNFILES_DIR:-$0.runfiles}}"
: "${{BUILD_WORKSPACE_DIRECTORY:?lepton: {label}: start it with bazel run}}"
cat "$runfiles/{workspace}/{generated}" >"$BUILD_WORKSPACE_DIRECTORY/{path}"
"""

def _update_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(
        script,
        _SCRIPT.format(
            generated = ctx.file.generated.short_path,
            label = ctx.label.name,
            path = ctx.file.path.short_path,
            workspace = ctx.workspace_name,
        ),
        is_executable = True,
    )
    return [DefaultInfo(executable = script, runfiles = ctx.runfiles(files = [ctx.file.generated]))]

update = rule(
    implementation = _update_impl,
    doc = "Writes a generated file over one of the workspace, by `bazel run`.",
    attrs = {
        "generated": attr.label(mandatory = True, allow_single_file = True, doc = "What to write."),
        "path": attr.label(mandatory = True, allow_single_file = True, doc = "The file of the workspace to write."),
    },
    executable = True,
)
