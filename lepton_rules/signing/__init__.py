"""Signatures of a model's files, of its image and of that's provenance, and their verification.

The model: OpenSSF Model Signing (https://github.com/ossf/model-signing-spec), by its own library. The image: cosign's
simple signing (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md). The provenance:
a DSSE envelope. All with a key in a file: an
elliptic curve, NIST P-256 unless the user has another; no network, no transparency log.
"""
