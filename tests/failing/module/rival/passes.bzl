"""What the plugin rival offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component", "lepton_pass")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {
  "press": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "text",
   "doc": "Presses the text into a blob.",
   "produces": "blob"
  }
 },
 "importers": {},
 "metrics": {},
 "name": "rival",
 "passes": {
  "flourish": {
   "config": {
    "fields": {
     "name": {
      "default": "R.",
      "doc": "Who signs.",
      "optional": false,
      "type": "string"
     }
    },
    "version": 1
   },
   "consumes": "text",
   "doc": "Signs the text.",
   "preserves_signature": true,
   "produces": "text",
   "requires": [],
   "slots": {}
  }
 },
 "runtimes": {},
 "targets": {}
}''')

def _flourish(
        *,
        name = None,
        **unknown):
    """Signs the text.

    Consumes text, produces text.

    Args:
      name: Who signs. Default "R.".
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//rival"),
        name = "flourish",
        config = {
            "name": name,
        },
        unknown = unknown,
    )

def _press(**unknown):
    """Presses the text into a blob.

    Consumes text, produces blob.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an exporter.
    """
    return lepton_component(
        kind = "exporter",
        plugin = Label("//rival"),
        name = "press",
        config = {},
        unknown = unknown,
    )

rival = struct(
    flourish = _flourish,
    press = _press,
)
