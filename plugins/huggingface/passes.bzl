"""What the plugin huggingface offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {
  "huggingface_to_onnx": {
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
   "consumes": "huggingface",
   "doc": "The same encoder as ONNX: one graph, canonical, for any number of texts of any length.",
   "produces": "onnx"
  }
 },
 "importers": {
  "huggingface": {
   "allows_code": false,
   "config": {
    "fields": {
     "head": {
      "choices": [
       "none",
       "sequence_classification"
      ],
      "default": "none",
      "doc": "What the model ends in: its hidden states, or the classifier that its weights hold, whose output is `logits`.",
      "optional": false,
      "type": "string"
     },
     "normalize": {
      "default": false,
      "doc": "Whether a pooled vector is divided by its length.",
      "optional": false,
      "type": "bool"
     },
     "pooling": {
      "choices": [
       "none",
       "cls",
       "mean"
      ],
      "default": "none",
      "doc": "How the hidden states of a text\u0027s tokens become one vector, the output `sentence_embedding`: that of the first token, or the mean over those that attention_mask keeps. Without it the output is `last_hidden_state`.",
      "optional": false,
      "type": "string"
     },
     "token_types": {
      "default": false,
      "doc": "Whether token_type_ids is an input; without it, all are 0.",
      "optional": false,
      "type": "bool"
     }
    },
    "version": 1
   },
   "doc": "A text encoder as Hugging Face transformers keeps it: config.json, safetensors files, the tokenizer\u0027s files.",
   "produces": "huggingface"
  }
 },
 "metrics": {},
 "name": "huggingface",
 "passes": {},
 "runtimes": {},
 "targets": {}
}''')

def _huggingface(
        *,
        head = None,
        normalize = None,
        pooling = None,
        token_types = None,
        **unknown):
    """A text encoder as Hugging Face transformers keeps it: config.json, safetensors files, the tokenizer's files.

    Produces huggingface.

    Args:
      head: What the model ends in: its hidden states, or the classifier that its weights hold,
        whose output is `logits`. One of none, sequence_classification. Default "none".
      normalize: Whether a pooled vector is divided by its length. Default False.
      pooling: How the hidden states of a text's tokens become one vector, the output
        `sentence_embedding`: that of the first token, or the mean over those that attention_mask
        keeps. Without it the output is `last_hidden_state`. One of none, cls, mean. Default "none".
      token_types: Whether token_type_ids is an input; without it, all are 0. Default False.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//plugins/huggingface"),
        name = "huggingface",
        config = {
            "head": head,
            "normalize": normalize,
            "pooling": pooling,
            "token_types": token_types,
        },
        unknown = unknown,
    )

def _huggingface_to_onnx(
        *,
        opset = None,
        tolerance = None,
        **unknown):
    """The same encoder as ONNX: one graph, canonical, for any number of texts of any length.

    Consumes huggingface, produces onnx.

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
        plugin = Label("//plugins/huggingface"),
        name = "huggingface_to_onnx",
        config = {
            "opset": opset,
            "tolerance": tolerance,
        },
        unknown = unknown,
    )

huggingface = struct(
    huggingface = _huggingface,
    huggingface_to_onnx = _huggingface_to_onnx,
)
