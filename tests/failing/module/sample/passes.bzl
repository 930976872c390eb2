"""What the plugin sample offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component", "lepton_pass")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {
  "text_to_blob": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "text",
   "doc": "Reads text files.",
   "produces": "blob"
  }
 },
 "importers": {
  "text": {
   "allows_code": false,
   "config": {
    "fields": {},
    "version": 1
   },
   "doc": "Reads text files.",
   "produces": "text"
  }
 },
 "metrics": {},
 "name": "sample",
 "passes": {
  "append": {
   "config": {
    "fields": {
     "bits": {
      "default": 8,
      "doc": "Bits.",
      "optional": false,
      "requires": {
       "4": "int4_weights"
      },
      "type": "int"
     },
     "text": {
      "default": "!",
      "doc": "What is appended.",
      "optional": false,
      "type": "string"
     },
     "times": {
      "default": 1,
      "doc": "How often.",
      "maximum": 9,
      "minimum": 1,
      "optional": false,
      "type": "int"
     }
    },
    "version": 1
   },
   "consumes": "text",
   "doc": "Appends to the text.",
   "preserves_signature": true,
   "produces": "text",
   "requires": [],
   "slots": {}
  },
  "misbehave": {
   "config": {
    "fields": {
     "deed": {
      "doc": "What it does.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "consumes": "text",
   "doc": "Does what a plugin must not do.",
   "preserves_signature": true,
   "produces": "text",
   "requires": [],
   "slots": {}
  },
  "teach": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "text",
   "doc": "Reads text files.",
   "preserves_signature": true,
   "produces": "text",
   "requires": [],
   "slots": {
    "teacher": {
     "doc": "",
     "kind": "model",
     "required": true
    }
   }
  }
 },
 "runtimes": {
  "reader": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": [
    "blob"
   ],
   "doc": "Reads text files."
  }
 },
 "targets": {
  "page": {
   "accepts": [
    "blob"
   ],
   "available": "",
   "capabilities": [
    "int8"
   ],
   "doc": "",
   "options": {},
   "pass_defaults": {},
   "runtime": "reader"
  },
  "wide_page": {
   "accepts": [
    "blob"
   ],
   "available": "",
   "capabilities": [
    "int4_weights",
    "int8"
   ],
   "doc": "",
   "options": {},
   "pass_defaults": {},
   "runtime": "reader"
  }
 }
}''')

def _append(
        *,
        bits = None,
        text = None,
        times = None,
        **unknown):
    """Appends to the text.

    Consumes text, produces text.

    Args:
      bits: Bits. Default 8. The value 4 requires int4_weights.
      text: What is appended. Default "!".
      times: How often. At least 1 and at most 9. Default 1.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "append",
        config = {
            "bits": bits,
            "text": text,
            "times": times,
        },
        unknown = unknown,
    )

def _misbehave(
        *,
        deed = None,
        **unknown):
    """Does what a plugin must not do.

    Consumes text, produces text.

    Args:
      deed: What it does. It must be given.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "misbehave",
        config = {
            "deed": deed,
        },
        unknown = unknown,
    )

def _teach(**unknown):
    """Reads text files.

    Consumes text, produces text.
    The artifact must bind the model slot teacher.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "teach",
        config = {},
        unknown = unknown,
    )

def _text(**unknown):
    """Reads text files.

    Produces text.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//sample"),
        name = "text",
        config = {},
        unknown = unknown,
    )

def _text_to_blob(**unknown):
    """Reads text files.

    Consumes text, produces blob.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//sample"),
        name = "text_to_blob",
        config = {},
        unknown = unknown,
    )

sample = struct(
    append = _append,
    misbehave = _misbehave,
    teach = _teach,
    text = _text,
    text_to_blob = _text_to_blob,
)
