"""One nested module and one server for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bazel import Bazel
from module import place


@pytest.fixture(scope="session")
def bazel() -> Iterator[Bazel]:
    """A Bazel with its own defaults, in a copy of the module beside this file."""
    nested = Bazel(place(Path(__file__).parent / "module", "failing"), "failing")
    yield nested
    nested.shutdown()
