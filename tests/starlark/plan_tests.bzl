"""Tests of plan.bzl. What it refuses is in tests/failing."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")

# The unit under test is private.
# buildifier: disable=bzl-visibility
load("//lepton_rules/private:plan.bzl", "plan")

def _field(default):
    return {"default": default, "optional": False, "type": "int"}

def _component(consumes, produces, **fields):
    return {"config": {"fields": fields, "version": 1}, "consumes": consumes, "produces": produces}

def _plugin(name, passes = {}, exporters = {}):
    return struct(name = name, label = "//plugins:" + name, descriptors = {"exporters": exporters, "passes": passes})

_TORCH = _plugin(
    "torch",
    passes = {"prune": _component("pytorch", "pytorch", ratio = _field(1))},
    exporters = {"pytorch_to_onnx": _component("pytorch", "onnx", opset = _field(20))},
)
_ONNX = _plugin("onnx", passes = {"quantize": _component("onnx", "onnx", bits = _field(8), seed = _field(0))})
_ENGINE = _plugin("engine", exporters = {"onnx_to_plan": _component("onnx", "plan")})

def _step(plugin, name, kind = "pass", **config):
    descriptor = plugin.descriptors["passes" if kind == "pass" else "exporters"][name]
    return struct(plugin = plugin, kind = kind, name = name, config = config, descriptor = descriptor)

def _model(format = "pytorch", plugins = [_TORCH]):
    return struct(format = format, needs = [], plugins = plugins)

def _hardware(accepts = ["onnx"], pass_defaults = {}, plugin = _ENGINE):
    return struct(label = "//chips:chip", accepts = accepts, pass_defaults = pass_defaults, capabilities = [], plugin = plugin)

def _planned(model, steps, hardware, overrides = []):
    return [(s.kind, s.qualified, s.config) for s in plan(Label("//a:b"), model, steps, hardware, overrides)]

def _formats_impl(ctx):
    env = unittest.begin(ctx)
    export = ("exporter", "torch.pytorch_to_onnx", {"opset": 20})
    prune = ("pass", "torch.prune", {"ratio": 1})
    quantize = ("pass", "onnx.quantize", {"bits": 8, "seed": 0})

    # Without passes a model is exported for the chip, or left as it is.
    asserts.equals(env, [export], _planned(_model(), [], _hardware()))
    asserts.equals(env, [], _planned(_model(), [], _hardware(accepts = ["onnx", "pytorch"])))
    asserts.equals(env, [], _planned(_model("onnx", []), [], _hardware()))

    # An exporter stands where the format changes, and there only.
    asserts.equals(env, [prune, export, quantize], _planned(_model(), [_step(_TORCH, "prune"), _step(_ONNX, "quantize")], _hardware()))
    asserts.equals(env, [prune, export], _planned(_model(), [_step(_TORCH, "prune")], _hardware()))

    # The recipe may say where and how.
    own = _step(_TORCH, "pytorch_to_onnx", kind = "exporter", opset = 17)
    asserts.equals(
        env,
        [("exporter", "torch.pytorch_to_onnx", {"opset": 17}), quantize],
        _planned(_model(), [own, _step(_ONNX, "quantize")], _hardware()),
    )

    # The chip's plugin may take the model further, and so may another plugin of the recipe.
    asserts.equals(
        env,
        [export, quantize, ("exporter", "engine.onnx_to_plan", {})],
        _planned(_model(), [_step(_ONNX, "quantize")], _hardware(accepts = ["plan"])),
    )

    # The same pass twice is two actions.
    asserts.equals(env, [export, quantize, quantize], _planned(_model(), [_step(_ONNX, "quantize")] * 2, _hardware()))
    return unittest.end(env)

def _precedence_impl(ctx):
    env = unittest.begin(ctx)
    hardware = _hardware(pass_defaults = {
        "onnx.quantize": {"bits": 6, "seed": 6},
        "other.quantize": {"bits": 1},
        "torch.pytorch_to_onnx": {"opset": 18},
    })
    steps = [_step(_ONNX, "quantize", bits = 5)]
    model = _model()
    export = ("exporter", "torch.pytorch_to_onnx", {"opset": 18})
    asserts.equals(env, [export, ("pass", "onnx.quantize", {"bits": 5, "seed": 6})], _planned(model, steps, hardware))
    asserts.equals(
        env,
        [
            ("exporter", "torch.pytorch_to_onnx", {"opset": 19}),
            ("pass", "onnx.quantize", {"bits": 4, "seed": 6}),
        ],
        _planned(model, steps, hardware, [
            _step(_ONNX, "quantize", bits = 4),
            _step(_TORCH, "pytorch_to_onnx", kind = "exporter", opset = 19),
        ]),
    )

    # An override holds for each time that the pass is there.
    asserts.equals(
        env,
        [("pass", "onnx.quantize", {"bits": 4, "seed": 6})] * 2,
        _planned(_model("onnx", []), steps + [_step(_ONNX, "quantize", bits = 7)], hardware, [_step(_ONNX, "quantize", bits = 4)]),
    )
    return unittest.end(env)

_formats_test = unittest.make(_formats_impl)
_precedence_test = unittest.make(_precedence_impl)

def plan_test_suite(name):
    """Tests of plan.bzl.

    Args:
      name: the suite's name.
    """
    unittest.suite(name, _formats_test, _precedence_test)
