"""What the plugin npu offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component", "lepton_pass")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {
  "compile": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Compiles a quantized network into a program of the NPU: integers alone.",
   "produces": "npu"
  }
 },
 "importers": {},
 "metrics": {},
 "name": "npu",
 "passes": {
  "pad_channels": {
   "config": {
    "fields": {
     "multiple": {
      "default": 1,
      "doc": "Of how many channels; 1 leaves the network as it is.",
      "maximum": 1024,
      "minimum": 1,
      "optional": false,
      "type": "int"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Gives each convolution channels of zeros, up to a multiple of what the chip computes in one step.",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [],
   "slots": {}
  }
 },
 "runtimes": {
  "driver": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": [
    "npu"
   ],
   "doc": "Runs a program on the NPU; here, where there is none, on its simulator."
  }
 },
 "targets": {
  "npu_v1": {
   "accepts": [
    "npu"
   ],
   "available": "npu_v1",
   "capabilities": [
    "dynamic_shapes",
    "int8",
    "int8_activations",
    "int8_full_range",
    "int8_symmetric"
   ],
   "doc": "The first NPU.",
   "options": {},
   "pass_defaults": {
    "npu.pad_channels": {
     "multiple": 16
    },
    "onnx.quantize": {
     "activation_symmetric": true,
     "activation_type": "int8",
     "per_channel": false,
     "quantize_bias": true
    }
   },
   "runtime": "driver"
  }
 }
}''')

def _compile(**unknown):
    """Compiles a quantized network into a program of the NPU: integers alone.

    Consumes onnx, produces npu.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//npu"),
        name = "compile",
        config = {},
        unknown = unknown,
    )

def _pad_channels(
        *,
        multiple = None,
        **unknown):
    """Gives each convolution channels of zeros, up to a multiple of what the chip computes in one step.

    Consumes onnx, produces onnx.

    Args:
      multiple: Of how many channels; 1 leaves the network as it is. At least 1 and at most 1024.
        Default 1.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//npu"),
        name = "pad_channels",
        config = {
            "multiple": multiple,
        },
        unknown = unknown,
    )

npu = struct(
    compile = _compile,
    pad_channels = _pad_channels,
)
