"""The program of the action that reads a base: one image of an OCI layout directory, every byte of it checked.

python make_base.py --layout=DIRECTORY --platform={"os":"linux","architecture":"amd64"} --output=base.json
"""

import sys
from pathlib import Path

# The links of Bazel's directories are not resolved: they lead out of the sandbox.
sys.path.insert(0, str(Path(__file__).absolute().parent.parent.parent))

import json

from lepton_rules.oci.flags import Flags, compact_json, run
from lepton_rules.oci.layout import Layout
from lepton_rules.plugin.errors import LeptonError


def make_base(flags: Flags) -> None:
    """Writes --output: what the image's own documents need of the base, so that they need none of its layers.

    Raises:
        LeptonError: the layout has no image for the platform, or is corrupt.
    """
    paths = [directory for path in flags.paths("layout") for directory in _layouts(path)]
    platform, output = json.loads(flags.one("platform")), flags.path("output")
    flags.finish()
    if len(paths) != 1:
        raise LeptonError("base", f"it has {len(paths)} OCI layouts", "Name a target with one layout directory")
    output.write_bytes(compact_json(Layout(paths[0]).image(platform)))


def _layouts(path: Path) -> list[Path]:
    """Returns the layout that a path is: the directory, or the one that its index.json is in."""
    if path.is_dir():
        return [path]
    return [path.parent] if path.name == "index.json" else []


if __name__ == "__main__":
    sys.exit(run(make_base, sys.argv[1:]))
