"""Tests of config.bzl. What it refuses is in tests/failing."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")

# The unit under test is private.
# buildifier: disable=bzl-visibility
load("//lepton_rules/private:config.bzl", "check_capabilities", "check_config", "needed_capabilities", "resolve_config")

_SCHEMA = {
    "fields": {
        "bits": {"default": 8, "maximum": 8, "minimum": 4, "optional": False, "requires": {"4": "int4_weights"}, "type": "int"},
        "exclude": {"default": [], "optional": False, "type": "string_list"},
        "method": {"choices": ["MinMax", "Entropy"], "default": "MinMax", "optional": False, "type": "string"},
        "names": {"default": {}, "optional": False, "type": "string_dict"},
        "per_channel": {"default": True, "optional": False, "requires": {"true": "int8_per_channel"}, "type": "bool"},
        "share": {"default": 0.5, "maximum": 1.0, "minimum": 0.0, "optional": False, "type": "float"},
        "sizes": {"default": [1], "minimum": 1, "optional": False, "type": "int_list"},
        "width": {"default": None, "optional": True, "type": "int"},
    },
    "version": 1,
}

def _check_config_impl(ctx):
    env = unittest.begin(ctx)
    for config in [
        {},
        {"bits": 4},
        {"bits": 8},
        {"exclude": ["a", "b"]},
        {"method": "Entropy"},
        {"names": {"a": "b"}},
        {"per_channel": False},
        {"share": 0.0},
        {"share": 1},
        {"sizes": []},
        {"sizes": [1, 100]},
        {"width": None},
        {"width": 3},
    ]:
        check_config("p.q", "//a:b", _SCHEMA, config)
        asserts.equals(env, None, check_config("p.q", "//a:b", _SCHEMA, config))
    return unittest.end(env)

def _resolve_config_impl(ctx):
    env = unittest.begin(ctx)
    defaults = {name: field["default"] for name, field in _SCHEMA["fields"].items()}
    resolved = resolve_config("p.q", "//a:b", _SCHEMA, [])
    asserts.equals(env, defaults, resolved.config)
    asserts.equals(env, ["the plugin's default"], {origin: None for origin in resolved.origins.values()}.keys())

    # A later layer wins, option by option, also with the default's own value and with None.
    resolved = resolve_config("p.q", "//a:b", _SCHEMA, [
        struct(origin = "the chip", config = {"bits": 4, "method": "Entropy", "width": 5}),
        struct(origin = "the recipe", config = {"bits": 8, "width": None}),
        struct(origin = "the artifact", config = {}),
    ])
    asserts.equals(env, defaults | {"method": "Entropy"}, resolved.config)
    asserts.equals(env, "the recipe", resolved.origins["bits"])
    asserts.equals(env, "the recipe", resolved.origins["width"])
    asserts.equals(env, "the chip", resolved.origins["method"])
    asserts.equals(env, "the plugin's default", resolved.origins["share"])
    return unittest.end(env)

def _check_capabilities_impl(ctx):
    env = unittest.begin(ctx)
    for capabilities, config, needs, found in [
        (["int8_per_channel"], {}, [], [("int8_per_channel", "per_channel")]),
        (["int8_per_channel", "int8"], {}, ["int8"], [("int8", None), ("int8_per_channel", "per_channel")]),
        (["int8_per_channel", "int4_weights"], {"bits": 4}, [], [("int4_weights", "bits"), ("int8_per_channel", "per_channel")]),
        ([], {"per_channel": False}, [], []),
    ]:
        resolved = resolve_config("p.q", "//a:b", _SCHEMA, [struct(origin = "the recipe", config = config)])
        hardware = struct(label = "//c:d", capabilities = capabilities)
        needed = needed_capabilities(_SCHEMA, resolved, needs)
        asserts.equals(env, found, [(need.capability, need.field) for need in needed])
        asserts.equals(env, None, check_capabilities("p.q", "//a:b", resolved, needed, hardware))
    return unittest.end(env)

_check_config_test = unittest.make(_check_config_impl)
_resolve_config_test = unittest.make(_resolve_config_impl)
_check_capabilities_test = unittest.make(_check_capabilities_impl)

def config_test_suite(name):
    """Tests of config.bzl.

    Args:
      name: the suite's name.
    """
    unittest.suite(name, _check_config_test, _resolve_config_test, _check_capabilities_test)
