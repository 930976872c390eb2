"""Which packages a list of packages needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lepton_rules.private.debian.builder.control import Clause, relations
from lepton_rules.private.debian.builder.version import Version, satisfies
from lepton_rules.private.environment.builder.refusal import Refusal


@dataclass(frozen=True)
class Package:
    """A package as an index of an archive describes it: `file` is relative to the archive's address."""

    name: str
    version: str
    architecture: str
    file: str
    sha256: str
    size: int
    suite: str
    depends: str = ""
    provides: str = ""

    @staticmethod
    def of(fields: Mapping[str, str], suite: str) -> Package:
        """The package of a paragraph of a `Packages` index."""
        depends = ", ".join(fields[name] for name in ("Pre-Depends", "Depends") if fields.get(name))
        return Package(
            name=fields["Package"],
            version=fields["Version"],
            architecture=fields["Architecture"],
            file=fields["Filename"],
            sha256=fields["SHA256"],
            size=int(fields["Size"]),
            suite=suite,
            depends=depends,
            provides=fields.get("Provides", ""),
        )


@dataclass
class Catalog:
    """The packages of several indexes: the newest version of each, and who provides what."""

    packages: dict[str, Package] = field(default_factory=dict)

    def add(self, packages: Iterable[Package]) -> None:
        """Takes in the packages of an index."""
        for package in packages:
            have = self.packages.get(package.name)
            if have is None or Version(have.version) < Version(package.version):
                self.packages[package.name] = package

    def meeting(self, clause: Clause) -> Package | None:
        """The package that meets `clause`: the one of that name, or the first by name that provides it."""
        package = self.packages.get(clause.name)
        if package and satisfies(package.version, clause.relation, clause.version):
            return package
        for name in sorted(self.packages):
            for group in relations(self.packages[name].provides):
                offered = group[0]
                if offered.name == clause.name and (
                    not clause.relation
                    or (offered.version and satisfies(offered.version, clause.relation, clause.version))
                ):
                    return self.packages[name]
        return None


def closure(catalog: Catalog, wanted: Sequence[str], without: Sequence[str], *, dependencies: bool) -> list[Package]:
    """The packages of `wanted`, and unless `dependencies` is false all that they depend on, sorted by name.

    A package of `without` is left out, with what it alone depends on: scripts that dpkg would run are not run, so what
    only they need is not needed. Of alternatives one that is wanted anyway is taken, else the first that there is.

    Raises:
      Refusal: a package is unknown, or nothing meets a dependency.
    """
    chosen: dict[str, Package] = {}
    waiting: list[Package] = []
    for name in wanted:
        package = catalog.meeting(Clause(name))
        if package is None:
            fix = "Correct its name, or name another suite with --suite"
            raise Refusal(f"package {name}", "no index has it for this architecture", fix)
        chosen[package.name] = package
        waiting.append(package)
    while waiting and dependencies:
        package = waiting.pop(0)
        for alternatives in relations(package.depends):
            if any(clause.name in without for clause in alternatives):
                continue
            found = [met for clause in alternatives if (met := catalog.meeting(clause))]
            if not found:
                asked = " | ".join(
                    f"{clause.name} {clause.relation} {clause.version}".strip() for clause in alternatives
                )
                why = f"{package.name} {package.version} depends on {asked}, which no index has"
                fix = "Name the suite that has it with --suite, or leave it out with --without"
                raise Refusal(f"package {package.name}", why, fix)
            if any(met.name in chosen for met in found) or found[0].name in without:
                continue
            chosen[found[0].name] = found[0]
            waiting.append(found[0])
    return [chosen[name] for name in sorted(chosen)]
