"""Pins the Debian packages of a base: `bazel run @lepton_rules//lepton_rules:debian_lock -- --architecture amd64
--architecture arm64 --package python3.11-minimal --output base.lock.json`.

The newest version that the suites have of each package is taken, security updates included. The archive's signature is
checked where this machine has gpgv and Debian's keyring. `--like base.lock.json` repeats what an older lock asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).absolute().parents[4]))

from lepton_rules.private.debian.builder import apt_sources, index, lock
from lepton_rules.private.debian.builder.closure import Catalog, Package, closure
from lepton_rules.private.environment.builder.refusal import Refusal

COMMAND = "bazel run @lepton_rules//lepton_rules:debian_lock --"
_SUITES = ("bookworm", "bookworm-updates", "bookworm-security")


def command(arguments: argparse.Namespace) -> str:
    """What wrote the lock, so that it can be repeated."""
    words = [COMMAND]
    if tuple(arguments.suite) != _SUITES:
        words += [f"--suite {name}" for name in arguments.suite]
    words += [f"--architecture {name}" for name in arguments.architecture]
    words += [f"--package {name}" for name in arguments.package]
    words += [f"--without {name}" for name in arguments.without]
    words += ["--no-dependencies"] if arguments.no_dependencies else []
    return " ".join([*words, f"--output {_shown(arguments.output)}"])


def resolve(arguments: argparse.Namespace) -> tuple[list[lock.Locked], bool]:
    """The packages of every architecture, and whether each index's signature was checked."""
    addresses = apt_sources.addresses(arguments.suite, arguments.mirror, os.environ, Path("/etc"))
    found: list[lock.Locked] = []
    signed = True
    for architecture in arguments.architecture:
        catalog = Catalog()
        for suite in arguments.suite:
            read = index.read(addresses, suite, architecture)
            signed = signed and read.signed
            catalog.add(read.packages)
        packages: list[Package] = closure(
            catalog, arguments.package, arguments.without, dependencies=not arguments.no_dependencies
        )
        found += [lock.Locked.of(package, architecture) for package in packages]
    return found, signed


def write(arguments: argparse.Namespace) -> None:
    """Resolves and writes the lock; an older one stays as it is when that fails."""
    packages, signed = resolve(arguments)
    before = arguments.output.read_text(encoding="utf-8") if arguments.output.is_file() else ""
    text = lock.text(command(arguments), arguments.suite, packages)
    partial = arguments.output.with_name(arguments.output.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(arguments.output)
    note = "" if signed else "; the archive's signature was not checked, since gpgv or Debian's keyring is missing"
    print(f"{_shown(arguments.output)}: {'unchanged' if text == before else 'written'}, {len(packages)} packages{note}")


def _like(file: Path) -> list[str]:
    """The options of the command that wrote the lock `file`, without its output."""
    try:
        words: list[str] = json.loads(file.read_text(encoding="utf-8"))["command"].removeprefix(COMMAND).split()
    except (OSError, ValueError, KeyError) as error:
        fix = "Name a file that this tool wrote"
        raise Refusal(f"option --like {_shown(file)}", f"it is no lock ({error})", fix) from error
    return words[: words.index("--output")] if "--output" in words else words


def _shown(file: Path) -> str:
    """A path relative to the workspace, where it is inside."""
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY", "")
    try:
        return file.relative_to(workspace).as_posix() if workspace else file.name
    except ValueError:
        return file.name


def _path(text: str) -> Path:
    """A path as the user typed it, relative to where the user is."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", Path.cwd()), text).absolute()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="debian_lock", description="Pins the Debian packages of a base.")
    parser.add_argument("--output", type=_path, required=True, metavar="FILE", help="the lock to write")
    parser.add_argument("--package", action="append", default=[], metavar="NAME", help="a package to have")
    parser.add_argument(
        "--architecture", action="append", default=[], metavar="NAME", help="amd64 or arm64 (default: amd64)"
    )
    parser.add_argument(
        "--suite",
        action="append",
        default=[],
        metavar="NAME",
        help=f"a suite to take from (default: {', '.join(_SUITES)})",
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="NAME",
        help="a package to leave out although another one depends on it, with all that it alone depends on",
    )  # fmt: skip
    parser.add_argument("--no-dependencies", action="store_true", help="the packages named, and no others")
    parser.add_argument(
        "--mirror", action="append", default=[], metavar="URL", help="a mirror to ask before the others"
    )
    parser.add_argument("--like", type=_path, metavar="FILE", help="what another lock asked for, as it was written")
    return parser


def main(argv: Sequence[str]) -> int:
    """Writes one lock; 1 with a message when it cannot be written."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        if arguments.like:
            arguments = parser.parse_args([*_like(arguments.like), *argv])
        arguments.suite = list(dict.fromkeys(arguments.suite)) or list(_SUITES)
        arguments.architecture = list(dict.fromkeys(arguments.architecture)) or ["amd64"]
        arguments.package = list(dict.fromkeys(arguments.package))
        arguments.without = list(dict.fromkeys(arguments.without))
        if not arguments.package:
            raise Refusal("option --package", "there is none", "Name at least one package")
        write(arguments)
    except Refusal as refusal:
        print(refusal.render(_shown(arguments.output)), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
