"""What a writer of a language is given, and what the languages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lepton_rules.clients.names import comment
from lepton_rules.clients.signature import Signature, Tensor

TEMPLATES = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Order:
    """A client to write.

    Attributes:
      signature: of the model.
      package: Python's package, C++'s namespace or Java's package.
      class_name: the client's class; C++ has its namespace instead.
      stem: the name of C++'s files, without an ending.
      include: C++'s header as the source includes it.
    """

    signature: Signature
    package: str
    class_name: str
    stem: str = "client"
    include: str = "client.h"


# Content by file name, relative to the client's folder.
Files = Mapping[str, str]


def describe(signature: Signature) -> list[str]:
    """The signature for people, a line for each tensor."""
    lines = []
    for side, tensors in (("takes", signature.inputs), ("gives", signature.outputs)):
        lines += [comment(f"  {side} {tensor.name}: {tensor}") for tensor in tensors]
    return lines


def example_lengths(tensors: Sequence[Tensor]) -> dict[str, int]:
    """A length for each dimension that is known at run time, for the example in a client's documentation."""
    return {symbol: 1 for tensor in tensors for symbol in tensor.symbols}
