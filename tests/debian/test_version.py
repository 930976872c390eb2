"""Debian's order of versions."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest

from lepton_rules.private.debian.builder.version import Version, satisfies

# From Debian Policy 5.6.12 and dpkg's own tests: each is older than the next.
ORDERED = (
    "0~~ 0~ 0 0-1 1~~ 1~~a 1~ 1 1a 1b1 1.0 1.0+deb12u1 1.2.3-1 1.2.3-1+b1 1.2.3-10 2.36-9+deb12u9 2.36-9+deb12u14"
    " 1:0.1 2:0"
).split()


@pytest.mark.parametrize(("older", "newer"), list(itertools.combinations(ORDERED, 2)))
def test_the_order(older: str, newer: str) -> None:
    assert Version(older) < Version(newer)
    assert not Version(newer) < Version(older)
    assert Version(older) != Version(newer)


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.00"), ("0:1", "1"), ("1-0", "1")])
def test_what_is_equal(one: str, other: str) -> None:
    assert Version(one) == Version(other)
    assert not Version(one) < Version(other)


@pytest.mark.parametrize(
    ("have", "relation", "wanted", "meets"),
    [
        ("2", "", "", True), ("2", ">=", "2", True), ("2", ">>", "2", False), ("2", "<<", "2.1", True),
        ("2", "<=", "1", False), ("2", "=", "2", True), ("2", "=", "2-1", False),
    ],
)  # fmt: skip
def test_relations(have: str, relation: str, wanted: str, meets: bool) -> None:
    assert satisfies(have, relation, wanted) is meets


@pytest.mark.skipif(not shutil.which("dpkg"), reason="there is no dpkg to compare with")
def test_dpkg_says_the_same() -> None:
    for one, other in itertools.product(ORDERED, repeat=2):
        done = subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=False)
        assert (Version(one) < Version(other)) == (done.returncode == 0), (one, other)
