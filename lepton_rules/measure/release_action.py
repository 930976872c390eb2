"""Checks that files are the release that a target names by its digest, and makes of them a model: an action.

    launch -s -P lepton_rules/measure/release_action.py --label=//x:y --digest=sha256:… --manifest=<json>
        --format=onnx --target=cpu --file=model.onnx=<path> [--directory=<path>]
        --output_model=<directory> --output_manifest=… --output_weights_digest=…

The digest is the manifest's own, of the table of the model's files; each file must be what that table says.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import digest_directory, read
from lepton_rules.plugin.errors import LeptonError


def main(words: Sequence[str]) -> int:
    """Writes the model; a LeptonError is the last line and the exit status 1."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--label", required=True)
    parser.add_argument("--digest", required=True)
    parser.add_argument("--format", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--directory", type=Path, action="append", default=[])
    for flag in ("manifest", "output_model", "output_manifest", "output_weights_digest"):
        parser.add_argument(f"--{flag}", type=Path, required=True)
    arguments = parser.parse_args(words)
    try:
        _make(arguments)
    except LeptonError as error:
        print(error.with_label(arguments.label))
        return 1
    return 0


def _make(arguments: argparse.Namespace) -> None:
    manifest = read(arguments.manifest)
    _require(arguments.digest, manifest["digest"], "the manifest is of")
    _require_for(manifest["format"], arguments.format, "format")
    if manifest["hardware"]:
        _require_for(manifest["hardware"]["target"], arguments.target, "hardware")
    arguments.output_model.mkdir(parents=True, exist_ok=True)
    for directory in arguments.directory:
        shutil.copytree(directory, arguments.output_model, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for spec in arguments.file:
        name, _, path = spec.partition("=")
        target = arguments.output_model / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    files, digest = digest_directory(arguments.output_model)
    for name in sorted({*files, *manifest["files"]}):
        if files.get(name) != manifest["files"].get(name):
            have = "is missing" if name not in files else "is not in it" if name not in manifest["files"] else "differs"
            raise LeptonError("release", f"{name} {have}, by its manifest", "Take model and manifest from one build")
    _require(arguments.digest, digest, "the files are of")
    shutil.copyfile(arguments.manifest, arguments.output_manifest)
    weights = manifest["weights_digest"].removeprefix("sha256:")
    arguments.output_weights_digest.write_text(f"{weights}\n", encoding="ascii")


def _require(wanted: str, got: str, what: str) -> None:
    if got != wanted:
        raise LeptonError("release", f"{what} {got}, and digest names {wanted}", "Get the files of that release again")


def _require_for(got: str, wanted: str, attribute: str) -> None:
    if got != wanted:
        raise LeptonError("release", f"its manifest says {got}, and {attribute} says {wanted}", f"Correct {attribute}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
