"""What a declaration of a model may say, and what of an address is shown."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")

# The parts of the extension are no one else's to load.
# buildifier: disable=bzl-visibility
load("//lepton_rules/private/fetch:address.bzl", "is_relative_path", "redacted", "split_address")

# buildifier: disable=bzl-visibility
load("//lepton_rules/private/fetch:fetch_model.bzl", "problem")

_DIGEST = "sha256:" + 64 * "a"
_GOOD = {"files": {"model.onnx": _DIGEST}, "hub": "", "revision": "", "urls": ["https://host/{file}"]}

def _problem(**changes):
    found = problem(**(_GOOD | changes))
    return found[0] if found else None

def _good_declarations_test_impl(ctx):
    env = unittest.begin(ctx)
    for changes in [
        {},
        {"urls": ["https://host/model?version=1", "file:///somewhere/model"]},
        {"files": {"a/b+c@d=e,f.bin": "", "model.onnx": _DIGEST.upper().replace("SHA256", "sha256")}},
        {"hub": "owner/model", "revision": "refs/pr/1", "urls": []},
        {"hub": "model", "revision": "v1.0", "urls": []},
    ]:
        asserts.equals(env, None, _problem(**changes))
    return unittest.end(env)

good_declarations_test = unittest.make(_good_declarations_test_impl)

def _refused_declarations_test_impl(ctx):
    env = unittest.begin(ctx)
    for changes, why in [
        ({"files": {}}, "it names no files"),
        ({"urls": []}, "it has neither urls nor hub"),
        ({"hub": "a/b", "revision": "c"}, "it has both urls and hub"),
        ({"hub": "a/b", "urls": []}, "hub \"a/b\" has no revision, and what it holds changes"),
        ({"revision": "c"}, "there is a revision and no hub"),
        ({"hub": "a/b/c", "revision": "c", "urls": []}, "\"a/b/c\" is no model's name in a hub"),
        ({"hub": "../b", "revision": "c", "urls": []}, "\"../b\" is no model's name in a hub"),
        ({"hub": "a/b", "revision": "c?d", "urls": []}, "\"c?d\" is no revision"),
        ({"files": {"../x": _DIGEST}}, "\"../x\" is no name for a file"),
        ({"files": {"/x": _DIGEST}}, "\"/x\" is no name for a file"),
        ({"files": {"a b": _DIGEST}}, "\"a b\" is no name for a file"),
        ({"files": {"x/BUILD": _DIGEST}}, "Bazel itself reads a file named \"x/BUILD\""),
        ({"files": {"REPO.bazel": _DIGEST}}, "Bazel itself reads a file named \"REPO.bazel\""),
        ({"files": {"x": 64 * "a"}}, "the digest of x is \"{}\"".format(64 * "a")),
        ({"files": {"x": "sha256:" + 64 * "g"}}, "the digest of x is \"sha256:{}\"".format(64 * "g")),
        ({"files": {"x": "sha512:" + 64 * "a"}}, "the digest of x is \"sha512:{}\"".format(64 * "a")),
        ({"urls": ["host/{file}"]}, "\"host/{file}\" is no address"),
        ({"urls": ["ftp://host/{file}"]}, "\"ftp://host/{file}\" is no address"),
        ({"files": {"a": "", "b": ""}, "urls": ["https://me:secret@host/a?t=secret"]}, "https://host/a?… is the address of one file, and there are 2"),
    ]:
        asserts.equals(env, why, _problem(**changes))
    return unittest.end(env)

refused_declarations_test = unittest.make(_refused_declarations_test_impl)

def _secrets_test_impl(ctx):
    env = unittest.begin(ctx)
    for url, shown in [
        ("https://host/a", "https://host/a"),
        ("https://me:secret@host:80/a?token=secret#b", "https://host:80/a?…"),
        ("https://secret@host/a@b", "https://host/a@b"),
        ("https://me:se@cret@host/a", "https://host/a"),
        ("https://me:secret@host", "https://host"),
    ]:
        asserts.equals(env, shown, redacted(url))
    parts = split_address("http://me:a:b@host/x@y")
    asserts.equals(env, ("http://host/x@y", "me", "a:b"), (parts.url, parts.login, parts.password))
    asserts.equals(env, None, split_address("http://host/x@y").login)
    return unittest.end(env)

secrets_test = unittest.make(_secrets_test_impl)

def _paths_test_impl(ctx):
    env = unittest.begin(ctx)
    for path in ["a", "a/b.c", "a-b_c+d@e=f,g"]:
        asserts.true(env, is_relative_path(path), path)
    for path in ["", "/a", "a/", "a//b", ".", "a/../b", "a b", "a\\b", "a%2fb", "é", "a\nb", "a:b"]:
        asserts.false(env, is_relative_path(path), path)
    return unittest.end(env)

paths_test = unittest.make(_paths_test_impl)

def fetch_tests(name):
    """The tests of this file.

    Args:
      name: name of the test suite.
    """
    unittest.suite(
        name,
        good_declarations_test,
        paths_test,
        refused_declarations_test,
        secrets_test,
    )
