"""What the plugin jax offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {
  "jax_to_onnx": {
   "config": {
    "fields": {
     "opset": {
      "default": 20,
      "doc": "Version of the ONNX operator set.",
      "maximum": 23,
      "minimum": 18,
      "optional": false,
      "type": "int"
     },
     "tolerance": {
      "default": 0.0001,
      "doc": "How far an output may be from JAX\u0027s, relative to the greatest magnitude in it (at least 1); beyond it the export fails.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "jax",
   "doc": "The same function as ONNX: one graph, canonical, whose named dimensions stay dynamic.",
   "produces": "onnx"
  }
 },
 "importers": {
  "jax": {
   "allows_code": false,
   "config": {
    "fields": {
     "factory": {
      "doc": "`module:attribute` in the target\u0027s sources: called with `kwargs`, it gives a function of the weights (a dict of arrays by name) and the inputs, such as flax\u0027s `apply`.",
      "optional": false,
      "type": "string"
     },
     "inputs": {
      "doc": "The function\u0027s inputs in their order, each as `name:dtype:shape`, such as `image:float32:batch,32,32,3`. A dimension is a length, or a name where it is known only at run time.",
      "optional": false,
      "type": "string_list"
     },
     "kwargs": {
      "default": "{}",
      "doc": "Keyword arguments of the factory, as JSON: `json.encode({…})`.",
      "optional": false,
      "type": "string"
     },
     "outputs": {
      "default": [
       "output"
      ],
      "doc": "Names of what the function gives, in order: one for an array, more for a tuple. A dict brings its own names.",
      "optional": false,
      "type": "string_list"
     }
    },
    "version": 1
   },
   "doc": "A JAX function: the target\u0027s sources, which make it, and one safetensors or npz file, its weights.",
   "produces": "jax"
  }
 },
 "metrics": {},
 "name": "jax",
 "passes": {},
 "runtimes": {},
 "targets": {}
}''')

def _jax(
        *,
        factory = None,
        inputs = None,
        kwargs = None,
        outputs = None,
        **unknown):
    """A JAX function: the target's sources, which make it, and one safetensors or npz file, its weights.

    Produces jax.

    Args:
      factory: `module:attribute` in the target's sources: called with `kwargs`, it gives a function
        of the weights (a dict of arrays by name) and the inputs, such as flax's `apply`. It must be
        given.
      inputs: The function's inputs in their order, each as `name:dtype:shape`, such as
        `image:float32:batch,32,32,3`. A dimension is a length, or a name where it is known only at
        run time. It must be given.
      kwargs: Keyword arguments of the factory, as JSON: `json.encode({…})`. Default "{}".
      outputs: Names of what the function gives, in order: one for an array, more for a tuple. A
        dict brings its own names. Default ["output"].
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//plugins/jax"),
        name = "jax",
        config = {
            "factory": factory,
            "inputs": inputs,
            "kwargs": kwargs,
            "outputs": outputs,
        },
        unknown = unknown,
    )

def _jax_to_onnx(
        *,
        opset = None,
        tolerance = None,
        **unknown):
    """The same function as ONNX: one graph, canonical, whose named dimensions stay dynamic.

    Consumes jax, produces onnx.

    Args:
      opset: Version of the ONNX operator set. At least 18 and at most 23. Default 20.
      tolerance: How far an output may be from JAX's, relative to the greatest magnitude in it (at
        least 1); beyond it the export fails. At least 0 and at most 1. Default 0.0001.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//plugins/jax"),
        name = "jax_to_onnx",
        config = {
            "opset": opset,
            "tolerance": tolerance,
        },
        unknown = unknown,
    )

jax = struct(
    jax = _jax,
    jax_to_onnx = _jax_to_onnx,
)
