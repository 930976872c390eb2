"""What the plugin torch offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {
  "pytorch_to_onnx": {
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
      "doc": "How far an output may be from torch\u0027s, relative to the greatest magnitude in it (at least 1); beyond it the export fails.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "pytorch",
   "doc": "The same module as ONNX: one graph, canonical, whose named dimensions stay dynamic.",
   "produces": "onnx"
  }
 },
 "importers": {
  "pytorch": {
   "allows_code": true,
   "config": {
    "fields": {
     "factory": {
      "doc": "`module:attribute` in the target\u0027s sources: a subclass of torch.nn.Module, or a function that gives one.",
      "optional": false,
      "type": "string"
     },
     "inputs": {
      "doc": "The arguments of `forward` in their order, each as `name:dtype:shape`, such as `image:float32:batch,3,32,32`. A dimension is a length, or a name where it is known only at run time.",
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
      "doc": "Names of what `forward` gives, in order: one for a tensor, more for a tuple. A dict brings its own names.",
      "optional": false,
      "type": "string_list"
     }
    },
    "version": 1
   },
   "doc": "A PyTorch module: the target\u0027s sources, which build it, and one safetensors file, which fills it.",
   "produces": "pytorch"
  }
 },
 "metrics": {},
 "name": "torch",
 "passes": {},
 "runtimes": {},
 "targets": {}
}''')

def _pytorch(
        *,
        factory = None,
        inputs = None,
        kwargs = None,
        outputs = None,
        **unknown):
    """A PyTorch module: the target's sources, which build it, and one safetensors file, which fills it.

    Produces pytorch.

    Args:
      factory: `module:attribute` in the target's sources: a subclass of torch.nn.Module, or a
        function that gives one. It must be given.
      inputs: The arguments of `forward` in their order, each as `name:dtype:shape`, such as
        `image:float32:batch,3,32,32`. A dimension is a length, or a name where it is known only at
        run time. It must be given.
      kwargs: Keyword arguments of the factory, as JSON: `json.encode({…})`. Default "{}".
      outputs: Names of what `forward` gives, in order: one for a tensor, more for a tuple. A dict
        brings its own names. Default ["output"].
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//plugins/torch"),
        name = "pytorch",
        config = {
            "factory": factory,
            "inputs": inputs,
            "kwargs": kwargs,
            "outputs": outputs,
        },
        unknown = unknown,
    )

def _pytorch_to_onnx(
        *,
        opset = None,
        tolerance = None,
        **unknown):
    """The same module as ONNX: one graph, canonical, whose named dimensions stay dynamic.

    Consumes pytorch, produces onnx.

    Args:
      opset: Version of the ONNX operator set. At least 18 and at most 23. Default 20.
      tolerance: How far an output may be from torch's, relative to the greatest magnitude in it (at
        least 1); beyond it the export fails. At least 0 and at most 1. Default 0.0001.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//plugins/torch"),
        name = "pytorch_to_onnx",
        config = {
            "opset": opset,
            "tolerance": tolerance,
        },
        unknown = unknown,
    )

torch = struct(
    pytorch = _pytorch,
    pytorch_to_onnx = _pytorch_to_onnx,
)
