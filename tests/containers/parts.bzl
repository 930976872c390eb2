"""Which of the programs that run, load, push and take apart images this machine has, and whether it lets them.

A test that needs what is missing is incompatible with the machine, so that Bazel skips it and counts it as skipped.
"""

# Where Debian puts what is for root, which PATH may lack.
_ALSO = "/usr/sbin:/sbin:/usr/local/sbin"
_PARTS = ["catatonit", "docker", "docker-registry", "dockerd", "podman", "runc", "skopeo", "umoci"]

# What running a container takes, and how to tell. One of root's own needs neither a map of users nor a helper for
# networks; in a container of somebody else's even root may lack the rest.
_POWERS = {
    "cgroups": "for d in /sys/fs/cgroup/memory /sys/fs/cgroup; do mkdir $d/lepton.$$ && exec rmdir $d/lepton.$$; done; exit 1",
    "namespaces": "unshare --mount --net --pid --fork mount -t tmpfs none /mnt",
    "root": "[ $(id -u) = 0 ]",
}

_BZL = '''"""Generated: the programs for images on this machine, by name; empty where there is none."""

PARTS = {}
'''

def _parts_impl(rctx):
    path = rctx.os.environ.get("PATH", "") + ":" + _ALSO
    found = {}
    for part in _PARTS:
        result = rctx.execute(["sh", "-c", "PATH=$1 command -v \"$2\"", "sh", path, part])
        found[part] = result.stdout.strip() if result.return_code == 0 else ""

    for power, script in _POWERS.items():
        result = rctx.execute(["sh", "-c", "PATH=$1; " + script, "sh", path])
        found[power] = power if result.return_code == 0 else ""
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
