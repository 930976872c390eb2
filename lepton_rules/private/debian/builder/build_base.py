"""Builds the root of a base from Debian packages, in the working directory: `root.tar` and `facts.json`.

    python3.11 -I -S -B build_base.py request.json

The file holds the fields of `Request`. No package's script is run; what such scripts would have written and a
service needs is written here: users and groups, name service, certificates, bytecode of Python.
The bytes depend on the packages and on what is left out alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).absolute().parents[4]))

from lepton_rules.private.debian.builder import deb
from lepton_rules.private.debian.builder.control import paragraphs
from lepton_rules.private.environment.builder import command
from lepton_rules.private.environment.builder.clean import pattern
from lepton_rules.private.environment.builder.refusal import Refusal
from lepton_rules.private.environment.builder.root import Clash, Entry, Root

# What nobody reads in a container. Licences (usr/share/doc/*/copyright) stay.
_DROPPED = """
    usr/share/man/** usr/share/info/** usr/share/locale/** usr/share/lintian/** usr/share/bug/** usr/share/gdb/**
    usr/share/bash-completion/** usr/share/doc-base/** usr/share/binfmts/** usr/share/pixmaps/** usr/share/menu/**
    usr/share/applications/** usr/share/gcc/** usr/share/linda/** usr/share/reportbug/** usr/share/apport/**
    usr/lib/binfmt.d/** usr/share/base-files/** usr/share/dict/** usr/share/games/** usr/games/** etc/update-motd.d/**
    etc/motd etc/issue etc/issue.net usr/include/** **/*.a var/cache/** var/backups/** var/local/** var/mail/**
    boot/** home/** media/** mnt/** srv/** usr/src/** usr/local/** var/opt/** usr/share/common-licenses/**/.keep
    etc/apt/** etc/cron*/** etc/logrotate.d/** etc/init.d/** usr/lib/systemd/** lib/systemd/** usr/share/zsh/**
""".split()
_KEPT_DIRECTORIES = ("dev", "etc", "proc", "root", "run", "sys", "tmp", "var", "var/lib", "var/log", "var/tmp")
_USERS = (("root", 0, "/root"), ("nobody", 65534, "/nonexistent"), ("nonroot", 65532, "/nonexistent"))
_NAME_SERVICE = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n"
_CERTIFICATES = "usr/share/ca-certificates/"
_BUNDLE = "etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class Package:
    """A package's file on this machine, and what the lock says of it."""

    name: str
    version: str
    architecture: str
    path: str


@dataclass(frozen=True)
class Request:
    """What to build. `compilers` are packages of this machine's own architecture, for their Python; `compile` is the
    script that compiles. `label` is for messages; the others are as in the tag.
    """

    name: str
    label: str
    packages: list[dict[str, str]]
    compilers: list[dict[str, str]]
    compile: str
    exclude: list[str]
    keep: list[str]
    python_sources: bool


def build(request: Request, folder: Path) -> None:
    """Writes `root.tar` and `facts.json` to `folder`."""
    packages = [Package(**item) for item in request.packages]
    root, status = unpack(packages)
    _add_certificates(root)
    drop(root, request.exclude, request.keep)
    compilers = [Package(**item) for item in request.compilers]
    _compile(root, compilers or packages, Path(request.compile), request.python_sources)
    _add_accounts(root)
    root.entries["var/run"] = Entry(0o777, target="/run")
    for package, paragraph in status.items():
        root.set(f"var/lib/dpkg/status.d/{package}", paragraph)
    root.drop_empty_directories(_KEPT_DIRECTORIES)
    for name in _KEPT_DIRECTORIES:
        root.entries.setdefault(name, Entry(0o1777 if name in ("tmp", "var/tmp") else 0o755))
    root.finish()
    root.write(folder / "root.tar")
    facts = {
        "bytes": sum(len(entry.content or b"") for entry in root.entries.values()),
        "files": sum(1 for entry in root.entries.values() if not entry.is_directory),
        "packages": {package.name: package.version for package in packages},
    }
    (folder / "facts.json").write_text(json.dumps(facts, sort_keys=True), encoding="utf-8")


def unpack(packages: Sequence[Package]) -> tuple[Root, dict[str, str]]:
    """The files of all packages in one root, and for each package the paragraph that a scanner of images reads.

    Raises:
      Refusal: a package is none, is not what the lock says, or has a file that another has too.
    """
    root = Root()
    status = {}
    for package in packages:
        read = deb.read(Path(package.path), package.name)
        paragraph = _control(read.control)
        fields = next(paragraphs(paragraph), {})
        if (fields.get("Package"), fields.get("Version")) != (package.name, package.version):
            why = f"the file is {fields.get('Package')} {fields.get('Version')}, and the lock says {package.version}"
            raise Refusal(f"package {package.name}", why, "Write the lock again")
        status[package.name] = paragraph
        try:
            root.take_tar(read.data)
        except Clash as clash:
            why = f"it cannot be unpacked beside the others: /{clash}"
            raise Refusal(f"package {package.name}", why, "Leave one of the packages that have it out") from clash
    return root, status


def drop(root: Root, exclude: Sequence[str], keep: Sequence[str]) -> None:
    """Removes documentation and what `exclude` says, but for what `keep` says; a link to nothing goes too.

    A glob may match nothing: not every architecture has the same files.
    """
    dropped, kept = pattern([*_DROPPED, *exclude]), pattern(keep)
    licences = pattern(["usr/share/doc/*/copyright"])
    documents = pattern(["usr/share/doc/*/**"])
    for path, entry in list(root.entries.items()):
        if entry.is_directory or kept.fullmatch(path) or licences.fullmatch(path):
            continue
        if dropped.fullmatch(path) or documents.fullmatch(path):
            del root.entries[path]
    # A licence may be found by a link alone: usr/share/doc/libgcc-s1 leads to gcc-12-base.
    for path, entry in list(root.entries.items()):
        if entry.target and not entry.target.startswith(("/proc", "/dev", "/run")) and not _exists(root, path):
            del root.entries[path]


def _exists(root: Root, path: str, depth: int = 0) -> bool:
    """Whether the link at `path` leads to something in the root."""
    entry = root.entries.get(path)
    if entry is None or depth > 20:
        prefix = path + "/"
        return depth <= 20 and any(other.startswith(prefix) for other in root.entries)
    if entry.target is None:
        return True
    base = entry.target if entry.target.startswith("/") else f"{path.rpartition('/')[0]}/{entry.target}"
    normal = os.path.normpath(base).lstrip("/")
    first = normal.partition("/")[0]
    if first in ("bin", "sbin", "lib", "lib64"):
        normal = f"usr/{normal}"
    return _exists(root, normal, depth + 1)


def _control(body: bytes) -> str:
    with tarfile.open(fileobj=BytesIO(body)) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name.removeprefix("./") == "control" else None
            if stream is not None:
                return stream.read().decode("utf-8", "replace").rstrip("\n") + "\n"
    return ""


def _add_accounts(root: Root) -> None:
    passwd = "".join(f"{name}:x:{number}:{number}:{name}:{home}:/usr/sbin/nologin\n" for name, number, home in _USERS)
    root.set("etc/passwd", passwd)
    root.set("etc/group", "".join(f"{name}:x:{number}:\n" for name, number, _ in _USERS))
    root.set("etc/nsswitch.conf", _NAME_SERVICE)


def _add_certificates(root: Root) -> None:
    """The bundle that ca-certificates' script would write; the single files are dropped."""
    names = sorted(path for path in root.entries if path.startswith(_CERTIFICATES) and path.endswith(".crt"))
    if names:
        root.set(_BUNDLE, b"".join((root.entries[name].content or b"").rstrip(b"\n") + b"\n" for name in names))
    for name in names:
        del root.entries[name]


def _compile(root: Root, packages: Sequence[Package], script: Path, sources: bool) -> None:
    """Compiles the root's standard libraries with the same Python out of `packages`, of this machine's architecture.

    Without `sources` the bytecode stands in their place.
    """
    series = sorted(
        {path.split("/")[2] for path in root.entries if path.startswith("usr/lib/python3.") and path.endswith("/os.py")}
    )
    if not series:
        return
    with tempfile.TemporaryDirectory() as scratch:
        machine = Path(scratch) / "machine"
        unpacked, _ = unpack(packages)
        machine.mkdir()
        unpacked.unpack(machine)
        for name in series:
            folder = f"usr/lib/{name}/"
            tree = Path(scratch) / name
            for path, entry in root.entries.items():
                if path.startswith(folder) and path.endswith(".py") and entry.content is not None:
                    file = tree / path.removeprefix(folder)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(entry.content)
            _run(machine, name, script, tree)
            _take_bytecode(root, folder, tree, sources)


def _run(machine: Path, series: str, script: Path, tree: Path) -> None:
    """Runs the root's own Python by its own loader, so that this machine's libraries have no part in it."""
    found = [*machine.glob("usr/lib*/ld-linux-*.so.*"), *machine.glob("usr/lib/*/ld-linux-*.so.*")]
    loaders = sorted(path for path in found if not path.is_symlink())
    if not loaders:
        raise Refusal(f"{series} of the base", "there is no libc6 to run it with", "Lock libc6 too")
    libraries = sorted({str(path.parent) for path in machine.glob("usr/lib/*/lib*.so*")})
    command = [str(loaders[0]), "--library-path", ":".join(libraries), str(machine / "usr/bin" / series)]
    command += ["-s", "-S", "-P", "-B", str(script), str(tree), str(os.cpu_count() or 1)]
    variables = {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONHOME": str(machine / "usr")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    if done.returncode != 0:
        why = f"it does not run on this machine to compile its library (status {done.returncode})"
        raise Refusal(
            f"{series} of the base", why, "Lock the packages for this machine's architecture too", done.stderr
        )


def _take_bytecode(root: Root, folder: str, tree: Path, sources: bool) -> None:
    for file in sorted(tree.rglob("*.pyc")):
        relative = file.relative_to(tree)
        if sources:
            root.set(folder + relative.as_posix(), file.read_bytes())
            continue
        module = relative.parent.parent / relative.name.partition(".")[0]
        root.set(f"{folder}{module.as_posix()}.pyc", file.read_bytes())
        del root.entries[f"{folder}{module.as_posix()}.py"]
    for path, entry in list(root.entries.items()):
        # One module under two names, such as the two of _sysconfigdata.
        if path.startswith(folder) and entry.target and entry.target.endswith(".py") and not _exists(root, path):
            root.entries[f"{path}c"] = Entry(0o777, target=f"{entry.target}c")
            del root.entries[path]


if __name__ == "__main__":
    sys.exit(command.run("base", Request, build, sys.argv[1:]))
