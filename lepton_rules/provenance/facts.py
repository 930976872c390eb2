"""What the files of an image say, read once for all forms."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lepton_rules.plugin.errors import LeptonError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, order=True)
class Package:
    """A package of a distribution.

    Attributes:
      kind: `pypi` or `deb`.
      name: as its registry spells it.
      version: in full.
      architecture: of a Debian package; empty for others.
    """

    kind: str
    name: str
    version: str
    architecture: str = ""

    @property
    def purl(self) -> str:
        """Its package URL. Source: https://github.com/package-url/purl-spec, types deb and pypi."""
        if self.kind == "pypi":
            name = re.sub(r"[-_.]+", "-", self.name).lower()
            return f"pkg:pypi/{quote(name, safe='')}@{quote(self.version, safe='')}"
        arch = f"?arch={quote(self.architecture, safe='')}" if self.architecture else ""
        return f"pkg:deb/debian/{quote(self.name, safe='')}@{quote(self.version, safe='')}{arch}"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """An image, its model, and what else is in it.

    Attributes:
      label: of the image's target.
      name: what the model is called in the image.
      digest: of the image's manifest, `sha256:` and 64 hexadecimal digits.
      image: the manifest.
      platform: such as `linux/amd64`.
      model: the model's manifest.json.
      metrics: what was measured of the model's answers, by name; empty where nothing was.
      packages: what is installed in the image.
      parameters: what the user set on the image.
      version: of lepton_rules.
    """

    label: str
    name: str
    digest: str
    image: Mapping[str, Any]
    platform: str
    model: Mapping[str, Any]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    packages: Sequence[Package] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    version: str

    @property
    def architecture(self) -> str:
        """The processor's, such as `amd64`."""
        return self.platform.split("/")[1]

    def build_packages(self) -> dict[Package, list[str]]:
        """The libraries that the model's steps ran with, and the steps."""
        found: dict[Package, list[str]] = {}
        for step in self.model["steps"]:
            for name, version in step["libraries"].items():
                steps = found.setdefault(Package("pypi", name, version), [])
                if step["pass"] not in steps:
                    steps.append(step["pass"])
        return dict(sorted(found.items()))


def hexadecimal(digest: str) -> str:
    """The hexadecimal digits of `sha256:…`."""
    return digest.removeprefix("sha256:")


def read_image(path: Path, digest: Path) -> tuple[Mapping[str, Any], str]:
    """Reads an image's manifest, and its digest from beside it.

    Raises:
        LeptonError: the digest is not the manifest's.
    """
    content, told = path.read_bytes(), digest.read_text("utf-8").strip()
    found = "sha256:" + hashlib.sha256(content).hexdigest()
    if _DIGEST.fullmatch(told) is None or told != found:
        raise LeptonError(
            f"digest {digest.name}", f"it is {told[:80]}, and the manifest has {found}", "Build the image again"
        )
    manifest: Mapping[str, Any] = json.loads(content)
    return manifest, found


def read_packages(kind: str, path: Path, architecture: str) -> list[Package]:
    """Reads `{"packages": {name: version}}`."""
    packages = json.loads(path.read_text("utf-8"))["packages"]
    of = architecture if kind == "deb" else ""
    return sorted(Package(kind, name, version, of) for name, version in packages.items())
