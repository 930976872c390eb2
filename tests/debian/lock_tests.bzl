"""Which locks of Debian packages are refused."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")

# The parts of the extension are no one else's to load.
# buildifier: disable=bzl-visibility
load("//lepton_rules/private/debian:repository.bzl", "problem")

# buildifier: disable=bzl-visibility
load("//lepton_rules/private/environment:architecture.bzl", "architectures_problem", "layers_build_file")

_PACKAGE = {
    "architecture": "amd64",
    "file": "pool/main/a/a_1_amd64.deb",
    "name": "a",
    "sha256": "0" * 64,
    "size": 1,
    "suite": "bookworm",
    "version": "1",
}

def _lock(**changed):
    return {"packages": [_PACKAGE | changed], "schema_version": 1, "suites": ["bookworm"]}

def _locks_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, None, problem(_lock(), "amd64"))
    for lock, why in [
        (None, "it is no JSON with packages"),
        ({"packages": {}}, "it is no JSON with packages"),
        (_lock() | {"schema_version": 2}, "its schema_version is 2 and must be 1"),
        (_lock(sha256 = ""), "package a has no sha256"),
        (_lock(sha256 = "g" * 64), "the sha256 of a is no SHA-256"),
        (_lock(file = "/etc/passwd"), "the file of a leads out of the archive"),
        (_lock(file = "pool/../../x"), "the file of a leads out of the archive"),
        (_lock(architecture = "arm64"), "it has no packages for amd64, only for arm64"),
    ]:
        asserts.equals(env, why, problem(lock, "amd64")[0])
    return unittest.end(env)

locks_test = unittest.make(_locks_test_impl)

def _architectures_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, None, architectures_problem(["amd64", "arm64"]))
    asserts.equals(env, 'architecture "x86_64" is unknown, and accepted are amd64 and arm64', architectures_problem(["x86_64"]))
    asserts.equals(env, "it is for no architecture, and accepted are amd64 and arm64", architectures_problem([]))
    text = layers_build_file(architecture = "arm64", compression = "gzip", config = "config.json", package_kind = "deb", packages = {"a": "1"})
    asserts.true(env, 'actual = ":gzip"' in text, text)
    return unittest.end(env)

architectures_test = unittest.make(_architectures_test_impl)

def lock_tests(name):
    """The tests of this file.

    Args:
      name: name of the test suite.
    """
    unittest.suite(name, locks_test, architectures_test)
