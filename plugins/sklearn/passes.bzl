"""What the plugin sklearn offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {
  "sklearn_to_onnx": {
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
      "doc": "How far an output may be from scikit-learn\u0027s, relative to the greatest magnitude in it (at least 1); beyond it the export fails.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 1
   },
   "consumes": "sklearn",
   "doc": "The same estimator as ONNX: one graph, canonical, with an open batch.",
   "produces": "onnx"
  }
 },
 "importers": {
  "sklearn": {
   "allows_code": false,
   "config": {
    "fields": {
     "input": {
      "default": "x",
      "doc": "Name of the input: float32, one column for each feature.",
      "optional": false,
      "type": "string"
     },
     "output": {
      "default": "",
      "doc": "Name of the output. Empty calls it after what it is: `scores` (a classifier\u0027s probabilities, or its decision function), `prediction` or `features`.",
      "optional": false,
      "type": "string"
     },
     "trusted": {
      "default": [],
      "doc": "Types that the file may hold besides those that are known to be safe, such as `sklearn.isotonic.X`: of scikit-learn, numpy and scipy alone.",
      "optional": false,
      "type": "string_list"
     }
    },
    "version": 1
   },
   "doc": "A fitted estimator or pipeline of scikit-learn, in a file that `skops.io.dump` wrote.",
   "produces": "sklearn"
  }
 },
 "metrics": {},
 "name": "sklearn",
 "passes": {},
 "runtimes": {},
 "targets": {}
}''')

def _sklearn(
        *,
        input = None,
        output = None,
        trusted = None,
        **unknown):
    """A fitted estimator or pipeline of scikit-learn, in a file that `skops.io.dump` wrote.

    Produces sklearn.

    Args:
      input: Name of the input: float32, one column for each feature. Default "x".
      output: Name of the output. Empty calls it after what it is: `scores` (a classifier's
        probabilities, or its decision function), `prediction` or `features`. Default "".
      trusted: Types that the file may hold besides those that are known to be safe, such as
        `sklearn.isotonic.X`: of scikit-learn, numpy and scipy alone. Default [].
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//plugins/sklearn"),
        name = "sklearn",
        config = {
            "input": input,
            "output": output,
            "trusted": trusted,
        },
        unknown = unknown,
    )

def _sklearn_to_onnx(
        *,
        opset = None,
        tolerance = None,
        **unknown):
    """The same estimator as ONNX: one graph, canonical, with an open batch.

    Consumes sklearn, produces onnx.

    Args:
      opset: Version of the ONNX operator set. At least 15 and at most 18. Default 18.
      tolerance: How far an output may be from scikit-learn's, relative to the greatest magnitude in
        it (at least 1); beyond it the export fails. At least 0 and at most 1. Default 0.0001.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//plugins/sklearn"),
        name = "sklearn_to_onnx",
        config = {
            "opset": opset,
            "tolerance": tolerance,
        },
        unknown = unknown,
    )

sklearn = struct(
    sklearn = _sklearn,
    sklearn_to_onnx = _sklearn_to_onnx,
)
