"""The module extension `lepton`: Python environments, and the facts of the host."""

load("//lepton_rules/private:messages.bzl", "display_label", "message")
load("//lepton_rules/private/environment:repository.bzl", "environment_repository")
load("//lepton_rules/private/host:repository.bzl", "host_repository")

_HOST = "lepton_rules_host"
_ALLOWED = "abcdefghijklmnopqrstuvwxyz0123456789_"

_environment = tag_class(
    doc = """Declares a Python environment. The module that declares it takes it with `use_repo(lepton, "<module>_<name>")`,
    and rules name it as `@<module>_<name>//:environment`.""",
    attrs = {
        "exclude": attr.string_list(doc = """Globs of files to leave out, relative to the directory of packages, beside those that no build
        action uses (see docs/environments.md): `["pandas/tests/**"]`. `*` stays within one name, `**/` is any number of directories."""),
        "interpreter": attr.label(doc = """The executable (`bin/python3`) of a whole CPython to copy, for example from an `http_archive` of a
        relocatable one. Without it, a Python of this machine is copied, and two machines have the same environment where they have the same Python."""),
        "keep": attr.string_list(doc = "Globs of files to keep although they would be left out: `[\"torch/include/**\"]`."),
        "name": attr.string(mandatory = True, doc = "Name of the environment, unique in its module: lower-case letters, digits and underscores."),
        "package_indexes": attr.string_dict(doc = """A package index for a package: `{"torch": "https://…/whl/cpu"}`. It is asked for that
        package alone, and only when the places that this machine's pip is configured with lack it."""),
        "python_version": attr.string(default = "3.11", doc = "Version of CPython: `3.11`, or in full `3.11.7`. One on this machine is copied."),
        "requirements_lock": attr.label(mandatory = True, doc = """Requirements with versions and hashes, as
        `bazel run @lepton_rules//lepton_rules:lock` writes them."""),
    },
)

def repository_name(module, name):
    """The name of the repository of a module's environment."""
    return "{}_{}".format(module, name) if module else name

def environments(modules, fail = fail):
    """Every declared environment by the name of its repository.

    Args:
      modules: the modules of the build, as module_ctx gives them.
      fail: what is called for an error; for tests.

    Returns:
      A dict of repository name to tag.
    """
    found = {}
    owners = {_HOST: "lepton_rules itself"}
    for module in modules:
        declared = {}
        owner = "module " + (module.name or "(root)")
        for tag in module.tags.environment:
            what = "environment " + repr(tag.name)
            if not tag.name or [character for character in tag.name.elems() if character not in _ALLOWED]:
                why = "a name holds lower-case letters, digits and underscores"
                fail(message(what, owner, why, "Rename it"))
            if tag.name in declared:
                locks = [display_label(one.requirements_lock) for one in [declared[tag.name], tag]]
                fail(message(what, owner, "it is declared twice, with {} and {}".format(*locks), "Rename or remove one"))
            declared[tag.name] = tag
            repository = repository_name(module.name, tag.name)
            if repository in owners:
                why = "its repository {} is also that of {}".format(repository, owners[repository])
                fail(message(what, owner, why, "Rename the environment"))
            owners[repository] = owner
            found[repository] = tag
    return found

def _lepton_impl(module_ctx):
    for repository, tag in environments(module_ctx.modules).items():
        environment_repository(
            name = repository,
            environment_name = tag.name,
            exclude = tag.exclude,
            interpreter = tag.interpreter,
            keep = tag.keep,
            package_indexes = tag.package_indexes,
            python_version = tag.python_version,
            repository = repository,
            requirements_lock = tag.requirements_lock,
        )
    host_repository(name = _HOST)
    return module_ctx.extension_metadata(reproducible = True)

lepton = module_extension(
    implementation = _lepton_impl,
    doc = "Python environments for lepton_rules, each in a repository of its own, built when a target first needs it.",
    tag_classes = {"environment": _environment},
)
