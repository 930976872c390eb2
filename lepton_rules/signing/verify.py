"""`bazel run :x.verify -- --key key.pub --model-signature x.sig [--model FOLDER] [--image-signature FOLDER]`.

`--model` is a folder with the model's files and its manifest, such as /models/<name>/<version> of an image.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).absolute().parents[2]))

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.signing import arguments, attestation, image, model


def _parser() -> argparse.ArgumentParser:
    made = arguments.parser("Says whether a model's files, and an image's digest, are those that were signed.")
    path = arguments.user_path
    made.add_argument("--key", type=path, required=True, help="the public key, PEM")
    made.add_argument("--model-signature", type=path, help="the bundle that .sign wrote")
    made.add_argument("--model", type=path, help="the folder to verify; default: what was built")
    made.add_argument("--image-signature", type=path, help="the OCI layout that .sign wrote")
    made.add_argument("--provenance-signature", type=path, help="the DSSE envelope that .sign wrote")
    made.add_argument("--repository", default="", help="the repository that the image must be signed for; default: any")
    return made


def _verify(options: argparse.Namespace) -> int:
    arguments.one_of(options, ("model_signature", "image_signature", "provenance_signature"))
    if options.model_signature:
        if options.model:
            _verify_model(options.model, options)
        else:
            arguments.require_model(options, "--model-signature")
            with model.staged(options.built_name, arguments.built_files(options)) as folder:
                _verify_model(folder, options)
    if options.image_signature:
        digest = arguments.built_digest(options)
        image.verify(digest, options.repository, options.key, options.image_signature)
        print(f"{digest}: the image is as it was signed")
    if options.provenance_signature:
        digest = arguments.built_digest(options)
        attestation.verify(digest, options.key, options.provenance_signature)
        print(f"{digest}: the signed provenance is of this image")
    return 0


def _verify_model(folder: Path, options: argparse.Namespace) -> None:
    if not folder.is_dir():
        raise LeptonError(f"model {folder.name}", "it is no folder", "Name the folder that holds the model's files")
    touched = model.verify(folder, options.key, options.model_signature).files
    if touched:
        told = ", ".join(f"{path} ({deed})" for path, deed in touched.items())
        why = f"{len(touched)} of its files {'is' if len(touched) == 1 else 'are'} not as signed: {told}"
        raise LeptonError(f"model {folder.name}", why, "Fetch it again, or sign what it is now")
    print(f"{folder.name}: every file is as it was signed")


def main(words: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return arguments.run(_verify, _parser().parse_args(words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
