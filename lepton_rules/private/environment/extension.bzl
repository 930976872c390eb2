"""The module extension `lepton`: Python environments, bases of images, models from the network, and the facts of the host."""

load("//lepton_rules/private:messages.bzl", "display_label", "message")
load("//lepton_rules/private/debian:repository.bzl", "debian_base_repository")
load("//lepton_rules/private/environment:architecture.bzl", "architectures_problem", "hub_repository")
load("//lepton_rules/private/environment:image_repository.bzl", "image_environment_repository")
load("//lepton_rules/private/environment:repository.bzl", "environment_repository")
load("//lepton_rules/private/fetch:fetch_model.bzl", "ATTRS", "fetch_model_repository")
load("//lepton_rules/private/host:repository.bzl", "host_repository")
load("//lepton_rules/private/trials:repository.bzl", "trials_repository")

_HOST = "lepton_rules_host"
_TRIALS = "lepton_rules_trials"
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
        "package_indexes": attr.string_dict(doc = """A package index for a package: `{"demo": "https://…/simple"}`, or for PyTorch one of its own in
        the words of uv's option, `{"torch": "torch-backend=cpu"}`. It is asked for that package alone, and only when the places that this machine's pip is configured with lack it."""),
        "python_version": attr.string(default = "3.11", doc = "Version of CPython: `3.11`, or in full `3.11.7`. One on this machine is copied."),
        "requirements_lock": attr.label(mandatory = True, doc = """Requirements with versions and hashes, as
        `bazel run @lepton_rules//lepton_rules:lock` writes them."""),
    },
)

_ARCHITECTURES = attr.string_list(default = ["amd64", "arm64"], doc = """What it is for, in OCI's names. Each is made when a target first needs
it, on any machine: `@<repository>//:amd64`, `@<repository>//:arm64`.""")
_COMPRESSION = attr.string(default = "zstd", values = ["none", "gzip", "zstd"], doc = """What its layer is compressed with. The other two are there
too: `@<repository>//:amd64.gzip`. Docker reads zstd from version 23 on.""")

_debian_base = tag_class(
    doc = """Declares a base for images: a minimal root unpacked from Debian packages. The module that declares it takes it with
    `use_repo(lepton, "<module>_<name>")`, and images name it as `@<module>_<name>//:base` (the one for the platform that is built for).""",
    attrs = {
        "architectures": _ARCHITECTURES,
        "compression": _COMPRESSION,
        "exclude": attr.string_list(doc = """Globs of files to leave out, relative to the root, beside documentation and caches:
        `["usr/lib/*/gconv/**"]`. `*` stays within one name, `**/` is any number of directories."""),
        "keep": attr.string_list(doc = "Globs of files to keep although they would be left out: `[\"usr/share/locale/de/**\"]`."),
        "lock": attr.label(mandatory = True, doc = "Packages with versions and hashes, as `bazel run @lepton_rules//lepton_rules:debian_lock` writes them."),
        "mirrors": attr.string_list(doc = """Addresses of Debian mirrors to ask before those of LEPTON_DEBIAN_MIRROR and of apt's sources, such as one
        that keeps old packages."""),
        "name": attr.string(mandatory = True, doc = "Name of the base, unique in its module: lower-case letters, digits and underscores."),
        "packages": attr.string_list(doc = "Packages that the lock must have, so that one that is forgotten is noticed at once."),
        "python_sources": attr.bool(default = True, doc = "Whether the sources of Python's library stay beside their bytecode. Without them a base is 8 MB smaller, and tracebacks show no lines."),
    },
)

_image_environment = tag_class(
    doc = """Declares the packages of a Python environment for images, whose interpreter is the base's. The module that declares it takes it with
    `use_repo(lepton, "<module>_<name>")`, and images name it as `@<module>_<name>//:environment` (the one for the platform that is built for).""",
    attrs = {
        "architectures": _ARCHITECTURES,
        "compression": _COMPRESSION,
        "exclude": attr.string_list(doc = "Globs of files to leave out, relative to the directory of packages, beside those that serve no model (see docs/bases.md)."),
        "glibc": attr.string(default = "2.36", doc = "Version of the base's glibc: wheels for a newer one are not taken. Debian 12 has 2.36."),
        "keep": attr.string_list(doc = "Globs of files to keep although they would be left out."),
        "name": attr.string(mandatory = True, doc = "Name of the environment, unique in its module: lower-case letters, digits and underscores."),
        "package_indexes": attr.string_dict(doc = "A package index for a package, as for `environment`."),
        "prefix": attr.string(default = "/opt/lepton/environment", doc = "The directory of packages in the image."),
        "python_sources": attr.bool(default = True, doc = "Whether sources stay beside their bytecode."),
        "python_version": attr.string(default = "3.11", doc = "Version of the base's CPython. One of this series on this machine compiles."),
        "requirements_lock": attr.label(mandatory = True, doc = "Requirements with versions and hashes of the files of every architecture, as `bazel run @lepton_rules//lepton_rules:lock` writes them."),
    },
)

_fetch_model = tag_class(
    doc = """Declares a model that is fetched by address, or by its name in a hub, when a target first needs it. The module that declares it takes
    it with `use_repo(lepton, "<module>_<name>")`, and rules name its files as `@<module>_<name>//:model.onnx`.""",
    attrs = ATTRS,
)

def repository_name(module, name):
    """The name of the repository of what a module declares."""
    return "{}_{}".format(module, name) if module else name

def _told_apart(first, second):
    locks = [display_label(getattr(tag, "requirements_lock", None) or getattr(tag, "lock", None)) for tag in [first, second] if not hasattr(tag, "files") or hasattr(tag, "requirements_lock")]
    return "with " + (" and ".join(locks) if locks else "{} and {}".format(", ".join(sorted(first.files)), ", ".join(sorted(second.files))))

# What a tag class declares, as messages call it, and the field of `declarations` that holds it.
_KINDS = [
    ("environment", "environment", "environments"),
    ("image_environment", "environment for images", "image_environments"),
    ("debian_base", "base", "bases"),
    ("fetch_model", "model", "models"),
]

def declarations(modules, fail = fail):
    """Everything that is declared, by the name of its repository.

    Args:
      modules: the modules of the build, as module_ctx gives them.
      fail: what is called for an error; for tests.

    Returns:
      struct(environments, image_environments, bases, models): dicts of repository name to tag.
    """
    found = {field: {} for _, _, field in _KINDS}
    owners = {_HOST: "lepton_rules itself", _TRIALS: "lepton_rules itself"}
    for module in modules:
        declared = {}
        owner = "module " + (module.name or "(root)")
        for tag_class, kind, field in _KINDS:
            for tag in getattr(module.tags, tag_class, []):
                what = "{} {}".format(kind, repr(tag.name))
                if not tag.name or [character for character in tag.name.elems() if character not in _ALLOWED]:
                    why = "a name holds lower-case letters, digits and underscores"
                    fail(message(what, owner, why, "Rename it"))
                before = declared.get((kind, tag.name))
                if before:
                    fail(message(what, owner, "it is declared twice, " + _told_apart(before, tag), "Rename or remove one"))
                declared[(kind, tag.name)] = tag
                problem = architectures_problem(tag.architectures) if hasattr(tag, "architectures") else None
                if problem:
                    fail(message(what, owner, problem, "Correct architectures"))
                repository = repository_name(module.name, tag.name)
                for name in [repository] + ["{}_{}".format(repository, architecture) for architecture in getattr(tag, "architectures", [])]:
                    if name in owners:
                        why = "its repository {} is also that of {}".format(name, owners[name])
                        fail(message(what, owner, why, "Rename the " + kind))
                    owners[name] = owner
                found[field][repository] = tag
    return struct(**found)

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
    for repository, tag in declared.image_environments.items():
        for architecture in tag.architectures:
            image_environment_repository(
                name = "{}_{}".format(repository, architecture),
                architecture = architecture,
                compression = tag.compression,
                environment_name = tag.name,
                exclude = tag.exclude,
                glibc = tag.glibc,
                keep = tag.keep,
                package_indexes = tag.package_indexes,
                prefix = tag.prefix,
                python_sources = tag.python_sources,
                python_version = tag.python_version,
                repository = repository,
                requirements_lock = tag.requirements_lock,
            )
        hub_repository(
            name = repository,
            architectures = tag.architectures,
            repository = repository,
            target = "environment",
            what = "environment " + tag.name,
        )
    for repository, tag in declared.bases.items():
        for architecture in tag.architectures:
            debian_base_repository(
                name = "{}_{}".format(repository, architecture),
                architecture = architecture,
                base_name = tag.name,
                compression = tag.compression,
                exclude = tag.exclude,
                keep = tag.keep,
                lock = tag.lock,
                mirrors = tag.mirrors,
                packages = tag.packages,
                python_sources = tag.python_sources,
                repository = repository,
            )
        hub_repository(
            name = repository,
            architectures = tag.architectures,
            repository = repository,
            target = "base",
            what = "base " + tag.name,
        )
    host_repository(name = _HOST)
    trials_repository(name = _TRIALS)
    return module_ctx.extension_metadata(reproducible = True)

lepton = module_extension(
    implementation = _lepton_impl,
    doc = "Python environments, bases of images and models for lepton_rules, each in a repository of its own, made when a target first needs it.",
    tag_classes = {
        "debian_base": _debian_base,
        "environment": _environment,
        "fetch_model": _fetch_model,
        "image_environment": _image_environment,
    },
)
