"""Which of the programs that run, load, push and take apart images this machine has.

A test that needs one that is missing is incompatible with the machine, so that Bazel skips it and counts it as skipped.
"""

# Where Debian puts what is for root, which PATH may lack.
_ALSO = "/usr/sbin:/sbin:/usr/local/sbin"
_PARTS = ["catatonit", "docker", "docker-registry", "dockerd", "podman", "runc", "skopeo", "umoci"]

_BZL = '''"""Generated: the programs for images on this machine, by name; empty where there is none."""

PARTS = {}
'''

def _parts_impl(rctx):
    path = rctx.os.environ.get("PATH", "") + ":" + _ALSO
    found = {}
    for part in _PARTS:
        result = rctx.execute(["sh", "-c", "PATH=$1 command -v \"$2\"", "sh", path, part])
        found[part] = result.stdout.strip() if result.return_code == 0 else ""

    # A container of root's own needs neither a map of users nor a helper for networks.
    found["root"] = "root" if rctx.execute(["id", "-u"]).stdout.strip() == "0" else ""
    rctx.file("parts.bzl", _BZL.format(json.encode_indent(found, indent = "    ")), executable = False)
    rctx.file("BUILD.bazel", "", executable = False)

_parts_repository = repository_rule(
    implementation = _parts_impl,
    doc = "`parts.bzl`: the programs for images on this machine.",
    configure = True,
    local = True,
)

def _containers_impl(module_ctx):
    _parts_repository(name = "lepton_rules_container_parts")
    return module_ctx.extension_metadata(reproducible = True)

containers = module_extension(
    implementation = _containers_impl,
    doc = "For the tests of images alone.",
)
