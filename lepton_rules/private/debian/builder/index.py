"""Reads a Debian archive's indexes: `InRelease`, signed, and the `Packages` that it holds to a hash."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lepton_rules.private.debian.builder.closure import Package
from lepton_rules.private.debian.builder.control import paragraphs
from lepton_rules.private.environment.builder.redaction import redact
from lepton_rules.private.environment.builder.refusal import Refusal

_KEYRINGS = ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp")
_DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {".xz": lzma.decompress, ".gz": gzip.decompress, "": bytes}
_MIRROR_FIX = "Set LEPTON_DEBIAN_MIRROR to the address of a Debian mirror, or mend apt's sources"


@dataclass(frozen=True)
class Index:
    """The packages of a suite for an architecture, and whether the archive's signature was checked."""

    packages: tuple[Package, ...]
    signed: bool


def read(addresses: Sequence[str], suite: str, architecture: str, component: str = "main") -> Index:
    """The index of `suite` from the first address that has it.

    Raises:
      Refusal: no address has the suite, a signature is bad, or a file is not what the signed list says.
    """
    failures = []
    for address in addresses:
        try:
            release = _get(f"{address}/dists/{suite}/InRelease")
        except OSError as error:
            failures.append(redact(f"{address}/dists/{suite}/InRelease: {error}"))
            continue
        signed = _verify(release, suite)
        return Index(tuple(_packages(address, suite, architecture, component, release.decode())), signed)
    why = "no mirror has it" if failures else "no Debian mirror is known on this machine"
    raise Refusal(f"suite {suite}", why, _MIRROR_FIX, "\n".join(failures))


def _get(address: str) -> bytes:
    request = urllib.request.Request(address, headers={"User-Agent": "lepton_rules"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        body: bytes = answer.read()
        return body


def _packages(address: str, suite: str, architecture: str, component: str, release: str) -> list[Package]:
    listed = _listed(release)
    for suffix, decompress in _DECOMPRESS.items():
        # Debian's security archive writes its components as `updates/main`, and its lists as `main`.
        name = f"{component}/binary-{architecture}/Packages{suffix}"
        digest = listed.get(name)
        if digest is None:
            continue
        folder = f"{address}/dists/{suite}/{component}/binary-{architecture}"
        for place in (f"{folder}/by-hash/SHA256/{digest}", f"{folder}/Packages{suffix}"):
            try:
                body = _get(place)
            except OSError:
                continue
            if hashlib.sha256(body).hexdigest() == digest:
                text = decompress(body).decode()
                return [Package.of(fields, suite) for fields in paragraphs(text) if "Filename" in fields]
    why = f"{redact(address)} has no list of its packages for {architecture} that fits its InRelease"
    raise Refusal(f"suite {suite}", why, "Try again when the mirror is at rest, or set LEPTON_DEBIAN_MIRROR to another")


def _listed(release: str) -> dict[str, str]:
    """The SHA-256 of each list, by name."""
    found = {}
    inside = False
    for line in release.splitlines():
        if not line.startswith(" "):
            inside = line.strip() == "SHA256:"
        elif inside:
            digest, _, name = line.split()
            found[name] = digest
    return found


def _verify(release: bytes, suite: str) -> bool:
    """Checks the signature with gpgv and Debian's keyring; False where this machine lacks one of them."""
    gpgv = shutil.which("gpgv")
    keyring = next(
        (Path("/usr/share/keyrings", name) for name in _KEYRINGS if Path("/usr/share/keyrings", name).is_file()), None
    )
    if not gpgv or keyring is None:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "InRelease"
        file.write_bytes(release)
        done = subprocess.run([gpgv, "--keyring", str(keyring), str(file)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fix = "Do not trust this mirror; set LEPTON_DEBIAN_MIRROR to another, or bring Debian's keyring up to date"
        raise Refusal(f"suite {suite}", "its InRelease has no good signature", fix, done.stderr)
    return True
