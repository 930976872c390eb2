"""Lists for `sha256sum -c`, in the form of GNU coreutils."""

from __future__ import annotations

from lepton_rules.provenance.facts import Facts, hexadecimal


def layout_checksums(facts: Facts) -> str:
    """The blobs of the image, relative to its OCI layout."""
    described = [facts.image["config"], *facts.image["layers"]]
    digests = {hexadecimal(facts.digest), *(hexadecimal(descriptor["digest"]) for descriptor in described)}
    return "".join(f"{digest}  blobs/sha256/{digest}\n" for digest in sorted(digests))


def model_checksums(facts: Facts) -> str:
    """The files of the model, relative to its directory. Their names are plain: the manifest refuses others."""
    return "".join(f"{entry['sha256']}  {path}\n" for path, entry in sorted(facts.model["files"].items()))
