"""What the plugin keras offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {
  "keras_to_onnx": {
   "config": {
    "fields": {
     "opset": {
      "default": 18,
      "doc": "Version of the ONNX operator set.",
      "maximum": 18,
      "minimum": 15,
      "optional": false,
      "type": "int"
     },
     "tolerance": {
      "default": 0.0001,
      "doc": "How far an output may be from TensorFlow\u0027s, relative to the greatest magnitude in it (at least 1); beyond it the export fails.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "keras",
   "doc": "The same model as ONNX: one graph, canonical, whose named dimensions stay dynamic.",
   "produces": "onnx"
  }
 },
 "importers": {
  "keras": {
   "allows_code": true,
   "config": {
    "fields": {
     "inputs": {
      "default": [],
      "doc": "Names for the model\u0027s inputs, in their order. Empty keeps the model\u0027s own names.",
      "optional": false,
      "type": "string_list"
     },
     "outputs": {
      "default": [],
      "doc": "Names for the model\u0027s outputs, in their order. Empty keeps the model\u0027s own names.",
      "optional": false,
      "type": "string_list"
     },
     "signature": {
      "default": "serving_default",
      "doc": "The signature of a SavedModel that is the model.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "A Keras model: a `.keras` file, an `.h5` file, or the files of a TensorFlow SavedModel, told by their content.",
   "produces": "keras"
  }
 },
 "metrics": {},
 "name": "keras",
 "passes": {},
 "runtimes": {},
 "targets": {}
}''')

def _keras(
        *,
        inputs = None,
        outputs = None,
        signature = None,
        **unknown):
    """A Keras model: a `.keras` file, an `.h5` file, or the files of a TensorFlow SavedModel, told by their content.

    Produces keras.

    Args:
      inputs: Names for the model's inputs, in their order. Empty keeps the model's own names.
        Default [].
      outputs: Names for the model's outputs, in their order. Empty keeps the model's own names.
        Default [].
      signature: The signature of a SavedModel that is the model. Default "serving_default".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//plugins/keras"),
        name = "keras",
        config = {
            "inputs": inputs,
            "outputs": outputs,
            "signature": signature,
        },
        unknown = unknown,
    )

def _keras_to_onnx(
        *,
        opset = None,
        tolerance = None,
        **unknown):
    """The same model as ONNX: one graph, canonical, whose named dimensions stay dynamic.

    Consumes keras, produces onnx.

    Args:
      opset: Version of the ONNX operator set. At least 15 and at most 18. Default 18.
      tolerance: How far an output may be from TensorFlow's, relative to the greatest magnitude in
        it (at least 1); beyond it the export fails. At least 0 and at most 1. Default 0.0001.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//plugins/keras"),
        name = "keras_to_onnx",
        config = {
            "opset": opset,
            "tolerance": tolerance,
        },
        unknown = unknown,
    )

keras = struct(
    keras = _keras,
    keras_to_onnx = _keras_to_onnx,
)
