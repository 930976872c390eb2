"""Makes a hash-locked file from requirements: `bazel run @lepton_rules//lepton_rules:lock -- --requirements x.in
--output x.lock`.

The lock holds names, versions, markers and the hashes of every file that the indexes have for that version, for all
platforms. It holds no index, no path and no time, so that two machines with the same packages at hand write the same
bytes. Versions that an older lock at the same place has are kept where they still fit, unless `--upgrade` is given.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).absolute().parents[4]))

from lepton_rules.private.environment.builder import lock, pip_configuration, uv
from lepton_rules.private.environment.builder.install import run_uv
from lepton_rules.private.environment.builder.redaction import redact
from lepton_rules.private.environment.builder.refusal import LOCK_COMMAND, Refusal

_OPTIONS = (
    "--universal", "--generate-hashes", "--only-binary=:all:", "--no-header", "--no-annotate", "--no-emit-index-url",
    "--no-emit-find-links", "--no-python-downloads", "--no-progress", "--color=never", "--quiet",
    "--index-strategy=unsafe-best-match",
)  # fmt: skip
_NEVER = "3"


def requirements_of(file: Path) -> list[str]:
    """The requirements in a `.in` file, without comments. Options are refused: a lock must not depend on a place."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(
            f"requirements {file.name}", f"they cannot be read ({error})", "Name a file of requirements, one a line"
        ) from error
    stripped = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in lines]
    for number, line in enumerate(stripped, start=1):
        if line.startswith("-"):
            raise Refusal(
                f"requirements {file.name}",
                f"line {number} is an option ({line.split()[0]})",
                "Remove it; give indexes with --package-index or in pip's configuration",
            )
    return [line for line in stripped if line]


def project(
    requirements: Sequence[str],
    python_version: str,
    package_indexes: Mapping[str, str],
    constraints: Sequence[str],
    without: Sequence[str],
) -> str:
    """A pyproject.toml with `requirements`, in which each index of `package_indexes` is asked for its package
    alone, and no package depends on those of `without`.
    """
    series = ".".join(python_version.split(".")[:2])
    # A TOML basic string is a JSON string.
    lines = [
        "[project]",
        'name = "lepton-lock"',
        'version = "0"',
        f'requires-python = "=={series}.*"',
        f"dependencies = {json.dumps(list(requirements))}",
    ]
    # uv takes no upper bound from requires-python.
    after = f"{series.partition('.')[0]}.{int(series.partition('.')[2]) + 1}"
    environments = json.dumps([f"python_full_version < '{after}'"])
    lines += [
        "[tool.uv]",
        f"environments = {environments}",
        f"constraint-dependencies = {json.dumps(list(constraints))}",
        # Every package that depends on one of them does so for a Python that none of these environments has.
        f"override-dependencies = {json.dumps([f'{name} ; python_version < {_NEVER!r}' for name in without])}",
    ]
    for package, url in sorted(package_indexes.items()):
        lines += [f"[tool.uv.sources.{json.dumps(package)}]", f"index = {json.dumps(package)}"]
        lines += ["[[tool.uv.index]]", f"name = {json.dumps(package)}", f"url = {json.dumps(url)}", "explicit = true"]
    return "".join(f"{line}\n" for line in lines)


def header(arguments: argparse.Namespace) -> str:
    """The comment at the top: how the lock was made, with neither paths of this machine nor places of packages."""
    command = f"{LOCK_COMMAND} --requirements {_shown(arguments.requirements)} --output {_shown(arguments.output)}"
    if arguments.python_version != "3.11":
        command += f" --python-version {arguments.python_version}"
    for name in arguments.same_versions_as:
        command += f" --same-versions-as {_shown(name)}"
    for name in arguments.without:
        command += f" --without {name}"
    for name in sorted(arguments.package_index):
        command += f" --package-index {name.partition('=')[0]}=<index>"
    return f"# Written by the command below; not edited by hand.\n#     {command}\n"


def write(arguments: argparse.Namespace) -> None:
    """Resolves the requirements and writes the lock; an older lock stays as it is when that fails."""
    before = arguments.output.read_text(encoding="utf-8") if arguments.output.is_file() else ""
    with tempfile.TemporaryDirectory() as scratch:
        resolved = Path(scratch) / "resolved.lock"
        if not arguments.upgrade:
            # uv prefers the versions in it.
            resolved.write_text(before, encoding="utf-8")
        _resolve(arguments, resolved)
        text = header(arguments) + resolved.read_text(encoding="utf-8")
    partial = arguments.output.with_name(arguments.output.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    count = len(lock.read(partial, _shown(arguments.output), LOCK_COMMAND))
    partial.replace(arguments.output)
    print(f"{_shown(arguments.output)}: {'unchanged' if text == before else 'written'}, {count} requirements")


def _resolve(arguments: argparse.Namespace, resolved: Path) -> None:
    """Lets uv write `resolved`; the indexes of single packages are asked only if it cannot be done without."""
    environment = dict(os.environ)
    configuration = pip_configuration.read(environment, Path(sys.prefix))
    indexes = {lock.normalise(name): url for name, _, url in (item.partition("=") for item in arguments.package_index)}
    requirements = requirements_of(arguments.requirements)
    constraints = [pin for file in arguments.same_versions_as for pin in _pins(file)]
    found = uv.find(environment, configuration.urls)
    environment.update(configuration.for_uv(environment))
    project_file = resolved.with_name("pyproject.toml")
    command = [str(found), "pip", "compile", *_OPTIONS, "--python", sys.executable]
    command += ["--output-file", str(resolved), str(project_file)]
    places = configuration.uv_options
    failure = None
    for tried in ({}, indexes) if indexes else ({},):
        if tried and places:
            # --no-index would forbid these indexes too; an index without packages does not.
            nothing = resolved.with_name("nothing")
            nothing.mkdir()
            environment["UV_DEFAULT_INDEX"] = nothing.as_uri()
            places = ()
        text = project(requirements, arguments.python_version, tried, constraints, arguments.without)
        project_file.write_text(text, encoding="utf-8")
        secrets = (*configuration.urls, *indexes.values())
        failure = run_uv([*command, *places], environment, resolved.parent, secrets)
        if failure is None:
            return
    if failure is not None:
        name = arguments.requirements.name
        raise failure.refusal(f"requirements {name}", f"{LOCK_COMMAND} --requirements {name}")


def _pins(file: Path) -> list[str]:
    """The versions of another lock, as constraints."""
    return [item.text.split("--hash")[0].strip() for item in lock.read(file, _shown(file), LOCK_COMMAND)]


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


def main(argv: Sequence[str]) -> int:
    """Writes one lock; 1 with a message when it cannot be written."""
    parser = argparse.ArgumentParser(prog="lock", description="Makes a hash-locked file from a file of requirements.")
    parser.add_argument("--requirements", type=_path, required=True, metavar="FILE", help="requirements, one a line")
    parser.add_argument("--output", type=_path, required=True, metavar="FILE", help="the lock to write")
    parser.add_argument(
        "--python-version", default="3.11", metavar="VERSION", help="version of Python that it is for (default: 3.11)"
    )
    parser.add_argument(
        "--package-index",
        action="append",
        default=[],
        metavar="PACKAGE=URL",
        help="an index to ask for PACKAGE alone, if this machine's own places lack it",
    )
    parser.add_argument(
        "--same-versions-as",
        action="append",
        default=[],
        type=_path,
        metavar="FILE",
        help="another lock, whose versions are taken where both have a package",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="a package to leave out although another one depends on it, with all that it alone depends on",
    )
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions, whatever an older lock has")
    arguments = parser.parse_args(argv)
    try:
        for item in arguments.package_index:
            if not re.fullmatch(r"[A-Za-z0-9._-]+=\S+", item):
                raise Refusal(
                    "option --package-index", f"{redact(item)!r} is not PACKAGE=URL", "Write for example torch=URL"
                )
        for name in arguments.without:
            if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
                raise Refusal("option --without", f"{name!r} is no package", "Write a package's name")
        write(arguments)
    except Refusal as refusal:
        print(refusal.render(_shown(arguments.output)), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
