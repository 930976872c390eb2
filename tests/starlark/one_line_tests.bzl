"""Tests of one_line.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")

# The unit under test is private.
# buildifier: disable=bzl-visibility
load("//lepton_rules/private:one_line.bzl", "one_line_fault", "shown")

def _fault_impl(ctx):
    env = unittest.begin(ctx)
    for text in ["", "a b", "a \"quoted\" b\\n", "Gerät é ü ß", "モデル", "naïve — “x” …", "🙂", "\302\240", "'=:,"]:
        asserts.equals(env, "", one_line_fault(text))
    for text, code in {
        "\000": "U+0000",
        "\033[0m": "U+001B",
        "a\tb": "U+0009",
        "a\177": "U+007F",
        "\302\200": "U+0080",
        "\302\237": "U+009F",
    }.items():
        asserts.equals(env, "has a control character ({})".format(code), one_line_fault(text))
    for text, code in {
        "\n": "U+000A",
        "a\013": "U+000B",
        "a\014": "U+000C",
        "a\r": "U+000D",
        "a\302\205b": "U+0085",
        "a\342\200\250b": "U+2028",
        "a\342\200\251": "U+2029",
        json.decode("\"a\\u2028\""): "U+2028",
        json.decode("\"\\u2029\""): "U+2029",
    }.items():
        asserts.equals(env, "has a line break ({})".format(code), one_line_fault(text))
    return unittest.end(env)

def _shown_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, "\"a b\"", shown("a b"))
    asserts.equals(env, "\"é\"", shown("é"))
    asserts.equals(env, "\"a\\nb\"", shown("a\nb"))
    asserts.equals(env, "\"\\u2028\\u0085\\u007f\"", shown("\342\200\250\302\205\177"))
    asserts.equals(env, "\"\\u2029\"", shown(json.decode("\"\\u2029\"")))
    return unittest.end(env)

_fault_test = unittest.make(_fault_impl)
_shown_test = unittest.make(_shown_impl)

def one_line_test_suite(name):
    """Tests of one_line.bzl.

    Args:
      name: the suite's name.
    """
    unittest.suite(name, _fault_test, _shown_test)
