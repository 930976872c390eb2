"""Installs a lock's packages with uv."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lepton_rules.private.environment.builder.lock import Requirement
from lepton_rules.private.environment.builder.pip_configuration import PipConfiguration
from lepton_rules.private.environment.builder.redaction import redact
from lepton_rules.private.environment.builder.refusal import Refusal
from lepton_rules.private.environment.builder.uv_failure import UvFailure

_OPTIONS = (
    "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile-bytecode", "--no-python-downloads",
    "--no-progress", "--color=never", "--break-system-packages",
    # Files shared with uv's cache cost no disk. Nothing may write into them: what changes is replaced.
    "--link-mode=hardlink",
)  # fmt: skip
# Every index may hold the file: the hash says whether it is the right one.
_EVERY_INDEX = "--index-strategy=unsafe-best-match"
# Of PyTorch's own indexes uv knows which is for what: `torch-backend=cpu`, in the words of uv's option.
_TORCH_BACKEND = "torch-backend="
# Where uv looks; all of it is set aside when one index alone is asked.
PLACES = ("UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL")


@dataclass(frozen=True)
class Installer:
    """uv, where packages come from, and what for. `environment` is the whole environment of the processes it starts."""

    uv: Path
    configuration: PipConfiguration
    environment: Mapping[str, str]
    lock_name: str
    relock: str
    # Options that say what it is installed for; without any, for the Python that runs this.
    target: Sequence[str] = ()

    def install(
        self, requirements: Sequence[Requirement], package_indexes: Mapping[str, str], packages: Path, scratch: Path
    ) -> None:
        """Installs `requirements` into the directory `packages`.

        `package_indexes` maps a package (normalised) to an index that is asked for it alone, and only when this
        machine's own places lack it: a URL, or `torch-backend=cpu` for one of PyTorch's own.
        """
        unknown = sorted(set(package_indexes) - {item.name for item in requirements})
        if unknown:
            raise Refusal(
                f"package_indexes of lock {self.lock_name}",
                f"the lock has no package {', '.join(unknown)}",
                "Remove it from package_indexes, or lock it",
            )
        failure = self._run(requirements, packages, scratch)
        if failure is not None and package_indexes and not failure.wrong_hash:
            rest = [item for item in requirements if item.name not in package_indexes]
            failure = self._run(rest, packages, scratch) if rest else None
            for item in requirements:
                if failure is None and item.name in package_indexes:
                    failure = self._install_indexed(item, package_indexes[item.name], packages, scratch)
        if failure is not None:
            raise failure.refusal(f"lock {self.lock_name}", self.relock)

    def _install_indexed(self, requirement: Requirement, index: str, packages: Path, scratch: Path) -> UvFailure | None:
        failure = self._run([requirement], packages, scratch)
        return (
            self._run([requirement], packages, scratch, only_index=index)
            if failure is not None and not failure.wrong_hash
            else failure
        )

    def _run(
        self, requirements: Sequence[Requirement], packages: Path, scratch: Path, only_index: str = ""
    ) -> UvFailure | None:
        file = scratch / "requirements.txt"
        file.write_text("".join(f"{item.text}\n" for item in requirements), encoding="utf-8")
        environment = {**self.environment, **self.configuration.for_uv(self.environment)}
        places = self.configuration.uv_options
        if only_index:
            environment = {name: value for name, value in environment.items() if name not in PLACES}
            places = ()
            if only_index.startswith(_TORCH_BACKEND):
                places = (f"--{only_index}",)
            else:
                environment["UV_DEFAULT_INDEX"] = only_index
        command = [str(self.uv), "pip", "install", *_OPTIONS, *places, "--python", sys.executable]
        command += ["--target", str(packages), "--requirement", str(file), *self.target]
        failure = run_uv([*command, _EVERY_INDEX], environment, scratch, self.configuration.urls)
        if failure is not None and failure.lacking:
            # Asked so, uv passes over an index that refuses the credentials; the other strategy names it.
            reason = run_uv(command, environment, scratch, self.configuration.urls)
            return reason if reason is not None and reason.unreachable else failure
        return failure


def run_uv(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, secrets: Iterable[str]
) -> UvFailure | None:
    """Runs uv in `folder`; None when it did what it was asked to. `secrets` are URLs whose credentials are masked."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environment), cwd=folder)
    if done.returncode == 0:
        return None
    return UvFailure(redact(done.stderr.strip() or done.stdout.strip(), (*secrets, *uv_urls(environment))))


def uv_urls(environment: Mapping[str, str]) -> list[str]:
    """Every URL in uv's own variables, for `redact`. An index may be named, as `name=url`."""
    words = [word for name in PLACES for word in environment.get(name, "").replace(",", " ").split()]
    return [word[word.index("=") + 1 :] if "=" in word.partition("://")[0] else word for word in words]
