"""manifest.json: what a model is and how it came to be, for what needs facts and never weights.

The schema is `manifest.schema.json` beside this file (JSON Schema draft 2020-12); `validate` needs the standard library
only.
"""

from lepton_rules.manifest.canonical import canonical_json, parse_json
from lepton_rules.manifest.directory import digest_directory, weights_digest
from lepton_rules.manifest.manifest import SCHEMA_VERSION, build, read, step, validate, write

__all__ = [
    "SCHEMA_VERSION",
    "build",
    "canonical_json",
    "digest_directory",
    "parse_json",
    "read",
    "step",
    "validate",
    "weights_digest",
    "write",
]
