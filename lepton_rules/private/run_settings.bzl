"""Collects the build settings and sources that every LeptonRun action shares."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")

def _run_settings_impl(ctx):
    seed = ctx.attr.hash_seed[BuildSettingInfo].value
    if not seed.isdigit():
        fail("lepton: hash_seed in {}: {} is not a number. Give --@lepton_rules//lepton_rules/settings:hash_seed=0.".format(ctx.label, repr(seed)))
    return [RunSettingsInfo(
        main = ctx.file.main,
        sources = depset(ctx.files.sources),
        root = ctx.label.workspace_root or ".",
        hash_seed = seed,
        isa = ctx.attr.isa[BuildSettingInfo].value,
        timeout_s = ctx.attr.timeout_s[BuildSettingInfo].value,
    )]

run_settings = rule(
    implementation = _run_settings_impl,
    doc = "The worker's program and the settings that reach it.",
    attrs = {
        "hash_seed": attr.label(mandatory = True, providers = [BuildSettingInfo]),
        "isa": attr.label(mandatory = True, providers = [BuildSettingInfo]),
        "main": attr.label(mandatory = True, allow_single_file = [".py"]),
        "sources": attr.label_list(mandatory = True, allow_files = [".py", ".bzl", ".json"]),
        "timeout_s": attr.label(mandatory = True, providers = [BuildSettingInfo]),
    },
)
