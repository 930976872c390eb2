"""`bazel run :x.sign -- --key key.pem --model-signature x.sig [--image-signature FOLDER --repository R]`.

The model's signature is a Sigstore bundle of OpenSSF Model Signing, the image's an OCI layout with cosign's signature,
and --provenance-signature writes the statement in a DSSE envelope.
A key's password is read from LEPTON_KEY_PASSWORD.
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
    made = arguments.parser("Signs the files of a model, and the digest of its image.")
    path = arguments.user_path
    made.add_argument("--key", type=path, required=True, help="the private key, PEM")
    made.add_argument("--model-signature", type=path, help="the bundle to write")
    made.add_argument("--image-signature", type=path, help="the OCI layout to write")
    made.add_argument("--provenance-signature", type=path, help="the DSSE envelope to write")
    made.add_argument("--repository", default="", help="the image's, which cosign's signature names")
    return made


def _sign(options: argparse.Namespace) -> int:
    arguments.one_of(options, ("model_signature", "image_signature", "provenance_signature"))
    if options.model_signature:
        arguments.require_model(options, "--model-signature")
        files = arguments.built_files(options)
        with model.staged(options.built_name, files) as folder:
            model.sign(folder, options.key, options.model_signature)
        print(f"{options.model_signature}: signature of {len(files)} files of {options.built_name}")
    if options.image_signature:
        repository = options.repository or options.built_repository
        if not repository:
            why = "it names the image's repository, and there is none"
            raise LeptonError("image signature", why, "Give --repository")
        digest = arguments.built_digest(options)
        image.sign(digest, repository, options.key, options.image_signature)
        print(f"{options.image_signature}: signature of {repository}@{digest}, for the tag {image.tag(digest)}")
    if options.provenance_signature:
        arguments.require_model(options, "--provenance-signature")
        attestation.sign(options.built_statement, options.key, options.provenance_signature)
        print(f"{options.provenance_signature}: signed provenance of {arguments.built_digest(options)}")
    return 0


def main(words: Sequence[str]) -> int:
    """Runs the program; returns its exit status."""
    return arguments.run(_sign, _parser().parse_args(words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
