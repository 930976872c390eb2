"""What the plugin clock offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_pass")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {},
 "importers": {},
 "metrics": {},
 "name": "clock",
 "passes": {
  "stamp": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": "text",
   "doc": "Writes the time into the text.",
   "preserves_signature": true,
   "produces": "text",
   "requires": [],
   "slots": {}
  }
 },
 "runtimes": {},
 "targets": {}
}''')

def _stamp(**unknown):
    """Writes the time into the text.

    Consumes text, produces text.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as a pass.
    """
    return lepton_pass(
        plugin = Label("//clock"),
        name = "stamp",
        config = {},
        unknown = unknown,
    )

clock = struct(
    stamp = _stamp,
)
