"""The program of a layer's action: writes a blob and its descriptor from a packager's plan.

    python make_layer.py --plan=layer.json --tree=model=DIRECTORY … --root=DIRECTORY … --file=server=FILE … \
        --compression=gzip --output_blob=layer.tar.gz --output_descriptor=layer.json
"""

import sys
from pathlib import Path

# The links of Bazel's directories are not resolved: they lead out of the sandbox.
sys.path.insert(0, str(Path(__file__).absolute().parent.parent.parent))

from lepton_rules.oci.flags import Flags, compact_json, read_json, run
from lepton_rules.oci.layer import write_layer
from lepton_rules.oci.plan import below_roots, members, tree_of


def make_layer(flags: Flags) -> None:
    """Writes --output_blob and --output_descriptor.

    Raises:
        LeptonError: the plan names what is not there, or what cannot be packed.
    """
    plan = read_json(flags.path("plan"), "layer's plan")
    sources = {name: tree_of(Path(path)) for name, path in flags.pairs("tree")}
    roots = flags.paths("root")
    files: dict[str, list[Path]] = {}
    for name, path in flags.pairs("file"):
        files.setdefault(name, []).append(Path(path))
    sources |= {name: below_roots(paths, roots) for name, paths in files.items()}
    compression = flags.one("compression")
    blob, descriptor = flags.path("output_blob"), flags.path("output_descriptor")
    flags.finish()
    written = write_layer(
        members(plan, sources),
        blob,
        compression=compression if plan["compress"] else "none",
        media_type=plan["media_type"],
        annotations=plan["annotations"],
    )
    descriptor.write_bytes(compact_json(written) + b"\n")


if __name__ == "__main__":
    sys.exit(run(make_layer, sys.argv[1:]))
