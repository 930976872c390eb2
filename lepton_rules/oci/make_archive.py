"""The program of the output group `tarball`: an image as one tar for `docker load`."""

import sys
from pathlib import Path

# The links of Bazel's directories are not resolved: they lead out of the sandbox.
sys.path.insert(0, str(Path(__file__).absolute().parent.parent.parent))

from lepton_rules.oci.archive import write_archive
from lepton_rules.oci.blob import Blob
from lepton_rules.oci.flags import Flags, run
from lepton_rules.oci.store import Store


def make_archive(flags: Flags) -> None:
    """Writes --output.

    Raises:
        LeptonError: a layer is not there.
    """
    store = Store.from_flags(flags)
    name, output = flags.one("name"), flags.path("output")
    flags.finish()
    with Blob(output) as blob:
        write_archive(store, name, blob)


if __name__ == "__main__":
    sys.exit(run(make_archive, sys.argv[1:]))
