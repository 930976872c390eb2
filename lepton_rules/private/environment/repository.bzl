"""The repository that holds one Python environment."""

load("//lepton_rules/private:messages.bzl", "display_label", "message")
load("//lepton_rules/private/environment:builder.bzl", "INSTALLER", "run_builder", "watch")
load("//lepton_rules/private/environment:interpreter.bzl", "find_interpreter")

_BUILD = """\
load("@lepton_rules//lepton_rules/private/environment:environment.bzl", "lepton_environment", "lepton_environment_python")

package(default_visibility = ["//visibility:public"])

exports_files(["env.key", "launch", "prefix"] + glob(["files/**"], allow_empty = True))

lepton_environment(
    name = "environment",
    directory = ":prefix",
    environment_name = {name},
    key = ":env.key",
    launcher = ":launch",
    packages = {packages},
    python_version = {python_version},
    # Built with this machine's Python, for this machine alone.
    target_compatible_with = {platform},
)

alias(
    name = {repository},
    actual = ":environment",
)

lepton_environment_python(
    name = "python",
    environment = ":environment",
)
"""

_SYSTEMS = {"linux": "linux"}
_PROCESSORS = {"aarch64": "aarch64", "amd64": "x86_64", "arm64": "aarch64", "x86_64": "x86_64"}

def _platform(rctx, what, label):
    """The constraints that a platform must meet to run what this machine builds."""
    system = rctx.os.name.lower()
    processor = rctx.os.arch.lower()
    if system not in _SYSTEMS or processor not in _PROCESSORS:
        why = "this machine is {} on {}, and environments are built on Linux, on x86-64 and arm64".format(system, processor)
        fail(message(what, label, why, "Build on such a machine"))
    return ["@platforms//os:" + _SYSTEMS[system], "@platforms//cpu:" + _PROCESSORS[processor]]

def _environment_repository_impl(rctx):
    label = "@{}//:environment".format(rctx.attr.repository)
    what = "environment " + rctx.attr.environment_name
    platform = _platform(rctx, what, label)

    # A path of a label is watched: a changed lock or builder builds the environment again.
    lock = rctx.path(rctx.attr.requirements_lock)
    watch(rctx, rctx.attr._builder)
    python = find_interpreter(rctx, what, label, rctx.attr.python_version, rctx.attr.interpreter)
    rctx.report_progress("building Python environment " + rctx.attr.environment_name)
    facts = run_builder(rctx, python, what, label, {
        "exclude": rctx.attr.exclude,
        "files": rctx.attr.files,
        "keep": rctx.attr.keep,
        "label": label,
        "lock": str(lock),
        "lock_label": display_label(rctx.attr.requirements_lock),
        "name": rctx.attr.environment_name,
        "package_indexes": rctx.attr.package_indexes,
    }, timeout = 3600)

    # `bazel query @repository//...` has no business in 20,000 files.
    rctx.file(".bazelignore", "prefix\n", executable = False)
    rctx.file("BUILD.bazel", _BUILD.format(
        name = repr(rctx.attr.environment_name),
        packages = json.encode_indent(facts["packages"], prefix = "    ", indent = "    "),
        platform = json.encode(platform),
        python_version = repr(facts["python_version"]),
        repository = repr(rctx.attr.repository),
    ), executable = False)

environment_repository = repository_rule(
    implementation = _environment_repository_impl,
    doc = """One Python environment: interpreter, standard library and packages as a single source directory, and its key.

    No index setting is in `environ`: the lock's hashes decide what is installed, so another mirror or a new token is no reason to
    build again, and no credential comes near a file that Bazel keeps.
    """,
    attrs = {
        "environment_name": attr.string(mandatory = True, doc = "The name in the tag."),
        "exclude": attr.string_list(doc = "Globs of files to drop, relative to the directory of packages."),
        "files": attr.string_list(doc = "Globs of files to take out of the packages, as labels of their own."),
        "interpreter": attr.label(allow_single_file = True, doc = "The executable of a whole CPython to copy."),
        "keep": attr.string_list(doc = "Globs of files to keep although they would be dropped."),
        "package_indexes": attr.string_dict(doc = "An index for a package that this machine's own places lack."),
        "python_version": attr.string(mandatory = True, doc = "Version of CPython, with or without its last component."),
        "repository": attr.string(mandatory = True, doc = "The repository's name as a module that uses it writes it."),
        "requirements_lock": attr.label(mandatory = True, allow_single_file = True, doc = "Requirements with versions and hashes."),
        "_builder": attr.label_list(default = INSTALLER),
        "_main": attr.label(default = Label("//lepton_rules/private/environment/builder:build_environment.py")),
    },
)
