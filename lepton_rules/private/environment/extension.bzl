"""The module extension `lepton`: Python environments, models from the network, and the facts of the host."""

load("//lepton_rules/private:messages.bzl", "display_label", "message")
load("//lepton_rules/private/environment:repository.bzl", "environment_repository")
load("//lepton_rules/private/fetch:fetch_model.bzl", "ATTRS", "fetch_model_repository")
load("//lepton_rules/private/host:repository.bzl", "host_repository")

_HOST = "lepton_rules_host"
_ALLOWED = "abcdefghijklmnopqrstuvwxyz0123456789_"

_environment = tag_class(
    doc = """Declares a Python environment. The module that declares it takes it with `use_repo(lepton, "<module>_<name>")`,
    and rules name it as `@<module>_<name>//:environment`.""",
    attrs = {
        "exclude": attr.string_list(doc = """Globs of files to leave out, relative to the directory of packages, beside those that no build
        action uses (see docs/environments.md): `["pandas/tests/**"]`. `*` stays within one name, `**/` is any number of directories."""),
        "files": attr.string_list(doc = """Globs of files that are no part of the environment but labels of their own, such as the weights in a
        package: `["tiny_bert/model/**"]` gives `@<repository>//:files/tiny_bert/model/config.json` and so on. The lock's hash pins them."""),
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

_fetch_model = tag_class(
    doc = """Declares a model that is fetched by address, or by its name in a hub, when a target first needs it. The module that declares it takes
    it with `use_repo(lepton, "<module>_<name>")`, and rules name its files as `@<module>_<name>//:model.onnx`.""",
    attrs = ATTRS,
)

def repository_name(module, name):
    """The name of the repository of a module's environment or model."""
    return "{}_{}".format(module, name) if module else name

def _told_apart(kind, first, second):
    if kind == "environment":
        return "with {} and {}".format(display_label(first.requirements_lock), display_label(second.requirements_lock))
    return "with {} and {}".format(", ".join(sorted(first.files)), ", ".join(sorted(second.files)))

def declarations(modules, fail = fail):
    """Every declared environment and model by the name of its repository.

    Args:
      modules: the modules of the build, as module_ctx gives them.
      fail: what is called for an error; for tests.

    Returns:
      struct(environments, models): dicts of repository name to tag.
    """
    found = {"environment": {}, "model": {}}
    owners = {_HOST: "lepton_rules itself"}
    for module in modules:
        declared = {}
        owner = "module " + (module.name or "(root)")
        tags = [("environment", tag) for tag in module.tags.environment] + [("model", tag) for tag in module.tags.fetch_model]
        for kind, tag in tags:
            what = "{} {}".format(kind, repr(tag.name))
            if not tag.name or [character for character in tag.name.elems() if character not in _ALLOWED]:
                why = "a name holds lower-case letters, digits and underscores"
                fail(message(what, owner, why, "Rename it"))
            before = declared.get((kind, tag.name))
            if before:
                fail(message(what, owner, "it is declared twice, " + _told_apart(kind, before, tag), "Rename or remove one"))
            declared[(kind, tag.name)] = tag
            repository = repository_name(module.name, tag.name)
            if repository in owners:
                why = "its repository {} is also that of {}".format(repository, owners[repository])
                fail(message(what, owner, why, "Rename the " + kind))
            owners[repository] = owner
            found[kind][repository] = tag
    return struct(environments = found["environment"], models = found["model"])

def _lepton_impl(module_ctx):
    declared = declarations(module_ctx.modules)
    for repository, tag in declared.environments.items():
        environment_repository(
            name = repository,
            environment_name = tag.name,
            exclude = tag.exclude,
            files = tag.files,
            interpreter = tag.interpreter,
            keep = tag.keep,
            package_indexes = tag.package_indexes,
            python_version = tag.python_version,
            repository = repository,
            requirements_lock = tag.requirements_lock,
        )
    for repository, tag in declared.models.items():
        fetch_model_repository(
            name = repository,
            endpoint = tag.endpoint,
            files = tag.files,
            hub = tag.hub,
            model = tag.name,
            repository = repository,
            revision = tag.revision,
            urls = tag.urls,
        )
    host_repository(name = _HOST)
    return module_ctx.extension_metadata(reproducible = True)

lepton = module_extension(
    implementation = _lepton_impl,
    doc = "Python environments and models for lepton_rules, each in a repository of its own, made when a target first needs it.",
    tag_classes = {"environment": _environment, "fetch_model": _fetch_model},
)
