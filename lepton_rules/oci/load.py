"""`bazel run :x.load`: hands an image to Docker or podman on this machine, whichever is there."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence, Set
from pathlib import Path
from typing import IO, BinaryIO

from lepton_rules.oci.archive import has_zstd, split_reference, write_archive, write_docker_archive
from lepton_rules.oci.blob import CHUNK
from lepton_rules.oci.flags import Flags, run
from lepton_rules.oci.store import Store
from lepton_rules.plugin.errors import LeptonError

PROGRAMS = ("docker", "podman")
# The first Docker that takes layers in zstd.
_ZSTD_DOCKER = 23


class _Pipe:
    """A tar's way into a program."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: bytes | memoryview) -> None:
        self._file.write(data)

    def copy(self, source: BinaryIO, size: int) -> None:
        left = size
        while left:
            part = source.read(min(left, CHUNK))
            if not part:
                raise ValueError(f"it ends {left} bytes early")
            self._file.write(part)
            left -= len(part)


def choose(wanted: str | None) -> list[str]:
    """Returns the command of the program to load with.

    Args:
        wanted: a program, with options if need be, such as `docker --host unix:///run/d.sock`; None for the first
            that is installed and answers.

    Raises:
        LeptonError: there is none.
    """
    if wanted:
        command = wanted.split()
        if not shutil.which(command[0]):
            raise LeptonError(f"program {command[0]}", "it is not on PATH", "Install it, or choose another with --with")
        return command
    tried = []
    for program in PROGRAMS:
        if not shutil.which(program):
            tried.append(f"{program} is not installed")
        elif subprocess.run([program, "info"], capture_output=True, check=False, timeout=60).returncode:
            # Docker's program without its daemon is on many machines.
            tried.append(f"{program} info fails")
        else:
            return [program]
    raise LeptonError("load", ", ".join(tried), "Install podman, or start Docker's daemon")


def load(store: Store, name: str, command: Sequence[str]) -> bool:
    """Loads the image, unless the program has this very image under this name.

    Args:
        store: the image.
        name: `repository:tag`.
        command: of the program.

    Returns:
        Whether anything was loaded.

    Raises:
        LeptonError: the program refuses it.
    """
    if _has(command, name, {store.root["digest"], *(config["digest"] for config in store.configs())}):
        return False
    plain = has_zstd(store) and not _takes_zstd(command)
    process = subprocess.Popen(
        [*command, "load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    broken = False
    try:
        if plain:
            with tempfile.TemporaryDirectory(prefix="lepton-load-") as scratch:
                write_docker_archive(store, name, _Pipe(process.stdin), Path(scratch))
        else:
            write_archive(store, name, _Pipe(process.stdin))
        process.stdin.close()
    except BrokenPipeError:
        broken = True
    except BaseException:
        process.kill()
        process.wait()
        raise
    process.stdin = None
    out, errors = process.communicate()
    if process.returncode or broken:
        said = (errors or out).decode(errors="replace").strip().splitlines()
        raise LeptonError(
            f"{' '.join(command)} load",
            f"it ended with status {process.returncode}: {said[-1] if said else 'no message'}",
            "See that it works, with its command info",
        )
    return True


def _takes_zstd(command: Sequence[str]) -> bool:
    """Returns whether a program takes layers in zstd: all do but an old Docker, which alone has a MinAPIVersion."""
    form = "{{.Server.MinAPIVersion}} {{.Server.Version}}"
    done = subprocess.run([*command, "version", "--format", form], capture_output=True, text=True, check=False)
    found = re.match(r"\S+ (\d+)\.", done.stdout) if done.returncode == 0 else None
    return not found or int(found[1]) >= _ZSTD_DOCKER


def _has(command: Sequence[str], name: str, digests: Set[str]) -> bool:
    """Returns whether a program has an image. Docker and podman tell the digest of its configuration, Docker on
    containerd that of its manifest or index.
    """
    done = subprocess.run(
        [*command, "image", "inspect", "--format", "{{.Id}}", name], capture_output=True, text=True, check=False
    )
    return done.returncode == 0 and f"sha256:{done.stdout.strip().removeprefix('sha256:')}" in digests


def main(words: Sequence[str]) -> int:
    """Runs the command line: the image's own flags up to `--`, then the user's. Returns the exit status."""
    split = words.index("--")
    parser = argparse.ArgumentParser(prog="load", description="Loads the image into Docker or podman.")
    parser.add_argument("--name", help="repository:tag; default: the target's")
    parser.add_argument("--with", dest="program", help="docker or podman, with its options; default: what is there")
    arguments = parser.parse_args(words[split + 1 :])

    def program(flags: Flags) -> None:
        store = Store.from_flags(flags)
        name = flags.one("name")
        flags.finish()
        name = arguments.name or name
        split_reference(name)
        command = choose(arguments.program)
        loaded = load(store, name, command)
        told = "loaded" if loaded else "has this very image already:"
        print(f"lepton: {Path(command[0]).name} {told} {name} ({store.root['digest']})")

    return run(program, words[:split])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
