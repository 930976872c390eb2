"""lepton_report: what is known of artifacts, as one page and as JSON."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//lepton_rules/private/providers:metrics_info.bzl", "MetricsInfo")
load("//lepton_rules/private/providers:model_info.bzl", "ModelInfo")
load("//lepton_rules/private/providers:programs_info.bzl", "ProgramsInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":gate_settings.bzl", "GATE_ATTRS")
load(":launcher.bzl", "write_launcher")
load(":messages.bzl", "display_label", "message")
load(":profile.bzl", "profile_words")

_DOC = """One self-contained HTML page about artifacts, side by side, and the same as JSON.

What the build knows is built: size, quality, the lineage with every digest and configuration, numeric parity, the
verdicts of `tests`. `bazel run` merges what was measured: budgets from the test logs, and a profile of each artifact,
with the time after each pass. The page needs no network, and the same inputs give the same bytes.
"""

def _recipe(target):
    if OutputGroupInfo not in target or not hasattr(target[OutputGroupInfo], "recipe"):
        return None
    files = target[OutputGroupInfo].recipe.to_list()
    return files[0] if len(files) == 1 else None

def _add_artifact(args, target):
    """Adds one artifact's flags; returns the files that they name."""
    model = target[ModelInfo]
    args.add("--artifact=" + model.label)
    files = [step.manifest for step in model.steps]
    args.add_all(files, format_each = "--manifest=%s")
    if MetricsInfo in target:
        evaluated = target[MetricsInfo]
        args.add(evaluated.metrics, format = "--metrics=%s")
        args.add(evaluated.predictions, format = "--predictions=%s")
        files += [evaluated.metrics, evaluated.predictions]
        for position, file in evaluated.step_metrics.items():
            args.add(file, format = "--step_metrics={}=%s".format(position + 1))
            files.append(file)
    recipe = _recipe(target)
    if recipe:
        args.add(recipe, format = "--recipe=%s")
        files.append(recipe)
    return files

def _measurements(ctx):
    files = []
    for test in ctx.attr.tests:
        if OutputGroupInfo not in test or not hasattr(test[OutputGroupInfo], "measurement"):
            fail(message(
                "tests",
                ctx.label,
                "{} judges nothing before it runs; `bazel run` finds what it measured in the test logs".format(display_label(test.label)),
                "Leave it out",
            ))
        files += test[OutputGroupInfo].measurement.to_list()
    return files

def _images(ctx):
    statements = []
    bills = []
    for image in ctx.attr.images:
        if OutputGroupInfo not in image or not hasattr(image[OutputGroupInfo], "provenance") or not hasattr(image[OutputGroupInfo], "sbom"):
            fail(message("images", ctx.label, "{} is no image: it has no provenance".format(display_label(image.label)), "Name a lepton_image or a lepton_image_index"))
        statements += image[OutputGroupInfo].provenance.to_list()
        bills += image[OutputGroupInfo].sbom.to_list()
    return struct(bills = bills, statements = statements)

def _lepton_report_impl(ctx):
    if not ctx.attr.artifacts:
        fail(message("artifacts", ctx.label, "there is none", "Name at least one lepton_artifact"))
    label = display_label(ctx.label)
    settings = ctx.attr._run[RunSettingsInfo]
    shared = ctx.attr._programs[ProgramsInfo]
    html = ctx.actions.declare_file(ctx.label.name + ".html")
    content = ctx.actions.declare_file(ctx.label.name + ".json")
    program = ctx.actions.args()
    program.add(shared.programs["build"])
    args = ctx.actions.args()
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    args.add("--label=" + label)
    args.add(html, format = "--output_html=%s")
    args.add(content, format = "--output_json=%s")
    inputs = []
    for target in ctx.attr.artifacts:
        inputs += _add_artifact(args, target)
    measurements = _measurements(ctx)
    args.add_all(measurements, format_each = "--measurement=%s")
    images = _images(ctx)
    args.add_all(images.statements, format_each = "--statement=%s")
    args.add_all(images.bills, format_each = "--bill=%s")
    environment = shared.exec_environment
    sources = [settings.sources, shared.sources]
    ctx.actions.run(
        executable = environment.launcher,
        arguments = [program, args],
        tools = [environment.key, environment.launcher],
        inputs = depset(inputs + measurements + images.statements + images.bills + [environment.directory], transitive = sources),
        outputs = [html, content],
        env = settings.environment,
        mnemonic = "LeptonReport",
        progress_message = "Lepton report %{label}",
        toolchain = None,
    )
    words = [
        ("--label=", ctx.label),
        ("--name=", ctx.label.name),
        ("--content=", content),
        "--runfiles=\"$runfiles\"",
    ]
    for target in ctx.attr.artifacts:
        # Who made each of its models, for finding that in the profiles that Bazel writes of builds.
        model = target[ModelInfo]
        for number, step in enumerate(model.steps):
            words.append(("--made=", [model.label, number + 1, step.name, step.manifest]))
    files = [content, html]
    for number, target in enumerate(ctx.attr.artifacts):
        if MetricsInfo not in target or not target[ModelInfo].hardware:
            continue
        told = profile_words(ctx, target, target[ModelInfo].label + ".profile")
        profile = write_launcher(
            ctx,
            environment = told.environment,
            program = shared.programs["profile"],
            arguments = told.words,
            suffix = ".profile_{}".format(number),
        )
        words.append(("--profile={}=".format(shell.quote(target[ModelInfo].label)), profile))
        files += told.files + [profile]
        sources += told.sources
    own = shared.environment
    launcher = write_launcher(ctx, environment = own, program = shared.programs["run"], arguments = words)
    return [DefaultInfo(
        executable = launcher,
        files = depset([html, content]),
        runfiles = ctx.runfiles(
            files = files + [own.directory, own.key, own.launcher],
            transitive_files = depset(transitive = sources),
        ),
    )]

_ATTRS = GATE_ATTRS | {
    "artifacts": attr.label_list(mandatory = True, providers = [ModelInfo], doc = "The artifacts. The first is what the others are compared with."),
    "images": attr.label_list(doc = "Images of the artifacts, whose statement and bill of materials are shown."),
    "tests": attr.label_list(doc = "Tests of their budgets whose verdicts the build knows: sizes and metrics. Others are found in the test logs at `bazel run`."),
    "_programs": attr.label(default = "//lepton_rules/report:programs", providers = [ProgramsInfo]),
}

_lepton_report = rule(
    implementation = _lepton_report_impl,
    doc = _DOC,
    attrs = _ATTRS,
    executable = True,
)

def lepton_report(name, artifacts, tests = [], images = [], **kwargs):
    """One page about artifacts, and its JSON twin: `bazel build` for what the build knows, `bazel run` for all of it.

    `bazel run :name -- --help` lists what can be asked of it: `--output=DIR` for where to write, `--no_profile` to
    measure nothing, `--open` for the browser.

    Args:
      name: the target's name; the page is `<name>.html`, its twin `<name>.json`.
      artifacts: the lepton_artifacts, side by side. The first is what the others are compared with.
      tests: tests of their budgets whose verdicts the build knows (sizes, metrics). With them the report is `testonly`, as
        tests are.
      images: lepton_images and lepton_image_indexes of the artifacts: the page shows the statement and the bill of materials of each. They are
        written from manifests; but an image's manifest names its layers, so that building the report then builds those.
      **kwargs: Bazel's common attributes.
    """
    _lepton_report(
        name = name,
        artifacts = artifacts,
        images = images,
        tests = tests,
        testonly = kwargs.pop("testonly", True if tests else None),
        **kwargs
    )
