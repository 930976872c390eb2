"""Repositories for an image's architecture, and the one that stands for all of them."""

load("//lepton_rules/private:messages.bzl", "message")

# Of Debian's and OCI's names, which are the same here, to those of platforms.
CPUS = {"amd64": "x86_64", "arm64": "aarch64"}

_HOSTS = {"aarch64": "arm64", "amd64": "amd64", "arm64": "arm64", "x86_64": "amd64"}

_LAYERS = """\
load("@lepton_rules//lepton_rules/private:tar_layer.bzl", "lepton_tar_layer")

package(default_visibility = ["//visibility:public"])

exports_files({files})

# The packages in it, by name: {packages}
"""

_LAYER = """
lepton_tar_layer(
    name = {name},
    architecture = {architecture},
    compression = {compression},
    config = {config},
    facts = ":facts.json",
    package_kind = {package_kind},
    tar = ":root.tar",
)
"""

def host_architecture(rctx):
    """This machine's architecture, or its own name where images are for no such.

    Args:
      rctx: the repository's context.

    Returns:
      string.
    """
    return _HOSTS.get(rctx.os.arch.lower(), rctx.os.arch.lower())

def layers_build_file(*, architecture, compression, package_kind, packages, config = None):
    """The BUILD file of a repository that has a `root.tar`: `:layers`, compressed as is usual for it, and one for each compression.

    Args:
      architecture: string.
      compression: string.
      package_kind: string: `deb` or `pypi`.
      packages: dict of string to string: versions by name.
      config: string: name of a file, or None.

    Returns:
      string.
    """
    text = _LAYERS.format(
        files = json.encode(["facts.json", "root.tar"] + ([config] if config else [])),
        packages = ", ".join(["{} {}".format(name, version) for name, version in sorted(packages.items())]),
    )
    for kind in ["none", "gzip", "zstd"]:
        text += _LAYER.format(
            architecture = repr(architecture),
            compression = repr(kind),
            config = repr(":" + config) if config else None,
            name = repr(kind),
            package_kind = repr(package_kind),
        )
    return text + '\nalias(\n    name = "layers",\n    actual = ":{}",\n)\n'.format(compression)

def _hub_impl(rctx):
    lines = ['package(default_visibility = ["//visibility:public"])']
    for architecture in rctx.attr.architectures:
        for suffix, target in [("", "layers"), (".none", "none"), (".gzip", "gzip"), (".zstd", "zstd")]:
            lines.append('alias(name = "{}{}", actual = "@{}_{}//:{}")'.format(architecture, suffix, rctx.attr.repository, architecture, target))
    choices = {"@platforms//cpu:" + CPUS[architecture]: ":" + architecture for architecture in rctx.attr.architectures}
    none = message(rctx.attr.what, "@{}//:{}".format(rctx.attr.repository, rctx.attr.target), "it is for {}".format(" and ".join(rctx.attr.architectures)), "Build for one of them, or add an architecture to the tag")
    for name in {rctx.attr.target: None, rctx.attr.repository: None}:
        lines.append("alias(name = {}, actual = select({}, no_match_error = {}))".format(repr(name), json.encode(choices), repr(none)))
    rctx.file("BUILD.bazel", "\n\n".join(lines) + "\n", executable = False)

hub_repository = repository_rule(
    implementation = _hub_impl,
    doc = "Names the repositories of each architecture: `:amd64`, `:arm64`, and a target that is the one of the platform that is built for.",
    attrs = {
        "architectures": attr.string_list(mandatory = True, doc = "`amd64`, `arm64`."),
        "repository": attr.string(mandatory = True, doc = "The repository's name as a module that uses it writes it."),
        "target": attr.string(mandatory = True, doc = "`base` or `environment`."),
        "what": attr.string(mandatory = True, doc = "What it is, for messages."),
    },
)

def architectures_problem(architectures):
    """What is wrong with a tag's `architectures`, or None.

    Args:
      architectures: list of string.

    Returns:
      string or None.
    """
    unknown = [name for name in architectures if name not in CPUS]
    if unknown:
        return "architecture {} is unknown, and accepted are {}".format(repr(unknown[0]), " and ".join(CPUS))
    return None if architectures else "it is for no architecture, and accepted are " + " and ".join(CPUS)
