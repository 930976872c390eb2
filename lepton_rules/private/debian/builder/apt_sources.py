"""Where this machine gets Debian packages from: apt's own sources, or LEPTON_DEBIAN_MIRROR.

Run as a script it prints, as JSON, the addresses to ask for packages of the suites that it is given:

    python3 -I -S -B apt_sources.py '["bookworm", "bookworm-security"]' '["https://…"]'

The second argument holds addresses that are asked first. What is read here decides only where a package comes from:
the lock's hash decides what it is.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OVERRIDE = "LEPTON_DEBIAN_MIRROR"
# Suites by which a source is known to be Debian's, as `sources.list` names them.
_SUITES = frozenset(
    "bullseye bookworm trixie forky duke sid oldoldstable oldstable stable testing unstable experimental".split()
)
_SCHEMES = ("http://", "https://", "file:", "copy:")


@dataclass(frozen=True)
class Source:
    """One archive: its address without a slash at the end, and the suites that are taken from it."""

    address: str
    suites: tuple[str, ...]


def read(etc: Path) -> tuple[Source, ...]:
    """Debian's archives in apt's configuration below `etc`, in apt's order. A file that cannot be read is empty."""
    files = [etc / "apt/sources.list"]
    files += sorted((etc / "apt/sources.list.d").glob("*.list")) + sorted(
        (etc / "apt/sources.list.d").glob("*.sources")
    )
    found: list[Source] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found += _stanzas(text) if file.suffix == ".sources" else _lines(text)
    return tuple(source for source in found if _is_debian(source))


def addresses(suites: Sequence[str], first: Sequence[str], environment: Mapping[str, str], etc: Path) -> list[str]:
    """The addresses to ask for packages of `suites`, each once: `first`, then those of LEPTON_DEBIAN_MIRROR, or without
    that apt's, those that have one of the suites before the others.

    An address whose last part is `debian` stands for its `debian-security` too, as mirrors have it.
    """
    chosen = [address.rstrip("/") for address in first]
    override = environment.get(OVERRIDE, "").split()
    if override:
        chosen += [address.rstrip("/") for address in override]
    else:
        sources = read(etc)
        chosen += [source.address for source in sources if set(source.suites) & set(suites)]
        chosen += [source.address for source in sources]
    with_security: list[str] = []
    for address in chosen:
        with_security.append(address)
        if address.endswith("/debian"):
            with_security.append(address + "-security")
    return list(dict.fromkeys(with_security))


def _is_debian(source: Source) -> bool:
    roots = {suite.partition("/")[0].partition("-")[0] for suite in source.suites}
    return source.address.startswith(_SCHEMES) and bool(roots & _SUITES)


def _source(address: str, suites: Iterable[str]) -> Source:
    if address.startswith("copy:"):
        address = "file:" + address.removeprefix("copy:")
    if address.startswith("file:/") and not address.startswith("file://"):
        address = "file://" + address.removeprefix("file:")
    return Source(address.rstrip("/"), tuple(suites))


def _lines(text: str) -> list[Source]:
    """The one-line format: `deb [options] address suite component…`."""
    found = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if not words or words[0] != "deb":
            continue
        rest = words[1:]
        if rest and rest[0].startswith("["):
            while rest and not rest[0].endswith("]"):
                rest = rest[1:]
            rest = rest[1:]
        if len(rest) >= 2:
            found.append(_source(rest[0], [rest[1]]))
    return found


def _stanzas(text: str) -> list[Source]:
    """The deb822 format: stanzas of fields, in which a line that begins with a space continues the field before."""
    found = []
    for stanza in text.split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        enabled = fields.get("enabled", "yes").lower() not in ("no", "false", "0")
        if enabled and "deb" in fields.get("types", "").split():
            found += [_source(address, fields.get("suites", "").split()) for address in fields.get("uris", "").split()]
    return found


if __name__ == "__main__":
    print(json.dumps(addresses(json.loads(sys.argv[1]), json.loads(sys.argv[2]), os.environ, Path("/etc"))))
