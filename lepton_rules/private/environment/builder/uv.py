"""Finds uv of the pinned version, or installs it into a private cache folder with pip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from lepton_rules.private.environment.builder.redaction import redact
from lepton_rules.private.environment.builder.refusal import Refusal

PIN = Path(__file__).with_name("uv.lock")
OVERRIDE = "LEPTON_UV"


def pinned_version() -> str:
    """The version in `uv.lock`."""
    line = next(line for line in PIN.read_text(encoding="utf-8").splitlines() if line.startswith("uv=="))
    return line.split()[0].removeprefix("uv==")


def find(environment: Mapping[str, str], secrets: tuple[str, ...] = ()) -> Path:
    """uv: the one that LEPTON_UV names, else PATH's or the cached one if it has the pinned version, else one that
    pip fetches.

    pip takes its own configuration, and the wheel must have a hash of `uv.lock`. `secrets` are URLs whose credentials
    no message shows.
    """
    version = pinned_version()
    override = environment.get(OVERRIDE, "")
    if override:
        if _version(Path(override)) is None:
            raise Refusal(
                "uv",
                f"{OVERRIDE} is {override}, which does not run as uv",
                f"Set {OVERRIDE} to a uv executable, or unset it",
            )
        return Path(override)
    on_path = shutil.which("uv", path=environment.get("PATH"))
    if on_path and _version(Path(on_path)) == version:
        return Path(on_path)
    cached = _cache(environment) / f"uv-{version}" / "uv"
    if _version(cached) != version:
        _fetch(cached, environment, secrets)
    return cached


def _cache(environment: Mapping[str, str]) -> Path:
    home = Path(environment.get("HOME") or Path.home())
    return Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "lepton_rules"


def _version(uv: Path) -> str | None:
    try:
        done = subprocess.run([str(uv), "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    words = done.stdout.split()
    return words[1] if done.returncode == 0 and len(words) > 1 and words[0] == "uv" else None


def _fetch(destination: Path, environment: Mapping[str, str], secrets: tuple[str, ...]) -> None:
    """Puts uv at `destination`, whole or not at all: several builds may do so at once."""
    destination.parent.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    with tempfile.TemporaryDirectory(dir=destination.parent.parent, prefix=".uv-") as scratch:
        for pip in _pips(environment):
            # Not `pip install`: a Debian system Python refuses that, and nothing is installed here.
            command = [
                *pip,
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--require-hashes",
                "--dest",
                scratch,
                "--requirement",
                str(PIN),
            ]
            # A constraints file would have to carry hashes, and has no say in a pinned tool.
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env={**environment, "PIP_CONSTRAINT": os.devnull}
            )
            wheel = next(Path(scratch).glob("uv-*.whl"), None)
            if done.returncode == 0 and wheel:
                _unpack(wheel, Path(scratch) / "unpacked")
                _publish(Path(scratch) / "unpacked", destination.parent)
                return
            failures.append(f"{' '.join(pip)}: {done.stderr.strip() or done.stdout.strip()}")
    raise Refusal(
        f"uv {destination.parent.name.removeprefix('uv-')}",
        "pip could not fetch it" if failures else "there is no pip to fetch it with",
        f"Install pip or that uv, set {OVERRIDE} to a uv executable, or mend pip's configuration (pip config list)",
        redact("\n".join(failures), secrets),
    )


def _pips(environment: Mapping[str, str]) -> Iterator[list[str]]:
    candidates = [[sys.executable, "-m", "pip"]]
    for name in ("pip3", "pip"):
        found = shutil.which(name, path=environment.get("PATH"))
        if found:
            candidates.append([found])
    python = shutil.which("python3", path=environment.get("PATH"))
    if python:
        candidates.append([python, "-m", "pip"])
    for candidate in candidates:
        if subprocess.run([*candidate, "--version"], capture_output=True, check=False).returncode == 0:
            yield candidate


def _unpack(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith((".data/scripts/uv", ".data/scripts/uv.exe")))
        folder.mkdir()
        with archive.open(name) as source, (folder / "uv").open("wb") as target:
            shutil.copyfileobj(source, target)
    (folder / "uv").chmod(0o755)


def _publish(folder: Path, destination: Path) -> None:
    try:
        folder.rename(destination)
    except OSError:
        # Another build was faster, or a broken one lies there.
        if _version(destination / "uv") is None:
            (folder / "uv").replace(destination / "uv")
