"""Tests of kubernetes_values.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")

# The unit under test is private.
# buildifier: disable=bzl-visibility
load(
    "//lepton_rules/private:kubernetes_values.bzl",
    "is_dns_label",
    "is_dns_subdomain",
    "is_environment_name",
    "is_label_key",
    "is_label_value",
    "is_repository",
    "is_service_name",
    "quantity",
)

def _accepts(env, function, good, bad):
    asserts.equals(env, [], [text for text in good if not function(text)])
    asserts.equals(env, [], [text for text in bad if function(text)])

def _names_impl(ctx):
    env = unittest.begin(ctx)
    wrong = ["", "-a", "a-", "A", "a_b", "a.b", "a b", "ä", "a" * 64, "a\n"]
    _accepts(env, is_dns_label, ["a", "0", "a-b", "a" * 63], wrong)
    _accepts(env, is_service_name, ["a", "a0"], wrong + ["0a"])
    _accepts(env, is_dns_subdomain, ["a", "a.b-c.d"], ["", ".", "a.", ".a", "a..b", "A.b", "a." * 127 + "a" * 63])
    _accepts(env, is_label_value, ["", "a", "A_b.c-1", "a" * 63], ["-a", "a-", "a b", "a" * 64, "a:b", "a/b", "ä"])
    _accepts(env, is_label_key, ["a", "example.com/a", "A_b"], ["", "/a", "a/", "a/b/c", "A/b", "a b", "x/" + "a" * 64])
    _accepts(env, is_environment_name, ["A", "_a1"], ["", "1A", "A-B", "A B", "A=B"])
    return unittest.end(env)

def _repository_impl(ctx):
    env = unittest.begin(ctx)
    _accepts(
        env,
        is_repository,
        ["a", "localhost:5000/a", "registry.example.com/team/model", "a/b_c/d-e"],
        ["", "a:tag", "A/b", "a@sha256:0", "a//b", "/a", "a/", "https://a/b", "a:5000000/b", "a:/b", "a b/c", "-a/b"],
    )
    return unittest.end(env)

def _quantity_impl(ctx):
    env = unittest.begin(ctx)
    for text, thousandths in {
        "0": 0,
        "0.5": 500,
        "1": 1000,
        "1.": 1000,
        "1.5Gi": 1610612736000,
        "100m": 100,
        "256M": 256000000000,
        "256Mi": 268435456000,
        "2k": 2000000,
    }.items():
        asserts.equals(env, thousandths, quantity(text))
    for text in ["", "Mi", ".5", "-1", "+1", "1 Mi", "1MB", "1mi", "1K", "1e3", "0.0001", "1.2.3", "0x10", "1_0", "٣"]:
        asserts.equals(env, None, quantity(text))
    return unittest.end(env)

_names_test = unittest.make(_names_impl)
_repository_test = unittest.make(_repository_impl)
_quantity_test = unittest.make(_quantity_impl)

def values_test_suite(name):
    """Tests of kubernetes_values.bzl.

    Args:
      name: the suite's name.
    """
    unittest.suite(name, _names_test, _repository_test, _quantity_test)
