"""The program of an index's action: one name for the images of several platforms."""

import sys
from pathlib import Path

# The links of Bazel's directories are not resolved: they lead out of the sandbox.
sys.path.insert(0, str(Path(__file__).absolute().parent.parent.parent))

import json

from lepton_rules.oci.descriptor import digest_of
from lepton_rules.oci.flags import Flags, read_json, run
from lepton_rules.oci.image import make_index as index_of


def make_index(flags: Flags) -> None:
    """Writes --output_index and --output_digest.

    Raises:
        LeptonError: two images are for one platform.
    """
    manifests, configs = flags.paths("manifest"), flags.paths("config")
    images = []
    for manifest, path in zip(manifests, configs, strict=True):
        config = read_json(path, f"configuration {path.name}")
        platform = {key: config[key] for key in ("os", "architecture", "variant") if config.get(key)}
        images.append((manifest.read_bytes(), platform))
    annotations = json.loads(flags.one("annotations"))
    output, digest = flags.path("output_index"), flags.path("output_digest")
    flags.finish()
    index = index_of(images, annotations)
    output.write_bytes(index)
    digest.write_text(f"{digest_of(index)}\n", "ascii")


if __name__ == "__main__":
    sys.exit(run(make_index, sys.argv[1:]))
