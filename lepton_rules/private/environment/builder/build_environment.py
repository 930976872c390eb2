"""Builds one Python environment in the working directory: `prefix/`, `env.key`, `launch`, `facts.json` and `files/`.

Run by the Python that becomes the environment's interpreter, with the standard library alone:

    python3.11 -I -S -B build_environment.py request.json

The file holds the fields of `Request`.

The tree is the same for the same lock and the same interpreter, wherever and whenever it is built.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).absolute().parents[4]))

from lepton_rules.private.environment.builder import clean, command, interpreter, lock, pip_configuration, tree, uv
from lepton_rules.private.environment.builder.install import Installer
from lepton_rules.private.environment.builder.refusal import LOCK_COMMAND, Refusal

_LAUNCH = """\
#!/bin/sh
# Runs this environment's Python, found relative to this file, without the user's packages and the script's directory.
case "$0" in
  */*) here=${0%/*} ;;
  *) here=. ;;
esac
exec "$here/prefix/bin/python3" -s -P "$@"
"""
# Variables that would lead uv or Python to another interpreter or to other packages.
DROPPED_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "UV_PYTHON",
    "UV_CONFIG_FILE",
)


@dataclass(frozen=True)
class Request:
    """What to build. `label` and `lock_label` are for messages; the others are as in the tag."""

    name: str
    label: str
    lock: str
    lock_label: str
    package_indexes: dict[str, str]
    exclude: list[str]
    keep: list[str]
    files: list[str]


def build(request: Request, root: Path) -> None:
    """Builds the environment in the directory `root`."""
    relock = f"{LOCK_COMMAND} --requirements <requirements.in> --output {Path(request.lock).name}"
    requirements = lock.read(Path(request.lock), request.lock_label, relock)
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
    configuration = pip_configuration.read(environment, Path(sys.prefix))
    indexes = {lock.normalise(name): url for name, url in request.package_indexes.items()}
    prefix = root / "prefix"
    for leftover in (prefix, root / "files", root / "env.key"):
        shutil.rmtree(leftover, ignore_errors=True)
        leftover.unlink(missing_ok=True)
    copied = interpreter.copy_into(prefix)
    if requirements:
        found = uv.find(environment, configuration.urls)
        with tempfile.TemporaryDirectory(dir=root) as scratch:
            installer = Installer(found, configuration, environment, request.lock_label, relock)
            installer.install(requirements, indexes, copied.packages, Path(scratch))
    clean.take_out(copied.packages, request.files, root / "files")
    clean.clean(copied.packages, request.exclude, request.keep)
    _compile(copied.executable, prefix)
    clean.normalise_permissions(prefix)
    if request.files:
        clean.normalise_permissions(root / "files")
    launch = root / "launch"
    launch.write_text(_LAUNCH, encoding="utf-8")
    launch.chmod(0o755)
    key = {
        "interpreter": f"{platform.python_implementation()} {copied.version} {sys.platform} {platform.machine()}",
        "launch": tree.file_digest(launch),
        "lock": tree.file_digest(Path(request.lock)),
        "tree": tree.digest(prefix),
    }
    facts = {"packages": packages_in(copied.packages), "python_version": copied.version}
    (root / "facts.json").write_text(json.dumps(facts, sort_keys=True), encoding="utf-8")
    # Last: an environment with a key is whole.
    (root / "env.key").write_text(json.dumps(key, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _compile(executable: Path, prefix: Path) -> None:
    script = Path(__file__).with_name("compile_bytecode.py")
    command = [str(executable), "-s", "-S", "-P", "-B", str(script), str(prefix), str(os.cpu_count() or 1)]
    variables = {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if done.returncode != 0:
        raise Refusal(
            "Python",
            f"the copy of {sys.executable} does not run",
            "Name another CPython with LEPTON_PYTHON_<version>",
            done.stderr,
        )


def packages_in(folder: Path) -> dict[str, str]:
    """Name (as PEP 503 says) and version of every distribution in `folder`."""
    found = {}
    for metadata in sorted(folder.glob("*.dist-info/METADATA")):
        headers = HeaderParser().parsestr(metadata.read_text(encoding="utf-8", errors="replace"), headersonly=True)
        found[lock.normalise(headers["Name"])] = headers["Version"]
    return found


if __name__ == "__main__":
    sys.exit(command.run("environment", Request, build, sys.argv[1:]))
