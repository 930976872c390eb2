#!/usr/bin/env bash
# Archives the classes of an unpacked Bazel's server, loaded and linked, so that each new server starts in half the time.
#
# usage: archive.sh PREFIX WORK     writes PREFIX/server.aot, which PREFIX/bazel uses from then on
#
# A server is a JVM, and spends its first seconds reading 12,000 classes from 100 jars. JEP 483 and 515: one is started on a
# small workspace, which asks of it what builds ask, and at its end the JVM writes what it had loaded. The file is for this
# JVM and these jars alone; a JVM that cannot use it does without. WORK is an empty folder.
set -euo pipefail

prefix=$1 work=$2
workspace=$work/workspace
mkdir "$workspace"
# Bazel leaves folders that cannot be written; whoever removes WORK must be able to.
trap 'chmod -R u+w "$work"' EXIT

cat >"$workspace/MODULE.bazel" <<'EOT'
module(name = "training")
bazel_dep(name = "bazel_skylib", version = "1.7.1")
bazel_dep(name = "platforms", version = "0.0.11")
sources = use_extension("//:sources.bzl", "sources")
use_repo(sources, "training_source")
EOT
cat >"$workspace/sources.bzl" <<'EOT'
def _source_impl(rctx):
    found = rctx.execute(["uname", "-m"])
    rctx.file("source.txt", json.encode({"machine": found.stdout.strip(), "path": rctx.os.environ.get("PATH", "")}))
    rctx.file("BUILD.bazel", "exports_files([\"source.txt\"], visibility = [\"//visibility:public\"])")

_source = repository_rule(implementation = _source_impl, environ = ["PATH"])

def _sources_impl(mctx):
    _source(name = "training_source")
    return mctx.extension_metadata(reproducible = True)

sources = module_extension(implementation = _sources_impl)
EOT
cat >"$workspace/rules.bzl" <<'EOT'
load("@bazel_skylib//lib:shell.bzl", "shell")

TextInfo = provider(doc = "Text.", fields = {"files": "depset of File.", "name": "string."})

def _flag(file):
    return "--{}={}".format(file.basename, file.path)

def _text_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + "/text.txt")
    args = ctx.actions.args()
    args.add(output).add("--name", ctx.label.name, format = "=%s").add_all(ctx.files.srcs, map_each = _flag)
    args.use_param_file("@%s", use_always = True).set_param_file_format("multiline")
    script = "cat $(cat ${1#@} | head -n 1 | sed s/^/-/ >/dev/null; echo \"$@\" | tr -d @) >" + shell.quote(output.path)
    ctx.actions.run_shell(
        outputs = [output],
        inputs = depset(ctx.files.srcs, transitive = [dep[TextInfo].files for dep in ctx.attr.deps]),
        arguments = [args],
        command = script,
        env = {"NAMES": ",".join(sorted([dep[TextInfo].name for dep in ctx.attr.deps]))},
        mnemonic = "Text",
        progress_message = "Text %{label}",
        use_default_shell_env = True,
    )
    folder = ctx.actions.declare_directory(ctx.label.name + "/folder")
    ctx.actions.run_shell(outputs = [folder], inputs = [output], command = "cp $1 $2", arguments = [output.path, folder.path])
    return [
        DefaultInfo(files = depset([output, folder]), runfiles = ctx.runfiles([output])),
        OutputGroupInfo(folder = depset([folder])),
        TextInfo(files = depset([output]), name = ctx.label.name),
    ]

def _other_impl(_settings, attr):
    return {"//:mode": attr.mode, "//command_line_option:compilation_mode": "opt"}

_other = transition(implementation = _other_impl, inputs = [], outputs = ["//:mode", "//command_line_option:compilation_mode"])

text = rule(implementation = _text_impl, attrs = {
    "deps": attr.label_list(providers = [TextInfo]),
    "mode": attr.string(default = "opt"),
    "options": attr.string_dict(),
    "srcs": attr.label_list(allow_files = True),
    "tool": attr.label(cfg = "exec", allow_files = True),
})

def _check_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(program, "#!/bin/sh\nexec test -s {}\n".format(ctx.files.text[0].short_path), is_executable = True)
    return [DefaultInfo(executable = program, runfiles = ctx.runfiles(ctx.files.text))]

check_test = rule(implementation = _check_impl, test = True, attrs = {
    "mode": attr.string(default = "opt"),
    "text": attr.label(cfg = _other, providers = [TextInfo]),
    "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
})

def _setting_impl(ctx):
    return [DefaultInfo()] if ctx.build_setting_value else []

mode = rule(implementation = _setting_impl, build_setting = config.string(flag = True))
EOT
cat >"$workspace/BUILD.bazel" <<'EOT'
load(":rules.bzl", "check_test", "mode", "text")

mode(name = "mode", build_setting_default = "fast")
config_setting(name = "fast", flag_values = {":mode": "fast"})
[text(
    name = "text_{}".format(i),
    srcs = glob(["*.bzl"]) + ["@training_source//:source.txt"],
    options = {key: json.encode([i]) for key in ["a", "b"]},
    deps = [":text_{}".format(i - 1)] if i else [],
    tool = select({":fast": "rules.bzl", "//conditions:default": "sources.bzl"}),
) for i in range(40)]
[check_test(name = "check_{}_test".format(i), size = "small", text = ":text_{}".format(i), tags = ["exclusive"] if i else []) for i in range(3)]
filegroup(name = "all", srcs = [":text_39"], visibility = ["//visibility:public"])
test_suite(name = "tests", tags = ["manual"])
alias(name = "last", actual = ":text_39")
EOT

# The collector and the compiler are those of this project's .bazelrc; another collector can use the classes too.
bazel() {
  (cd "$workspace" && "$prefix/bazel" "--output_user_root=$work/root" --max_idle_secs=60 --noworkspace_rc --nohome_rc --host_jvm_args=-XX:+UseParallelGC \
    --host_jvm_args=-XX:TieredStopAtLevel=1 "--host_jvm_args=-XX:AOTCacheOutput=$prefix/server.aot.new" "$@" </dev/null)
}
# What a build fails of is nothing to the archive.
bazel test --lockfile_mode=off //... || :
bazel query 'deps(//:all)' || :
bazel shutdown
[ -s "$prefix/server.aot.new" ]
mv "$prefix/server.aot.new" "$prefix/server.aot"
