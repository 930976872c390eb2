"""What the plugin onnx offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component", "lepton_pass")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {},
 "importers": {
  "onnx": {
   "allows_code": false,
   "config": {
    "fields": {
     "accept_non_finite": {
      "default": false,
      "doc": "Accept weights that are NaN or infinite.",
      "optional": false,
      "type": "bool"
     }
    },
    "version": 1
   },
   "doc": "Imports an .onnx file, with its weights inside or in files that the target lists as weights.",
   "produces": "onnx"
  }
 },
 "metrics": {},
 "name": "onnx",
 "passes": {
  "check": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Checks that the model keeps the ONNX rules and loads in onnxruntime; leaves it as it is.",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [],
   "slots": {}
  },
  "infer_shapes": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Writes the inferred type and shape of every tensor into the model.",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [],
   "slots": {}
  },
  "optimize": {
   "config": {
    "fields": {
     "max_folded_bytes": {
      "default": 16777216,
      "doc": "Bytes of the largest constant that folding may make.",
      "maximum": 1073741824,
      "minimum": 1,
      "optional": false,
      "type": "int"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Folds constants and fuses nodes, as far as the result is the same on every machine (onnxruntime\u0027s BASIC",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [],
   "slots": {}
  },
  "quantize": {
   "config": {
    "fields": {
     "activation_symmetric": {
      "default": false,
      "doc": "Zero point of activations in the middle of their range.",
      "optional": false,
      "requires": {
       "false": "int8_asymmetric",
       "true": "int8_symmetric"
      },
      "type": "bool"
     },
     "activation_type": {
      "choices": [
       "uint8",
       "int8"
      ],
      "default": "uint8",
      "doc": "Type of activations.",
      "optional": false,
      "requires": {
       "int8": "int8_activations",
       "uint8": "uint8_activations"
      },
      "type": "string"
     },
     "calibrator": {
      "choices": [
       "MinMax",
       "Entropy",
       "Percentile"
      ],
      "default": "MinMax",
      "doc": "How an activation\u0027s range is found: all values, least information lost, or all but the outliers.",
      "optional": false,
      "type": "string"
     },
     "dedicated_qdq": {
      "default": false,
      "doc": "A quantize-dequantize pair of its own for each reader of a tensor.",
      "optional": false,
      "type": "bool"
     },
     "exclude": {
      "default": [],
      "doc": "Names of nodes that stay in floating point.",
      "optional": false,
      "type": "string_list"
     },
     "max_samples": {
      "default": 512,
      "doc": "At most so many calibration samples, the first ones.",
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "op_types": {
      "default": [],
      "doc": "Quantize only these operators; empty for all that can be.",
      "optional": false,
      "type": "string_list"
     },
     "per_channel": {
      "default": true,
      "doc": "One weight scale for each output channel.",
      "optional": false,
      "requires": {
       "true": "int8_per_channel"
      },
      "type": "bool"
     },
     "percentile": {
      "default": 99.99,
      "doc": "Share of the values, in percent, that Percentile keeps in range.",
      "maximum": 100,
      "minimum": 50,
      "optional": false,
      "type": "float"
     },
     "quantize_bias": {
      "default": true,
      "doc": "Biases become int32; some compilers want them as they are.",
      "optional": false,
      "type": "bool"
     },
     "reduce_range": {
      "default": false,
      "doc": "Weights of 7 bits, for chips whose 8-bit products saturate.",
      "optional": false,
      "requires": {
       "false": "int8_full_range"
      },
      "type": "bool"
     },
     "weight_type": {
      "choices": [
       "int8"
      ],
      "default": "int8",
      "doc": "Type of weights, always symmetric.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Static 8-bit quantization: weights and activations become int8 with the ranges of calibration samples (QDQ).",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [
    "int8"
   ],
   "slots": {
    "calibration": {
     "doc": "Samples that the ranges of activations are taken from.",
     "kind": "dataset",
     "required": true
    }
   }
  },
  "quantize_dynamic": {
   "config": {
    "fields": {
     "exclude": {
      "default": [],
      "doc": "Names of nodes that stay in floating point.",
      "optional": false,
      "type": "string_list"
     },
     "op_types": {
      "default": [
       "Gemm",
       "MatMul"
      ],
      "doc": "Operators to quantize.",
      "optional": false,
      "type": "string_list"
     },
     "per_channel": {
      "default": true,
      "doc": "One weight scale for each output channel.",
      "optional": false,
      "requires": {
       "true": "int8_per_channel"
      },
      "type": "bool"
     },
     "reduce_range": {
      "default": false,
      "doc": "Weights of 7 bits, for chips whose 8-bit products saturate.",
      "optional": false,
      "requires": {
       "false": "int8_full_range"
      },
      "type": "bool"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Dynamic 8-bit quantization: int8 weights, activations quantized as they come; no calibration data.",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [
    "int8",
    "int8_dynamic"
   ],
   "slots": {}
  },
  "to_fp16": {
   "config": {
    "fields": {
     "exclude": {
      "default": [],
      "doc": "Names of nodes that stay in float32.",
      "optional": false,
      "type": "string_list"
     },
     "keep_io_types": {
      "default": true,
      "doc": "Inputs and outputs of the model stay float32.",
      "optional": false,
      "type": "bool"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Stores and computes in half precision (IEEE 754 binary16).",
   "preserves_signature": false,
   "produces": "onnx",
   "requires": [
    "fp16"
   ],
   "slots": {}
  }
 },
 "runtimes": {},
 "targets": {}
}''')

def _check(**unknown):
    """Checks that the model keeps the ONNX rules and loads in onnxruntime; leaves it as it is.

    Consumes onnx, produces onnx.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "check",
        config = {},
        unknown = unknown,
    )

def _infer_shapes(**unknown):
    """Writes the inferred type and shape of every tensor into the model.

    Consumes onnx, produces onnx.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "infer_shapes",
        config = {},
        unknown = unknown,
    )

def _onnx(
        *,
        accept_non_finite = None,
        **unknown):
    """Imports an .onnx file, with its weights inside or in files that the target lists as weights.

    Produces onnx.

    Args:
      accept_non_finite: Accept weights that are NaN or infinite. Default False.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//plugins/onnx"),
        name = "onnx",
        config = {
            "accept_non_finite": accept_non_finite,
        },
        unknown = unknown,
    )

def _optimize(
        *,
        max_folded_bytes = None,
        **unknown):
    """Folds constants and fuses nodes, as far as the result is the same on every machine (onnxruntime's BASIC.

    Consumes onnx, produces onnx.

    Args:
      max_folded_bytes: Bytes of the largest constant that folding may make. At least 1 and at most
        1073741824. Default 16777216.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "optimize",
        config = {
            "max_folded_bytes": max_folded_bytes,
        },
        unknown = unknown,
    )

def _quantize(
        *,
        activation_symmetric = None,
        activation_type = None,
        calibrator = None,
        dedicated_qdq = None,
        exclude = None,
        max_samples = None,
        op_types = None,
        per_channel = None,
        percentile = None,
        quantize_bias = None,
        reduce_range = None,
        weight_type = None,
        **unknown):
    """Static 8-bit quantization: weights and activations become int8 with the ranges of calibration samples (QDQ).

    Consumes onnx, produces onnx.
    The artifact must bind the dataset slot calibration. Samples that the ranges of activations are
    taken from.
    Requires hardware with int8.

    Args:
      activation_symmetric: Zero point of activations in the middle of their range. Default False.
        The value false requires int8_asymmetric. The value true requires int8_symmetric.
      activation_type: Type of activations. One of uint8, int8. Default "uint8". The value int8
        requires int8_activations. The value uint8 requires uint8_activations.
      calibrator: How an activation's range is found: all values, least information lost, or all but
        the outliers. One of MinMax, Entropy, Percentile. Default "MinMax".
      dedicated_qdq: A quantize-dequantize pair of its own for each reader of a tensor. Default
        False.
      exclude: Names of nodes that stay in floating point. Default [].
      max_samples: At most so many calibration samples, the first ones. At least 1. Default 512.
      op_types: Quantize only these operators; empty for all that can be. Default [].
      per_channel: One weight scale for each output channel. Default True. The value true requires
        int8_per_channel.
      percentile: Share of the values, in percent, that Percentile keeps in range. At least 50 and
        at most 100. Default 99.99.
      quantize_bias: Biases become int32; some compilers want them as they are. Default True.
      reduce_range: Weights of 7 bits, for chips whose 8-bit products saturate. Default False. The
        value false requires int8_full_range.
      weight_type: Type of weights, always symmetric. One of int8. Default "int8".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "quantize",
        config = {
            "activation_symmetric": activation_symmetric,
            "activation_type": activation_type,
            "calibrator": calibrator,
            "dedicated_qdq": dedicated_qdq,
            "exclude": exclude,
            "max_samples": max_samples,
            "op_types": op_types,
            "per_channel": per_channel,
            "percentile": percentile,
            "quantize_bias": quantize_bias,
            "reduce_range": reduce_range,
            "weight_type": weight_type,
        },
        unknown = unknown,
    )

def _quantize_dynamic(
        *,
        exclude = None,
        op_types = None,
        per_channel = None,
        reduce_range = None,
        **unknown):
    """Dynamic 8-bit quantization: int8 weights, activations quantized as they come; no calibration data.

    Consumes onnx, produces onnx.
    Requires hardware with int8, int8_dynamic.

    Args:
      exclude: Names of nodes that stay in floating point. Default [].
      op_types: Operators to quantize. Default ["Gemm", "MatMul"].
      per_channel: One weight scale for each output channel. Default True. The value true requires
        int8_per_channel.
      reduce_range: Weights of 7 bits, for chips whose 8-bit products saturate. Default False. The
        value false requires int8_full_range.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "quantize_dynamic",
        config = {
            "exclude": exclude,
            "op_types": op_types,
            "per_channel": per_channel,
            "reduce_range": reduce_range,
        },
        unknown = unknown,
    )

def _to_fp16(
        *,
        exclude = None,
        keep_io_types = None,
        **unknown):
    """Stores and computes in half precision (IEEE 754 binary16).

    Consumes onnx, produces onnx.
    Requires hardware with fp16.

    Args:
      exclude: Names of nodes that stay in float32. Default [].
      keep_io_types: Inputs and outputs of the model stay float32. Default True.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "to_fp16",
        config = {
            "exclude": exclude,
            "keep_io_types": keep_io_types,
        },
        unknown = unknown,
    )

onnx = struct(
    check = _check,
    infer_shapes = _infer_shapes,
    onnx = _onnx,
    optimize = _optimize,
    quantize = _quantize,
    quantize_dynamic = _quantize_dynamic,
    to_fp16 = _to_fp16,
)
