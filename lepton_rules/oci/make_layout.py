"""The program of the output group `layout`: an image as an OCI layout directory."""

import sys
from pathlib import Path

# The links of Bazel's directories are not resolved: they lead out of the sandbox.
sys.path.insert(0, str(Path(__file__).absolute().parent.parent.parent))

import contextlib
import os
import shutil

from lepton_rules.oci.archive import reference_annotations
from lepton_rules.oci.flags import Flags, compact_json, run
from lepton_rules.oci.media import INDEX
from lepton_rules.oci.store import Store


def make_layout(flags: Flags) -> None:
    """Fills the directory --output.

    Raises:
        LeptonError: a layer is not there.
    """
    store = Store.from_flags(flags)
    name, output = flags.one("name"), flags.path("output")
    flags.finish()
    blobs = output / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for digest, data in store.documents.items():
        (blobs / digest.removeprefix("sha256:")).write_bytes(data)
    for layer in store.layers():
        _put(store.blob(layer), blobs / layer["digest"].removeprefix("sha256:"))
    root = {**store.root, "annotations": reference_annotations(name)}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [root]}
    (output / "index.json").write_bytes(compact_json(index))
    (output / "oci-layout").write_bytes(compact_json({"imageLayoutVersion": "1.0.0"}))


def _put(source: Path, target: Path) -> None:
    """Gives the file another name, or makes a copy where the file system or the sandbox has no such names."""
    with contextlib.suppress(OSError):
        os.link(source.resolve(), target)
        return
    shutil.copyfile(source, target)


if __name__ == "__main__":
    sys.exit(run(make_layout, sys.argv[1:]))
