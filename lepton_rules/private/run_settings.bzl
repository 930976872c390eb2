"""Collects the build settings and sources that every LeptonRun action shares."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":messages.bzl", "message")

def _closed_environment(hash_seed):
    # The whole environment of an action: nothing of the caller's shell reaches it.
    return {
        "LC_ALL": "C.UTF-8",
        "MKL_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        # Threads that wait, wait asleep: spinning ones take the cores that the others need, and where a core is shared
        # a training takes four times as long (seen).
        "OMP_WAIT_POLICY": "PASSIVE",
        "OPENBLAS_NUM_THREADS": "1",
        # onnxruntime's wheel reports usage unless told not to.
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": hash_seed,
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
    }

def _run_settings_impl(ctx):
    seed = ctx.attr.hash_seed[BuildSettingInfo].value
    if not seed.isdigit() or len(seed) > 10 or int(seed) >= 1 << 32:
        fail(message("hash_seed", ctx.attr.hash_seed.label, "{} is not a whole number below 2^32".format(repr(seed)), "Give for example 0"))
    timeout_s = ctx.attr.timeout_s[BuildSettingInfo].value
    if timeout_s < 0:
        fail(message("timeout_s", ctx.attr.timeout_s.label, "{} is negative".format(timeout_s), "Give seconds, or 0 for as long as it takes"))
    return [RunSettingsInfo(
        action_sources = depset(ctx.files.action_sources),
        main = ctx.file.main,
        sources = depset(ctx.files.sources),
        root = ctx.label.workspace_root or ".",
        environment = _closed_environment(seed),
        isa = ctx.attr.isa[BuildSettingInfo].value,
        flags = [
            "--isa=" + ctx.attr.isa[BuildSettingInfo].value,
            "--timeout_s={}".format(timeout_s),
        ],
        on_device = ctx.attr.on_device[BuildSettingInfo].value,
    )]

run_settings = rule(
    implementation = _run_settings_impl,
    doc = "The worker's program and the settings that reach it.",
    attrs = {
        "action_sources": attr.label_list(mandatory = True, allow_files = [".py", ".bzl", ".json"]),
        "hash_seed": attr.label(mandatory = True, providers = [BuildSettingInfo]),
        "isa": attr.label(mandatory = True, providers = [BuildSettingInfo]),
        "main": attr.label(mandatory = True, allow_single_file = [".py"]),
        "on_device": attr.label(mandatory = True, providers = [BuildSettingInfo]),
        "sources": attr.label_list(mandatory = True, allow_files = [".py", ".bzl", ".json"]),
        "timeout_s": attr.label(mandatory = True, providers = [BuildSettingInfo]),
    },
)
