"""What an image is made of and where it comes from, in the forms that others read.

A statement of in-toto with SLSA's provenance, a bill of materials of CycloneDX with a model card, and lists for
`sha256sum -c`. Everything is a fact of the build: the same inputs give the same bytes, so there is no time in them, no
host and no user. Standard library only.
"""
