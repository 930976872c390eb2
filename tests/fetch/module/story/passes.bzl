"""What the plugin story offers. Generated from its descriptors: do not edit."""

load("@lepton_rules//lepton_rules:pass.bzl", "lepton_component")

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {},
 "importers": {
  "text": {
   "allows_code": false,
   "config": {
    "fields": {},
    "version": 1
   },
   "doc": "The configuration of what has none.",
   "produces": "story"
  }
 },
 "metrics": {},
 "name": "story",
 "passes": {},
 "runtimes": {},
 "targets": {}
}''')

def _text(**unknown):
    """The configuration of what has none.

    Produces story.

    Args:
      **unknown: an error, which names the option that was meant.

    Returns:
      A struct that rules take as an importer.
    """
    return lepton_component(
        kind = "importer",
        plugin = Label("//story"),
        name = "text",
        config = {},
        unknown = unknown,
    )

story = struct(
    text = _text,
)
