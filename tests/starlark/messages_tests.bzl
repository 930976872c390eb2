"""Tests of messages.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")

# The unit under test is private.
# buildifier: disable=bzl-visibility
load("//lepton_rules/private:messages.bzl", "display_label", "message", "near_miss")

def _message_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, "lepton: bits in //a:b: it is 3. Give 4.", message("bits", "//a:b", "it is 3", "Give 4"))
    asserts.equals(env, "lepton: bits in //a:b: did you mean \"x\"? Give 4.", message("bits", Label("//a:b"), "did you mean \"x\"?", "Give 4."))
    return unittest.end(env)

def _display_label_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, "//a/b:c", display_label(Label("//a/b:c")))
    asserts.equals(env, "//a/b:c", display_label("@@//a/b:c"))
    asserts.equals(env, "//a:c", display_label("@//a:c"))
    asserts.equals(env, "@lepton_rules//a:c", display_label("@@lepton_rules~//a:c"))
    asserts.equals(env, "@lepton_rules//a:c", display_label("@@lepton_rules+//a:c"))

    # Of two versions of a module, or of what an extension made, only the canonical name tells which.
    for label in ["@@lepton_rules~1.0//a:c", "@@lepton_rules~~lepton~core//:prefix", "@@lepton_rules++lepton+core//:prefix"]:
        asserts.equals(env, label, display_label(label))
    return unittest.end(env)

def _near_miss_impl(ctx):
    env = unittest.begin(ctx)
    names = ["per_channel", "percentile", "calibrator"]
    for got in ["per_chanel", "Per_Channel", "perchannel", "per_channels"]:
        asserts.equals(env, "did you mean \"per_channel\"?", near_miss(got, names))
    asserts.equals(env, "accepted are calibrator, per_channel, percentile", near_miss("bits", names))
    asserts.equals(env, "it has none", near_miss("bits", [], listing = "it has"))

    # Of equals, the first in the alphabet, whatever the order that they come in.
    asserts.equals(env, "did you mean \"ab\"?", near_miss("a", ["ac", "ab"]))
    asserts.equals(env, "did you mean \"ab\"?", near_miss("", ["ab"]))
    return unittest.end(env)

_message_test = unittest.make(_message_impl)
_display_label_test = unittest.make(_display_label_impl)
_near_miss_test = unittest.make(_near_miss_impl)

def messages_test_suite(name):
    """Tests of messages.bzl.

    Args:
      name: the suite's name.
    """
    unittest.suite(name, _message_test, _display_label_test, _near_miss_test)
