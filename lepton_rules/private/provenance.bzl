"""What an image is made of and where it comes from: an action's worth of facts, in output groups."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")

# The output groups that provenance() makes.
PROVENANCE_GROUPS = ["checksums", "provenance", "sbom"]

# Attributes of a rule that calls provenance(), beside RUN_ATTRS.
PROVENANCE_ATTRS = {
    "_builder_id": attr.label(default = "//lepton_rules/settings:builder_id", providers = [BuildSettingInfo]),
    "_provenance": attr.label(default = "//lepton_rules/provenance:main.py", allow_single_file = True),
    "_provenance_environment": attr.label(default = "@lepton_rules_core//:environment", cfg = "exec", providers = [EnvironmentInfo]),
    "_provenance_sources": attr.label(default = "//lepton_rules/provenance:sources"),
}

def provenance(ctx, *, image, metrics = None, packages = [], parameters = {}):
    """Declares the action that writes an image's provenance. It runs only when one of its groups is asked for.

    Nothing in it changes from build to build: no time, no host, no user. It reads manifests and descriptors, no layer.

    Args:
      ctx: the context of a rule with RUN_ATTRS and PROVENANCE_ATTRS.
      image: ImageInfo: the image; or a struct with its `name`, `label`, `manifest`, `digest`, `platform` and `model_manifest`.
      metrics: File or None: metrics.json of the model, for the model card.
      packages: list of struct(kind, facts): what is installed in the image. `kind` is `deb` or `pypi`; `facts` is a File of JSON,
        `{"packages": {name: version}}`. They are LayersInfo.packages of base and environment.
      parameters: dict: what the user set on the image, such as `{"compression": "zstd"}`.

    Returns:
      dict of string to depset of File, for OutputGroupInfo: `provenance` (in-toto statement with SLSA v1 provenance), `sbom` (CycloneDX 1.6
      with a model card) and `checksums` (for `sha256sum -c`: of the layout's blobs, and of the model's files).
    """
    prefix = ctx.label.name
    statement = ctx.actions.declare_file(prefix + ".intoto.json")
    bill = ctx.actions.declare_file(prefix + ".cdx.json")
    checksums = ctx.actions.declare_file(prefix + ".sha256")
    model_checksums = ctx.actions.declare_file(prefix + ".model.sha256")
    platform = "/".join([part for part in [image.platform["os"], image.platform["architecture"], image.platform.get("variant")] if part])
    args = ctx.actions.args()
    args.add(ctx.file._provenance)
    args.add_all([
        "--label=" + image.label,
        "--name=" + image.name,
        "--platform=" + platform,
        "--builder=" + ctx.attr._builder_id[BuildSettingInfo].value,
        "--parameters=" + json.encode(parameters),
    ])
    args.add(image.digest, format = "--digest=%s")
    args.add(image.manifest, format = "--image_manifest=%s")
    args.add(image.model_manifest, format = "--model_manifest=%s")
    inputs = [image.digest, image.manifest, image.model_manifest]
    if metrics:
        args.add(metrics, format = "--metrics=%s")
        inputs.append(metrics)
    for package in packages:
        args.add(package.facts, format = "--packages={}=%s".format(package.kind))
        inputs.append(package.facts)
    args.add(statement, format = "--output_statement=%s")
    args.add(bill, format = "--output_bill=%s")
    args.add(checksums, format = "--output_checksums=%s")
    args.add(model_checksums, format = "--output_model_checksums=%s")
    environment = ctx.attr._provenance_environment[EnvironmentInfo]
    settings = ctx.attr._run[RunSettingsInfo]
    ctx.actions.run(
        executable = environment.launcher,
        arguments = [args],
        tools = [environment.key, environment.launcher],
        inputs = depset(inputs + [environment.directory], transitive = [settings.action_sources, ctx.attr._provenance_sources[DefaultInfo].files]),
        outputs = [statement, bill, checksums, model_checksums],
        env = settings.environment,
        mnemonic = "LeptonProvenance",
        progress_message = "Lepton provenance %{label}",
        toolchain = None,
    )
    return {
        "checksums": depset([checksums, model_checksums]),
        "provenance": depset([statement]),
        "sbom": depset([bill]),
    }
