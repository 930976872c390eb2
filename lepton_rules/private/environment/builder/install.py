"""Installs a lock's packages with uv, and says in one line why it could not."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lepton_rules.private.environment.builder.lock import Requirement
from lepton_rules.private.environment.builder.pip_configuration import PipConfiguration
from lepton_rules.private.environment.builder.redaction import redact
from lepton_rules.private.environment.builder.refusal import Refusal

_OPTIONS = (
    "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile-bytecode", "--no-python-downloads", "--no-progress",
    "--color=never", "--break-system-packages",
    # Every index may hold the file: the hash says whether it is the right one.
    "--index-strategy=unsafe-best-match",
    # Files shared with uv's cache cost no disk. Nothing may write into them: what changes is replaced.
    "--link-mode=hardlink",
)  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """uv's answer when it failed, with credentials taken out."""

    output: str

    def mentions(self, *phrases: str) -> bool:
        lowered = self.output.lower()
        return any(phrase in lowered for phrase in phrases)


@dataclass(frozen=True)
class Installer:
    """uv, and where packages come from. `environment` is the whole environment of the processes it starts."""

    uv: Path
    configuration: PipConfiguration
    environment: Mapping[str, str]
    lock_name: str
    relock: str

    def install(self, requirements: Sequence[Requirement], package_indexes: Mapping[str, str], packages: Path, scratch: Path) -> None:
        """Installs `requirements` into the directory `packages`.

        `package_indexes` maps a package to an index that is asked for it alone, and only when this machine's own places lack it.
        """
        failure = self._run(requirements, packages, scratch)
        if failure is None:
            return
        indexed = [item for item in requirements if item.name in package_indexes]
        if indexed and not failure.mentions("hash mismatch"):
            rest = [item for item in requirements if item.name not in package_indexes]
            failure = self._run(rest, packages, scratch) if rest else None
            for item in indexed:
                if failure is None and self._run([item], packages, scratch) is not None:
                    failure = self._run([item], packages, scratch, only_index=package_indexes[item.name])
        if failure is not None:
            raise self._refusal(failure)

    def _run(self, requirements: Sequence[Requirement], packages: Path, scratch: Path, only_index: str = "") -> Failure | None:
        file = scratch / "requirements.txt"
        file.write_text("".join(f"{item.text}\n" for item in requirements), encoding="utf-8")
        environment = {**self.environment, **self.configuration.for_uv(self.environment)}
        if only_index:
            for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX"):
                environment.pop(name, None)
            environment["UV_DEFAULT_INDEX"] = only_index
        command = [str(self.uv), "pip", "install", *_OPTIONS, "--python", sys.executable, "--target", str(packages), "--requirement", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=scratch)
        if done.returncode == 0:
            return None
        secrets = (*self.configuration.urls, only_index, *(value for name, value in self.environment.items() if name.startswith("UV_")))
        return Failure(redact(done.stderr.strip() or done.stdout.strip(), secrets))

    def _refusal(self, failure: Failure) -> Refusal:
        what = f"lock {self.lock_name}"
        words = " ".join(re.sub(r"[│├╰─▶×]", " ", failure.output).split())
        if failure.mentions("hash mismatch"):
            return Refusal(
                what,
                f"a wheel does not have the hash that the lock gives ({_after(words, 'Hash mismatch for')})",
                f"If the new file is to be trusted, write the lock again: {self.relock}",
                failure.output,
            )
        if failure.mentions("failed to fetch", "error sending request", "timed out", "dns error", "connection refused", "401", "403"):
            return Refusal(
                what,
                f"a package index did not answer ({_after(words, 'Failed to fetch:')})",
                "Mend the index in pip's configuration (pip config list) or in package_indexes",
                failure.output,
            )
        if failure.mentions("no version", "not found in", "no wheels", "no matching", "no usable wheels", "no compatible", "building source distributions is disabled", "was not found"):
            return Refusal(
                what,
                f"no wheel for this machine and this Python ({_after(words, 'Because')})",
                f"Add its place to pip's configuration or package_indexes, or lock a version that has one: {self.relock}",
                failure.output,
            )
        return Refusal(what, f"uv could not install it ({words[:200]})", f"See uv's words below, or write the lock again: {self.relock}", failure.output)


def _after(words: str, marker: str) -> str:
    """A few words that follow `marker`, or the first ones."""
    start = words.find(marker)
    chosen = words[start + len(marker) :] if start >= 0 else words
    return chosen.strip(" :")[:160].rstrip()
