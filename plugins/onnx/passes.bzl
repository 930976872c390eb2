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
  "fix_shapes": {
   "config": {
    "fields": {
     "dimensions": {
      "doc": "Name of a dimension to its length, such as {\"batch\": \"1\", \"sequence\": \"32\"}; a nameless one is called after its input and axis, such as x_0.",
      "optional": false,
      "type": "string_dict"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Gives symbolic dimensions of the inputs their lengths, for chips that take no dynamic shapes.",
   "preserves_signature": false,
   "produces": "onnx",
   "requires": [],
   "slots": {}
  },
  "fold_batch_norm": {
   "config": {
    "fields": {
     "exclude": {
      "default": [],
      "doc": "Names of normalisations that stay as they are.",
      "optional": false,
      "type": "string_list"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Folds batch normalisation into the convolution, the transposed convolution or the linear layer before it.",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [],
   "slots": {}
  },
  "fuse_transformer": {
   "config": {
    "fields": {
     "attention": {
      "default": true,
      "doc": "Fuse attention, its three projections among it.",
      "optional": false,
      "type": "bool"
     },
     "attention_mask": {
      "choices": [
       "any",
       "right_padded"
      ],
      "default": "any",
      "doc": "What masks may look like: zeros anywhere, or only at the end, which is faster on some chips.",
      "optional": false,
      "type": "string"
     },
     "embeddings": {
      "default": false,
      "doc": "Fuse the embeddings with their normalisation; then onnx.quantize_dynamic cannot shrink them alone.",
      "optional": false,
      "type": "bool"
     },
     "gelu": {
      "default": true,
      "doc": "Fuse Gelu, with the bias before it.",
      "optional": false,
      "type": "bool"
     },
     "hidden_size": {
      "default": 0,
      "doc": "Width of the hidden state; 0 reads it from the graph.",
      "minimum": 0,
      "optional": false,
      "type": "int"
     },
     "layer_norm": {
      "default": true,
      "doc": "Fuse layer normalisation, with the residual sum and the bias before it.",
      "optional": false,
      "type": "bool"
     },
     "num_heads": {
      "default": 0,
      "doc": "Heads of attention; 0 reads them from the graph.",
      "minimum": 0,
      "optional": false,
      "type": "int"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Fuses attention, layer normalisation and Gelu of BERT-like encoders into onnxruntime\u0027s own operators.",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [
    "onnxruntime_operators"
   ],
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
      "default": false,
      "doc": "Store biases as int32, with a scale for each channel; runtimes round those that are left alone.",
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
  "quantize_by_sensitivity": {
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
     "max_float_share": {
      "default": 0.1,
      "doc": "Share of the weights that may stay in floating point.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "max_samples": {
      "default": 512,
      "doc": "At most so many calibration samples, the first ones.",
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "metric": {
      "choices": [
       "sqnr",
       "kl"
      ],
      "default": "sqnr",
      "doc": "What ranks layers: the outputs\u0027 signal-to-noise ratio in dB, or the divergence of their softmax.",
      "optional": false,
      "type": "string"
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
      "default": false,
      "doc": "Store biases as int32, with a scale for each channel; runtimes round those that are left alone.",
      "optional": false,
      "type": "bool"
     },
     "ranking_samples": {
      "default": 32,
      "doc": "At most so many calibration samples rank the layers.",
      "minimum": 1,
      "optional": false,
      "type": "int"
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
     "threshold": {
      "default": null,
      "doc": "Least SQNR, or greatest KL, at which a layer alone is good enough; without it, only the share counts.",
      "optional": true,
      "type": "float"
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
   "doc": "Mixed precision: static 8-bit quantization, the layers that suffer most from it in floating point.",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [
    "int8"
   ],
   "slots": {
    "calibration": {
     "doc": "Samples that ranges are taken from and layers are ranked on.",
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
       "Attention",
       "Gemm",
       "MatMul"
      ],
      "doc": "Operators to quantize. Gather and EmbedLayerNormalization shrink embeddings.",
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
  "quantize_to_accuracy": {
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
     "max_accuracy_drop": {
      "default": 0.01,
      "doc": "How much of the accuracy on the validation samples may be lost, such as 0.01.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "max_samples": {
      "default": 512,
      "doc": "At most so many calibration samples, the first ones.",
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "max_tries": {
      "default": 8,
      "doc": "At most so many models are quantized and judged.",
      "maximum": 1000,
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "max_validation_samples": {
      "default": 2048,
      "doc": "At most so many validation samples, the first ones.",
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "metric": {
      "choices": [
       "sqnr",
       "kl"
      ],
      "default": "sqnr",
      "doc": "What ranks layers, as in quantize_by_sensitivity.",
      "optional": false,
      "type": "string"
     },
     "op_types": {
      "default": [],
      "doc": "Quantize only these operators; empty for all that can be.",
      "optional": false,
      "type": "string_list"
     },
     "output": {
      "default": "",
      "doc": "The output that classifies; empty for the first.",
      "optional": false,
      "type": "string"
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
      "default": false,
      "doc": "Store biases as int32, with a scale for each channel; runtimes round those that are left alone.",
      "optional": false,
      "type": "bool"
     },
     "ranking_samples": {
      "default": 32,
      "doc": "At most so many calibration samples rank the layers.",
      "minimum": 1,
      "optional": false,
      "type": "int"
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
   "doc": "Static 8-bit quantization that returns the worst layers to floating point until the accuracy holds.",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [
    "int8"
   ],
   "slots": {
    "calibration": {
     "doc": "Samples that ranges are taken from and layers are ranked on.",
     "kind": "dataset",
     "required": true
    },
    "validation": {
     "doc": "Samples with labels that the accuracy is measured on.",
     "kind": "dataset",
     "required": true
    }
   }
  },
  "quantize_weights": {
   "config": {
    "fields": {
     "accuracy_level": {
      "default": 0,
      "doc": "Of MatMulNBits: 0 as the runtime likes, 1 float32 to 4 int8 products.",
      "maximum": 4,
      "minimum": 0,
      "optional": false,
      "type": "int"
     },
     "bits": {
      "choices": [
       8,
       4
      ],
      "default": 8,
      "doc": "Bits of a weight.",
      "optional": false,
      "requires": {
       "4": "int4_weights",
       "8": "int8_weights"
      },
      "type": "int"
     },
     "block_size": {
      "choices": [
       16,
       32,
       64,
       128,
       256
      ],
      "default": 32,
      "doc": "Weights that share one scale, along the axis that is summed over.",
      "optional": false,
      "type": "int"
     },
     "exclude": {
      "default": [],
      "doc": "Names of nodes that stay in floating point.",
      "optional": false,
      "type": "string_list"
     },
     "form": {
      "choices": [
       "qdq",
       "matmul_nbits"
      ],
      "default": "qdq",
      "doc": "DequantizeLinear before what reads the weights, or onnxruntime\u0027s MatMulNBits for matrix products and GatherBlockQuantized for look-ups, which are faster there.",
      "optional": false,
      "requires": {
       "matmul_nbits": "onnxruntime_operators"
      },
      "type": "string"
     },
     "op_types": {
      "default": [
       "Gemm",
       "MatMul"
      ],
      "doc": "Operators whose weights are quantized: also Attention, Conv, ConvTranspose, Gather.",
      "optional": false,
      "type": "string_list"
     },
     "symmetric": {
      "default": true,
      "doc": "Zero in the middle of each block\u0027s range; else a zero point for each block.",
      "optional": false,
      "type": "bool"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Weight-only quantization: weights of 8 or 4 bits in blocks, activations in floating point; no calibration",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [],
   "slots": {}
  },
  "remove_dead_branches": {
   "config": {
    "fields": {
     "outputs": {
      "default": [],
      "doc": "Outputs to keep, with what they need; empty for all. An auxiliary head of training goes this way.",
      "optional": false,
      "type": "string_list"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Removes what no output needs: branches of conditions that are constant, dropout, identities, unread nodes.",
   "preserves_signature": false,
   "produces": "onnx",
   "requires": [],
   "slots": {}
  },
  "residuals_as_sum": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Keeps onnxruntime from fusing residual sums into layer normalisation, which makes an int8 encoder faster.",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [],
   "slots": {}
  },
  "set_input_layout": {
   "config": {
    "fields": {
     "inputs": {
      "default": [],
      "doc": "Names of the inputs; empty for all of rank 4.",
      "optional": false,
      "type": "string_list"
     },
     "layout": {
      "choices": [
       "NCHW",
       "NHWC"
      ],
      "doc": "The layout that the inputs get; they have the other one now.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Changes the layout of image inputs, between channels first (NCHW) and channels last (NHWC).",
   "preserves_signature": false,
   "produces": "onnx",
   "requires": [],
   "slots": {}
  },
  "smooth_quant": {
   "config": {
    "fields": {
     "alpha": {
      "default": 0.5,
      "doc": "How much goes into the weights: 0 nothing, 1 all of it.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     },
     "exclude": {
      "default": [],
      "doc": "Names of nodes that are left alone.",
      "optional": false,
      "type": "string_list"
     },
     "insert_multiplications": {
      "default": true,
      "doc": "Multiply where nothing before a layer can take the factors; else that layer is left alone.",
      "optional": false,
      "type": "bool"
     },
     "layers": {
      "choices": [
       "after_norm",
       "all"
      ],
      "default": "after_norm",
      "doc": "Linear layers that read a layer normalisation, where channels are great in every sample, as the paper has it, or all.",
      "optional": false,
      "type": "string"
     },
     "max_samples": {
      "default": 512,
      "doc": "At most so many calibration samples, the first ones.",
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "powers_of_two": {
      "default": false,
      "doc": "Round the factors to powers of two: products stay the same to the bit.",
      "optional": false,
      "type": "bool"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Moves great channels of activations into the weights before quantization, for transformers (SmoothQuant).",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [],
   "slots": {
    "calibration": {
     "doc": "Samples that the magnitudes of activations are taken from.",
     "kind": "dataset",
     "required": true
    }
   }
  },
  "to_bf16": {
   "config": {
    "fields": {
     "exclude": {
      "default": [],
      "doc": "Names of nodes that stay in float32.",
      "optional": false,
      "type": "string_list"
     }
    },
    "version": 1
   },
   "consumes": "onnx",
   "doc": "Stores and computes in bfloat16; inputs and outputs stay float32.",
   "preserves_signature": true,
   "produces": "onnx",
   "requires": [
    "bf16"
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

def _fix_shapes(
        *,
        dimensions = None,
        **unknown):
    """Gives symbolic dimensions of the inputs their lengths, for chips that take no dynamic shapes.

    Consumes onnx, produces onnx.

    Args:
      dimensions: Name of a dimension to its length, such as {"batch": "1", "sequence": "32"}; a
        nameless one is called after its input and axis, such as x_0. It must be given.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "fix_shapes",
        config = {
            "dimensions": dimensions,
        },
        unknown = unknown,
    )

def _fold_batch_norm(
        *,
        exclude = None,
        **unknown):
    """Folds batch normalisation into the convolution, the transposed convolution or the linear layer before it.

    Consumes onnx, produces onnx.

    Args:
      exclude: Names of normalisations that stay as they are. Default [].
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "fold_batch_norm",
        config = {
            "exclude": exclude,
        },
        unknown = unknown,
    )

def _fuse_transformer(
        *,
        attention = None,
        attention_mask = None,
        embeddings = None,
        gelu = None,
        hidden_size = None,
        layer_norm = None,
        num_heads = None,
        **unknown):
    """Fuses attention, layer normalisation and Gelu of BERT-like encoders into onnxruntime's own operators.

    Consumes onnx, produces onnx.
    Requires hardware with onnxruntime_operators.

    Args:
      attention: Fuse attention, its three projections among it. Default True.
      attention_mask: What masks may look like: zeros anywhere, or only at the end, which is faster
        on some chips. One of any, right_padded. Default "any".
      embeddings: Fuse the embeddings with their normalisation; then onnx.quantize_dynamic cannot
        shrink them alone. Default False.
      gelu: Fuse Gelu, with the bias before it. Default True.
      hidden_size: Width of the hidden state; 0 reads it from the graph. At least 0. Default 0.
      layer_norm: Fuse layer normalisation, with the residual sum and the bias before it. Default
        True.
      num_heads: Heads of attention; 0 reads them from the graph. At least 0. Default 0.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "fuse_transformer",
        config = {
            "attention": attention,
            "attention_mask": attention_mask,
            "embeddings": embeddings,
            "gelu": gelu,
            "hidden_size": hidden_size,
            "layer_norm": layer_norm,
            "num_heads": num_heads,
        },
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
      quantize_bias: Store biases as int32, with a scale for each channel; runtimes round those that
        are left alone. Default False.
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

def _quantize_by_sensitivity(
        *,
        activation_symmetric = None,
        activation_type = None,
        calibrator = None,
        dedicated_qdq = None,
        exclude = None,
        max_float_share = None,
        max_samples = None,
        metric = None,
        op_types = None,
        per_channel = None,
        percentile = None,
        quantize_bias = None,
        ranking_samples = None,
        reduce_range = None,
        threshold = None,
        weight_type = None,
        **unknown):
    """Mixed precision: static 8-bit quantization, the layers that suffer most from it in floating point.

    Consumes onnx, produces onnx.
    The artifact must bind the dataset slot calibration. Samples that ranges are taken from and
    layers are ranked on.
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
      max_float_share: Share of the weights that may stay in floating point. At least 0 and at most
        1. Default 0.1.
      max_samples: At most so many calibration samples, the first ones. At least 1. Default 512.
      metric: What ranks layers: the outputs' signal-to-noise ratio in dB, or the divergence of
        their softmax. One of sqnr, kl. Default "sqnr".
      op_types: Quantize only these operators; empty for all that can be. Default [].
      per_channel: One weight scale for each output channel. Default True. The value true requires
        int8_per_channel.
      percentile: Share of the values, in percent, that Percentile keeps in range. At least 50 and
        at most 100. Default 99.99.
      quantize_bias: Store biases as int32, with a scale for each channel; runtimes round those that
        are left alone. Default False.
      ranking_samples: At most so many calibration samples rank the layers. At least 1. Default 32.
      reduce_range: Weights of 7 bits, for chips whose 8-bit products saturate. Default False. The
        value false requires int8_full_range.
      threshold: Least SQNR, or greatest KL, at which a layer alone is good enough; without it, only
        the share counts.
      weight_type: Type of weights, always symmetric. One of int8. Default "int8".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "quantize_by_sensitivity",
        config = {
            "activation_symmetric": activation_symmetric,
            "activation_type": activation_type,
            "calibrator": calibrator,
            "dedicated_qdq": dedicated_qdq,
            "exclude": exclude,
            "max_float_share": max_float_share,
            "max_samples": max_samples,
            "metric": metric,
            "op_types": op_types,
            "per_channel": per_channel,
            "percentile": percentile,
            "quantize_bias": quantize_bias,
            "ranking_samples": ranking_samples,
            "reduce_range": reduce_range,
            "threshold": threshold,
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
      op_types: Operators to quantize. Gather and EmbedLayerNormalization shrink embeddings. Default
        ["Attention", "Gemm", "MatMul"].
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

def _quantize_to_accuracy(
        *,
        activation_symmetric = None,
        activation_type = None,
        calibrator = None,
        dedicated_qdq = None,
        exclude = None,
        max_accuracy_drop = None,
        max_samples = None,
        max_tries = None,
        max_validation_samples = None,
        metric = None,
        op_types = None,
        output = None,
        per_channel = None,
        percentile = None,
        quantize_bias = None,
        ranking_samples = None,
        reduce_range = None,
        weight_type = None,
        **unknown):
    """Static 8-bit quantization that returns the worst layers to floating point until the accuracy holds.

    Consumes onnx, produces onnx.
    The artifact must bind the dataset slot calibration. Samples that ranges are taken from and
    layers are ranked on.
    The artifact must bind the dataset slot validation. Samples with labels that the accuracy is
    measured on.
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
      max_accuracy_drop: How much of the accuracy on the validation samples may be lost, such as
        0.01. At least 0 and at most 1. Default 0.01.
      max_samples: At most so many calibration samples, the first ones. At least 1. Default 512.
      max_tries: At most so many models are quantized and judged. At least 1 and at most 1000.
        Default 8.
      max_validation_samples: At most so many validation samples, the first ones. At least 1.
        Default 2048.
      metric: What ranks layers, as in quantize_by_sensitivity. One of sqnr, kl. Default "sqnr".
      op_types: Quantize only these operators; empty for all that can be. Default [].
      output: The output that classifies; empty for the first. Default "".
      per_channel: One weight scale for each output channel. Default True. The value true requires
        int8_per_channel.
      percentile: Share of the values, in percent, that Percentile keeps in range. At least 50 and
        at most 100. Default 99.99.
      quantize_bias: Store biases as int32, with a scale for each channel; runtimes round those that
        are left alone. Default False.
      ranking_samples: At most so many calibration samples rank the layers. At least 1. Default 32.
      reduce_range: Weights of 7 bits, for chips whose 8-bit products saturate. Default False. The
        value false requires int8_full_range.
      weight_type: Type of weights, always symmetric. One of int8. Default "int8".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "quantize_to_accuracy",
        config = {
            "activation_symmetric": activation_symmetric,
            "activation_type": activation_type,
            "calibrator": calibrator,
            "dedicated_qdq": dedicated_qdq,
            "exclude": exclude,
            "max_accuracy_drop": max_accuracy_drop,
            "max_samples": max_samples,
            "max_tries": max_tries,
            "max_validation_samples": max_validation_samples,
            "metric": metric,
            "op_types": op_types,
            "output": output,
            "per_channel": per_channel,
            "percentile": percentile,
            "quantize_bias": quantize_bias,
            "ranking_samples": ranking_samples,
            "reduce_range": reduce_range,
            "weight_type": weight_type,
        },
        unknown = unknown,
    )

def _quantize_weights(
        *,
        accuracy_level = None,
        bits = None,
        block_size = None,
        exclude = None,
        form = None,
        op_types = None,
        symmetric = None,
        **unknown):
    """Weight-only quantization: weights of 8 or 4 bits in blocks, activations in floating point; no calibration.

    Consumes onnx, produces onnx.

    Args:
      accuracy_level: Of MatMulNBits: 0 as the runtime likes, 1 float32 to 4 int8 products. At least
        0 and at most 4. Default 0.
      bits: Bits of a weight. One of 8, 4. Default 8. The value 4 requires int4_weights. The value 8
        requires int8_weights.
      block_size: Weights that share one scale, along the axis that is summed over. One of 16, 32,
        64, 128, 256. Default 32.
      exclude: Names of nodes that stay in floating point. Default [].
      form: DequantizeLinear before what reads the weights, or onnxruntime's MatMulNBits for matrix
        products and GatherBlockQuantized for look-ups, which are faster there. One of qdq,
        matmul_nbits. Default "qdq". The value matmul_nbits requires onnxruntime_operators.
      op_types: Operators whose weights are quantized: also Attention, Conv, ConvTranspose, Gather.
        Default ["Gemm", "MatMul"].
      symmetric: Zero in the middle of each block's range; else a zero point for each block. Default
        True.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "quantize_weights",
        config = {
            "accuracy_level": accuracy_level,
            "bits": bits,
            "block_size": block_size,
            "exclude": exclude,
            "form": form,
            "op_types": op_types,
            "symmetric": symmetric,
        },
        unknown = unknown,
    )

def _remove_dead_branches(
        *,
        outputs = None,
        **unknown):
    """Removes what no output needs: branches of conditions that are constant, dropout, identities, unread nodes.

    Consumes onnx, produces onnx.

    Args:
      outputs: Outputs to keep, with what they need; empty for all. An auxiliary head of training
        goes this way. Default [].
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "remove_dead_branches",
        config = {
            "outputs": outputs,
        },
        unknown = unknown,
    )

def _residuals_as_sum(**unknown):
    """Keeps onnxruntime from fusing residual sums into layer normalisation, which makes an int8 encoder faster.

    Consumes onnx, produces onnx.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "residuals_as_sum",
        config = {},
        unknown = unknown,
    )

def _set_input_layout(
        *,
        inputs = None,
        layout = None,
        **unknown):
    """Changes the layout of image inputs, between channels first (NCHW) and channels last (NHWC).

    Consumes onnx, produces onnx.

    Args:
      inputs: Names of the inputs; empty for all of rank 4. Default [].
      layout: The layout that the inputs get; they have the other one now. One of NCHW, NHWC. It
        must be given.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "set_input_layout",
        config = {
            "inputs": inputs,
            "layout": layout,
        },
        unknown = unknown,
    )

def _smooth_quant(
        *,
        alpha = None,
        exclude = None,
        insert_multiplications = None,
        layers = None,
        max_samples = None,
        powers_of_two = None,
        **unknown):
    """Moves great channels of activations into the weights before quantization, for transformers (SmoothQuant).

    Consumes onnx, produces onnx.
    The artifact must bind the dataset slot calibration. Samples that the magnitudes of activations
    are taken from.

    Args:
      alpha: How much goes into the weights: 0 nothing, 1 all of it. At least 0 and at most 1.
        Default 0.5.
      exclude: Names of nodes that are left alone. Default [].
      insert_multiplications: Multiply where nothing before a layer can take the factors; else that
        layer is left alone. Default True.
      layers: Linear layers that read a layer normalisation, where channels are great in every
        sample, as the paper has it, or all. One of after_norm, all. Default "after_norm".
      max_samples: At most so many calibration samples, the first ones. At least 1. Default 512.
      powers_of_two: Round the factors to powers of two: products stay the same to the bit. Default
        False.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "smooth_quant",
        config = {
            "alpha": alpha,
            "exclude": exclude,
            "insert_multiplications": insert_multiplications,
            "layers": layers,
            "max_samples": max_samples,
            "powers_of_two": powers_of_two,
        },
        unknown = unknown,
    )

def _to_bf16(
        *,
        exclude = None,
        **unknown):
    """Stores and computes in bfloat16; inputs and outputs stay float32.

    Consumes onnx, produces onnx.
    Requires hardware with bf16.

    Args:
      exclude: Names of nodes that stay in float32. Default [].
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//plugins/onnx"),
        name = "to_bf16",
        config = {
            "exclude": exclude,
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
    fix_shapes = _fix_shapes,
    fold_batch_norm = _fold_batch_norm,
    fuse_transformer = _fuse_transformer,
    infer_shapes = _infer_shapes,
    onnx = _onnx,
    optimize = _optimize,
    quantize = _quantize,
    quantize_by_sensitivity = _quantize_by_sensitivity,
    quantize_dynamic = _quantize_dynamic,
    quantize_to_accuracy = _quantize_to_accuracy,
    quantize_weights = _quantize_weights,
    remove_dead_branches = _remove_dead_branches,
    residuals_as_sum = _residuals_as_sum,
    set_input_layout = _set_input_layout,
    smooth_quant = _smooth_quant,
    to_bf16 = _to_bf16,
    to_fp16 = _to_fp16,
)
