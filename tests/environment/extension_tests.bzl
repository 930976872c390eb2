"""Which repositories the declared environments become, and which declarations are refused."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")

# The parts of the extension are no one else's to load.
# buildifier: disable=bzl-visibility
load("//lepton_rules/private/environment:extension.bzl", "declarations", "repository_name")

def _tag(name, lock = "//:x.lock"):
    return struct(name = name, requirements_lock = Label(lock))

def _model(name, *files):
    return struct(name = name, files = {file: "" for file in files})

def _module(name, *tags):
    return struct(name = name, tags = struct(
        environment = [tag for tag in tags if hasattr(tag, "requirements_lock")],
        fetch_model = [tag for tag in tags if hasattr(tag, "files")],
    ))

def _refusals(modules):
    messages = []
    declarations(modules, fail = messages.append)
    return messages

def _names_are_scoped_by_module_test_impl(ctx):
    env = unittest.begin(ctx)
    found = declarations([_module("vision", _tag("a"), _tag("b"), _model("c", "x")), _module("text", _tag("a"), _model("c", "y"))])
    asserts.equals(env, ["vision_a", "vision_b", "text_a"], found.environments.keys())
    asserts.equals(env, ["vision_c", "text_c"], found.models.keys())
    asserts.equals(env, "a", repository_name("", "a"), "a root module need not have a name")
    return unittest.end(env)

names_are_scoped_by_module_test = unittest.make(_names_are_scoped_by_module_test_impl)

def _one_name_twice_is_refused_test_impl(ctx):
    env = unittest.begin(ctx)
    modules = [_module("vision", _tag("a", "//:first.lock"), _tag("a", "//:second.lock")), _module("text", _tag("a"))]
    asserts.equals(
        env,
        'lepton: environment "a" in module vision: it is declared twice, with //:first.lock and //:second.lock. Rename or remove one.',
        _refusals(modules)[0],
    )
    asserts.equals(
        env,
        'lepton: model "a" in module vision: it is declared twice, with x, y and z. Rename or remove one.',
        _refusals([_module("vision", _model("a", "y", "x"), _model("a", "z"))])[0],
    )
    return unittest.end(env)

one_name_twice_is_refused_test = unittest.make(_one_name_twice_is_refused_test_impl)

def _names_that_meet_are_refused_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(
        env,
        ['lepton: environment "c" in module a_b: its repository a_b_c is also that of module a. Rename the environment.'],
        _refusals([_module("a", _tag("b_c")), _module("a_b", _tag("c"))]),
    )
    asserts.equals(
        env,
        ['lepton: environment "host" in module lepton_rules: its repository lepton_rules_host is also that of lepton_rules itself. Rename the environment.'],
        _refusals([_module("lepton_rules", _tag("host"))]),
    )
    asserts.equals(
        env,
        ['lepton: model "a" in module vision: its repository vision_a is also that of module vision. Rename the model.'],
        _refusals([_module("vision", _tag("a"), _model("a", "x"))]),
    )
    return unittest.end(env)

names_that_meet_are_refused_test = unittest.make(_names_that_meet_are_refused_test_impl)

def _odd_names_are_refused_test_impl(ctx):
    env = unittest.begin(ctx)
    for name in ["", "Torch", "a-b", "a b", "a/b", "é", "a\nb"]:
        messages = _refusals([_module("vision", _tag(name))])
        asserts.equals(env, 1, len(messages), name)
        asserts.true(env, "in module vision: a name holds lower-case letters, digits and underscores. Rename it." in messages[0], messages[0])
    return unittest.end(env)

odd_names_are_refused_test = unittest.make(_odd_names_are_refused_test_impl)

def extension_tests(name):
    """The tests of this file.

    Args:
      name: name of the test suite.
    """
    unittest.suite(
        name,
        names_are_scoped_by_module_test,
        one_name_twice_is_refused_test,
        names_that_meet_are_refused_test,
        odd_names_are_refused_test,
    )
