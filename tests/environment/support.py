"""What the tests of environments share: wheels made on the spot, an index on the loopback interface, the builder
run for real.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import lepton_rules

ROOT = Path(lepton_rules.__file__).absolute().parents[1]
BUILDER = ROOT / "lepton_rules/private/environment/builder"
LABEL = "@demo_env//:environment"


def uv() -> Path:
    """uv of the pinned version: from its environment under Bazel, else from PATH."""
    runfiles = Path(os.environ.get("TEST_SRCDIR", "/nonexistent"))
    found = sorted(runfiles.glob("*lepton_rules_uv/prefix/lib/python3*/site-packages/bin/uv"))
    return found[0] if found else Path(shutil.which("uv") or "uv")


def make_wheel(
    folder: Path, name: str, version: str, files: Mapping[str, str], tag: str = "py3-none-any", metadata: str = ""
) -> str:
    """Writes a wheel; gives its line in a lock. `metadata` replaces the usual one."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    members = {
        **files,
        f"{info}/METADATA": metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/LICENSE": "free\n",
    }
    record = "".join(
        f"{member},sha256={_record_digest(text)},{len(text.encode())}\n" for member, text in members.items()
    )
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, text in members.items():
            archive.writestr(zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0)), text)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def _record_digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Builder:
    """Runs `build_environment.py` as the repository rule does, with places of packages of its own."""

    home: Path
    wheels: Path
    extra: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def variables(self) -> dict[str, str]:
        """The whole environment of the process: no index, no configuration of this machine."""
        return {
            "HOME": str(self.home),
            "LEPTON_UV": str(uv()),
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_NO_INDEX": "1",
            "UV_CACHE_DIR": str(self.home / "uv"),
            "UV_HTTP_RETRIES": "0",
            **self.extra,
        }

    def command(self, lock: str, root: Path, **request: object) -> list[str]:
        """The command that builds `lock` (its text) in the directory `root`."""
        root.mkdir(parents=True, exist_ok=True)
        file = root.with_name(root.name + ".lock")
        file.write_text(lock, encoding="utf-8")
        fields = {
            "name": "env",
            "label": LABEL,
            "lock": str(file),
            "lock_label": "//:env.lock",
            "package_indexes": {},
            "exclude": [],
            "files": [],
            "keep": [],
            **request,
        }
        asked = root.with_name(root.name + ".request.json")
        asked.write_text(json.dumps(fields), encoding="utf-8")
        return [self.python, "-I", "-S", "-B", str(BUILDER / "build_environment.py"), str(asked)]

    def build(self, lock: str, root: Path, **request: object) -> subprocess.CompletedProcess[str]:
        """Builds it, whether or not that works."""
        return subprocess.run(
            self.command(lock, root, **request),
            cwd=root,
            env=self.variables(),
            capture_output=True,
            text=True,
            check=False,
        )

    def refused(self, lock: str, root: Path, **request: object) -> str:
        """What the builder says when it refuses; checks that it does and leaves nothing that looks whole."""
        done = self.build(lock, root, **request)
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stdout == ""
        assert not (root / "env.key").exists()
        return done.stderr

    def key(self, lock: str, root: Path, **request: object) -> dict[str, str]:
        """The key of the environment, which must build."""
        done = self.build(lock, root, **request)
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads((root / "env.key").read_text()))


@dataclass
class Index:
    """A package index with a user name and a password, and what it was asked for."""

    port: int
    asked: list[str] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)

    def url(self, credentials: str) -> str:
        """Its address, with `credentials` (`user:password@`)."""
        return f"http://{credentials}127.0.0.1:{self.port}/simple"


@contextmanager
def index(wheels: Path, password: str) -> Iterator[Index]:
    """Serves the wheels in a folder to who has the password."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            sent = self.headers.get("Authorization", "")
            if base64.b64decode(sent.removeprefix("Basic ")).decode().partition(":")[2] != password:
                self.send_response(401)
                self.end_headers()
                return
            served.authorizations.add(sent)
            kind, _, name = self.path.strip("/").partition("/")
            found = [wheel for wheel in sorted(wheels.glob("*.whl")) if wheel.name.startswith(name.strip("/"))]
            if kind == "simple":
                page = "".join(f'<a href="/files/{wheel.name}">{wheel.name}</a>\n' for wheel in found)
                self._answer(f"<!DOCTYPE html><html><body>{page}</body></html>".encode(), "text/html")
            elif found:
                self._answer(found[0].read_bytes(), "application/octet-stream")
            else:
                self.send_response(404)
                self.end_headers()

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Index(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
