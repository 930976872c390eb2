"""Which packages a list of packages needs."""

from __future__ import annotations

import pytest

from lepton_rules.private.debian.builder.closure import Catalog, Package, closure
from lepton_rules.private.debian.builder.control import Clause, paragraphs, relations
from lepton_rules.private.environment.builder.refusal import Refusal


def _catalog(*items: tuple[str, str, str, str]) -> Catalog:
    catalog = Catalog()
    catalog.add(
        Package(name, version, "amd64", f"pool/{name}", "0" * 64, 1, "bookworm", depends, provides)
        for name, version, depends, provides in items
    )
    return catalog


def _names(catalog: Catalog, *wanted: str, without: tuple[str, ...] = ()) -> list[str]:
    return [package.name for package in closure(catalog, wanted, without, dependencies=True)]


def test_relations_as_policy_has_them() -> None:
    text = "libc6 (>= 2.36), python3:any | python3-minimal (<< 4~), debconf (>= 0.5) | debconf-2.0 [amd64]"
    assert relations(text) == [
        [Clause("libc6", ">=", "2.36")],
        [Clause("python3"), Clause("python3-minimal", "<<", "4~")],
        [Clause("debconf", ">=", "0.5"), Clause("debconf-2.0")],
    ]


def test_paragraphs() -> None:
    found = list(paragraphs("Package: a\nDescription: short\n long\n .\n\nPackage: b\n\n"))
    assert found == [{"Package": "a", "Description": "short\n long\n ."}, {"Package": "b"}]


def test_dependencies_of_dependencies_and_cycles() -> None:
    catalog = _catalog(("a", "1", "b", ""), ("b", "1", "c, a", ""), ("c", "1", "", ""), ("d", "1", "", ""))
    assert _names(catalog, "a") == ["a", "b", "c"]


def test_without_leaves_out_what_it_alone_needs() -> None:
    catalog = _catalog(("a", "1", "b, c", ""), ("b", "1", "d", ""), ("c", "1", "", ""), ("d", "1", "", ""))
    assert _names(catalog, "a", without=("b",)) == ["a", "c"]


def test_alternatives_take_what_is_wanted_anyway() -> None:
    catalog = _catalog(("a", "1", "mawk | awk, gawk", ""), ("mawk", "1", "", ""), ("gawk", "1", "", "awk"))
    assert _names(catalog, "gawk", "a") == ["a", "gawk"]
    assert _names(catalog, "a") == ["a", "gawk", "mawk"]


def test_a_version_too_old_is_no_answer() -> None:
    catalog = _catalog(("a", "1", "b (>= 2)", ""), ("b", "1.9", "", ""))
    with pytest.raises(Refusal) as caught:
        _names(catalog, "a")
    assert caught.value.render("x.json") == (
        "lepton: package a in x.json: a 1 depends on b >= 2, which no index has."
        " Name the suite that has it with --suite, or leave it out with --without."
    )


def test_an_unknown_package() -> None:
    with pytest.raises(Refusal, match="no index has it"):
        _names(_catalog(("a", "1", "", "")), "b")


def test_the_newest_version_of_several_suites() -> None:
    catalog = _catalog(("a", "1+deb12u9", "", ""))
    catalog.add([Package("a", "1+deb12u10", "amd64", "pool/a", "0" * 64, 1, "bookworm-security")])
    assert catalog.packages["a"].suite == "bookworm-security"
