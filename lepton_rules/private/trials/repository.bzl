"""The repository that a tuner puts its trials into: empty, unless `bazel run :x.tune` overrides it for its own builds."""

def _trials_repository_impl(repository_ctx):
    repository_ctx.file("BUILD.bazel", "# Empty: `bazel run :<artifact>.tune` puts a folder of trials in the place of this repository.\n")

trials_repository = repository_rule(
    implementation = _trials_repository_impl,
    doc = "An empty package.",
)
