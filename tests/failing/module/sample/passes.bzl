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
   "doc": "Text files, one after the other.",
   "produces": "blob"
  }
 },
 "importers": {
  "late_text": {
   "allows_code": false,
   "config": {
    "fields": {
     "hold": {
      "doc": "The absolute path of the file.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "doc": "Text files, read once a file is gone.",
   "produces": "text"
  },
  "text": {
   "allows_code": false,
   "config": {
    "fields": {},
    "version": 1
   },
   "doc": "Text files, one after the other.",
   "produces": "text"
  }
 },
 "metrics": {},
 "name": "sample",
 "passes": {
  "absent": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "text",
   "doc": "Text files, one after the other.",
   "preserves_signature": true,
   "produces": "text",
   "requires": [],
   "slots": {}
  },
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
  "brew": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "text",
   "doc": "Text files, one after the other.",
   "preserves_signature": true,
   "produces": "text",
   "requires": [
    "fp8"
   ],
   "slots": {}
  },
  "carve": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "stone",
   "doc": "Text files, one after the other.",
   "preserves_signature": true,
   "produces": "text",
   "requires": [],
   "slots": {}
  },
  "misbehave": {
   "config": {
    "fields": {
     "argument": {
      "default": "",
      "doc": "What the function is given.",
      "optional": false,
      "type": "string"
     },
     "deed": {
      "doc": "The function of deeds.py.",
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
  "pack": {
   "config": {
    "fields": {
     "bits": {
      "default": 4,
      "doc": "Bits.",
      "optional": false,
      "requires": {
       "4": "int4_weights"
      },
      "type": "int"
     }
    },
    "version": 1
   },
   "consumes": "text",
   "doc": "Packs the text into four bits, as far as words go.",
   "preserves_signature": true,
   "produces": "text",
   "requires": [],
   "slots": {}
  },
  "reshape": {
   "config": {
    "fields": {
     "columns": {
      "default": 2,
      "doc": "Numbers that it gives for each sample.",
      "minimum": 1,
      "optional": false,
      "type": "int"
     },
     "dtype": {
      "default": "float32",
      "doc": "Numbers that it takes and gives.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "consumes": "text",
   "doc": "Changes what the model takes and gives.",
   "preserves_signature": false,
   "produces": "text",
   "requires": [],
   "slots": {}
  },
  "study": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "text",
   "doc": "Text files, one after the other.",
   "preserves_signature": true,
   "produces": "text",
   "requires": [],
   "slots": {
    "notes": {
     "doc": "",
     "kind": "dataset",
     "required": true
    }
   }
  },
  "style": {
   "config": {
    "fields": {
     "bold": {
      "default": false,
      "doc": "Whether it is bold.",
      "optional": false,
      "type": "bool"
     },
     "face": {
      "choices": [
       "serif",
       "sans"
      ],
      "default": "serif",
      "doc": "Its face.",
      "optional": false,
      "type": "string"
     },
     "names": {
      "default": {},
      "doc": "Names.",
      "optional": false,
      "type": "string_dict"
     },
     "sizes": {
      "default": [],
      "doc": "Sizes.",
      "minimum": 1,
      "optional": false,
      "type": "int_list"
     },
     "weight": {
      "default": 1.0,
      "doc": "Its weight.",
      "maximum": 2.0,
      "minimum": 0.0,
      "optional": false,
      "type": "float"
     },
     "width": {
      "default": null,
      "doc": "Its width.",
      "optional": true,
      "type": "int"
     },
     "words": {
      "default": [],
      "doc": "Words.",
      "optional": false,
      "type": "string_list"
     }
    },
    "version": 1
   },
   "consumes": "text",
   "doc": "Changes nothing, with an option of each type.",
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
   "doc": "Text files, one after the other.",
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
   "doc": "Text files, one after the other."
  }
 },
 "targets": {
  "bold_page": {
   "accepts": [
    "blob"
   ],
   "available": "",
   "capabilities": [
    "int8"
   ],
   "doc": "",
   "options": {},
   "pass_defaults": {
    "sample.append": {
     "bits": 4
    }
   },
   "runtime": "reader"
  },
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
  "torn_page": {
   "accepts": [
    "blob"
   ],
   "available": "",
   "capabilities": [
    "int8"
   ],
   "doc": "",
   "options": {},
   "pass_defaults": {
    "sample.append": {
     "bit": 8
    }
   },
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

def _absent(**unknown):
    """Text files, one after the other.

    Consumes text, produces text.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "absent",
        config = {},
        unknown = unknown,
    )

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

def _brew(**unknown):
    """Text files, one after the other.

    Consumes text, produces text.
    Requires hardware with fp8.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "brew",
        config = {},
        unknown = unknown,
    )

def _carve(**unknown):
    """Text files, one after the other.

    Consumes stone, produces text.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "carve",
        config = {},
        unknown = unknown,
    )

def _late_text(
        *,
        hold = None,
        **unknown):
    """Text files, read once a file is gone.

    Produces text.

    Args:
      hold: The absolute path of the file. It must be given.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//sample"),
        name = "late_text",
        config = {
            "hold": hold,
        },
        unknown = unknown,
    )

def _misbehave(
        *,
        argument = None,
        deed = None,
        **unknown):
    """Does what a plugin must not do.

    Consumes text, produces text.

    Args:
      argument: What the function is given. Default "".
      deed: The function of deeds.py. It must be given.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "misbehave",
        config = {
            "argument": argument,
            "deed": deed,
        },
        unknown = unknown,
    )

def _pack(
        *,
        bits = None,
        **unknown):
    """Packs the text into four bits, as far as words go.

    Consumes text, produces text.

    Args:
      bits: Bits. Default 4. The value 4 requires int4_weights.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "pack",
        config = {
            "bits": bits,
        },
        unknown = unknown,
    )

def _reshape(
        *,
        columns = None,
        dtype = None,
        **unknown):
    """Changes what the model takes and gives.

    Consumes text, produces text.

    Args:
      columns: Numbers that it gives for each sample. At least 1. Default 2.
      dtype: Numbers that it takes and gives. Default "float32".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "reshape",
        config = {
            "columns": columns,
            "dtype": dtype,
        },
        unknown = unknown,
    )

def _study(**unknown):
    """Text files, one after the other.

    Consumes text, produces text.
    The artifact must bind the dataset slot notes.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "study",
        config = {},
        unknown = unknown,
    )

def _style(
        *,
        bold = None,
        face = None,
        names = None,
        sizes = None,
        weight = None,
        width = None,
        words = None,
        **unknown):
    """Changes nothing, with an option of each type.

    Consumes text, produces text.

    Args:
      bold: Whether it is bold. Default False.
      face: Its face. One of serif, sans. Default "serif".
      names: Names. Default {}.
      sizes: Sizes. At least 1. Default [].
      weight: Its weight. At least 0.0 and at most 2.0. Default 1.0.
      width: Its width.
      words: Words. Default [].
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//sample"),
        name = "style",
        config = {
            "bold": bold,
            "face": face,
            "names": names,
            "sizes": sizes,
            "weight": weight,
            "width": width,
            "words": words,
        },
        unknown = unknown,
    )

def _teach(**unknown):
    """Text files, one after the other.

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
    """Text files, one after the other.

    Produces text.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//sample"),
        name = "text",
        config = {},
        unknown = unknown,
    )

def _text_to_blob(**unknown):
    """Text files, one after the other.

    Consumes text, produces blob.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//sample"),
        name = "text_to_blob",
        config = {},
        unknown = unknown,
    )

sample = struct(
    absent = _absent,
    append = _append,
    brew = _brew,
    carve = _carve,
    late_text = _late_text,
    misbehave = _misbehave,
    pack = _pack,
    reshape = _reshape,
    study = _study,
    style = _style,
    teach = _teach,
    text = _text,
    text_to_blob = _text_to_blob,
)
