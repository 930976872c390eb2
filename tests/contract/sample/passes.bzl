"""What the plugin sample offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component", "lepton_pass")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {
  "table_to_text": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "table",
   "doc": "The configuration of what has none.",
   "produces": "text"
  }
 },
 "importers": {
  "table": {
   "allows_code": false,
   "config": {
    "fields": {},
    "version": 1
   },
   "doc": "The configuration of what has none.",
   "produces": "table"
  }
 },
 "metrics": {
  "mean_error": {
   "config": {
    "fields": {},
    "version": 1
   },
   "doc": "Mean distance to the baseline",
   "higher_is_better": false,
   "largest": null,
   "needs_baseline": true
  }
 },
 "name": "sample",
 "packagers": {
  "bundle": {
   "config": {
    "fields": {
     "verbose": {
      "default": false,
      "doc": "Whether the program says what it does.",
      "optional": false,
      "type": "bool"
     }
    },
    "version": 1
   },
   "consumes": [
    "table"
   ],
   "doc": "Packs the table under a directory of its own.",
   "layers": [
    {
     "name": "program",
     "sources": []
    },
    {
     "name": "model",
     "sources": [
      "model",
      "manifest"
     ]
    }
   ],
   "serves": false
  }
 },
 "passes": {
  "centre": {
   "config": {
    "fields": {
     "share": {
      "doc": "Share of the mean, from 0 to 1.",
      "maximum": 1,
      "minimum": 0,
      "optional": false,
      "type": "float"
     }
    },
    "version": 2
   },
   "consumes": "table",
   "doc": "Takes the calibration data\u0027s mean off the bias.",
   "preserves_signature": true,
   "produces": "table",
   "requires": [
    "int8",
    "int8_symmetric"
   ],
   "slots": {
    "calibration": {
     "doc": "Samples that the mean is taken over.",
     "kind": "dataset",
     "required": true
    },
    "teacher": {
     "doc": "",
     "kind": "model",
     "required": false
    }
   }
  },
  "round": {
   "config": {
    "fields": {
     "digits": {
      "default": 3,
      "doc": "Decimals that stay.",
      "maximum": 6,
      "minimum": 0,
      "optional": false,
      "requires": {
       "0": "int8"
      },
      "type": "int"
     },
     "exclude": {
      "default": [],
      "doc": "Rows that stay as they are.",
      "optional": false,
      "type": "string_list"
     },
     "mode": {
      "choices": [
       "even",
       "zero"
      ],
      "default": "even",
      "doc": "Which way a half goes",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "consumes": "table",
   "doc": "Rounds every weight.",
   "preserves_signature": true,
   "produces": "table",
   "requires": [],
   "slots": {}
  }
 },
 "runtimes": {
  "table": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": [
    "table"
   ],
   "doc": "The configuration of what has none."
  }
 },
 "targets": {
  "pocket": {
   "accepts": [
    "table"
   ],
   "available": "",
   "capabilities": [
    "int8",
    "int8_symmetric"
   ],
   "doc": "",
   "options": {
    "speed": "slow"
   },
   "pass_defaults": {
    "sample.round": {
     "digits": 1
    }
   },
   "runtime": "table"
  }
 }
}''')

def _bundle(
        *,
        verbose = None,
        **unknown):
    """Packs the table under a directory of its own.

    Packs table, in the layers program, model.

    Args:
      verbose: Whether the program says what it does. Default False.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a packager.
    """
    return lepton_component(
        kind = "packager",
        plugin = Label("//tests/contract/sample"),
        name = "bundle",
        config = {
            "verbose": verbose,
        },
        unknown = unknown,
    )

def _centre(
        *,
        share = None,
        **unknown):
    """Takes the calibration data's mean off the bias.

    Consumes table, produces table.
    The artifact must bind the dataset slot calibration. Samples that the mean is taken over.
    The artifact may bind the model slot teacher.
    Requires hardware with int8, int8_symmetric.

    Args:
      share: Share of the mean, from 0 to 1. At least 0 and at most 1. It must be given.
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//tests/contract/sample"),
        name = "centre",
        config = {
            "share": share,
        },
        unknown = unknown,
    )

def _mean_error(**unknown):
    """Mean distance to the baseline.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a metric.
    """
    return lepton_component(
        kind = "metric",
        plugin = Label("//tests/contract/sample"),
        name = "mean_error",
        config = {},
        unknown = unknown,
    )

def _round(
        *,
        digits = None,
        exclude = None,
        mode = None,
        **unknown):
    """Rounds every weight.

    Consumes table, produces table.

    Args:
      digits: Decimals that stay. At least 0 and at most 6. Default 3. The value 0 requires int8.
      exclude: Rows that stay as they are. Default [].
      mode: Which way a half goes. One of even, zero. Default "even".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//tests/contract/sample"),
        name = "round",
        config = {
            "digits": digits,
            "exclude": exclude,
            "mode": mode,
        },
        unknown = unknown,
    )

def _table(**unknown):
    """The configuration of what has none.

    Produces table.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//tests/contract/sample"),
        name = "table",
        config = {},
        unknown = unknown,
    )

def _table_to_text(**unknown):
    """The configuration of what has none.

    Consumes table, produces text.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//tests/contract/sample"),
        name = "table_to_text",
        config = {},
        unknown = unknown,
    )

sample = struct(
    bundle = _bundle,
    centre = _centre,
    mean_error = _mean_error,
    round = _round,
    table = _table,
    table_to_text = _table_to_text,
)
