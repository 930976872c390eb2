"""The action that writes an image's provenance.

launch lepton_rules/provenance/main.py --label=//x:y_image --name=y --digest=… --image_manifest=…
    --platform=linux/amd64 --model_manifest=… [--metrics=…] [--packages=deb=facts.json …] --parameters={json}
    --builder=urn:… --output_statement=… --output_bill=… --output_checksums=… --output_model_checksums=…
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import lepton_rules
from lepton_rules.manifest import canonical_json, read
from lepton_rules.measure import metrics_file
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.provenance.bill_of_materials import bill_of_materials
from lepton_rules.provenance.checksums import layout_checksums, model_checksums
from lepton_rules.provenance.facts import Facts, read_image, read_packages
from lepton_rules.provenance.statement import statement


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("label", "name", "platform", "parameters", "builder"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("digest", "image_manifest", "model_manifest"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--metrics", type=Path)
    parser.add_argument("--packages", action="append", default=[])
    for name in ("statement", "bill", "checksums", "model_checksums"):
        parser.add_argument(f"--output_{name}", type=Path, required=True)
    return parser


def _facts(options: argparse.Namespace) -> Facts:
    image, digest = read_image(options.image_manifest, options.digest)
    model = read(options.model_manifest)
    metrics = {}
    if options.metrics is not None:
        found = metrics_file.read(options.metrics, "metrics")
        if found.model_digest != model["digest"]:
            raise LeptonError(
                "metrics", f"they are of {found.model_digest}, not of the model", "Build the artifact again"
            )
        metrics = {"metrics": dict(found.metrics), "samples": found.samples}
    architecture = options.platform.split("/")[1]
    packages = []
    for entry in options.packages:
        kind, _, path = entry.partition("=")
        packages += read_packages(kind, Path(path), architecture)
    return Facts(
        label=options.label,
        name=options.name,
        digest=digest,
        image=image,
        platform=options.platform,
        model=model,
        metrics=metrics,
        packages=packages,
        parameters=json.loads(options.parameters),
        version=lepton_rules.__version__,
    )


def main(arguments: Sequence[str]) -> int:
    """Runs the action; returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        facts = _facts(options)
    except LeptonError as error:
        print(error.with_label(options.label), file=sys.stderr)
        return 1
    written = {
        "bill of materials": (options.output_bill, canonical_json(bill_of_materials(facts)).encode()),
        "checksums": (options.output_checksums, layout_checksums(facts).encode()),
        "model checksums": (options.output_model_checksums, model_checksums(facts).encode()),
    }
    for path, content in written.values():
        path.write_bytes(content)
    byproducts = {name: hashlib.sha256(content).digest() for name, (_, content) in written.items()}
    options.output_statement.write_bytes(canonical_json(statement(facts, options.builder, byproducts)).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
