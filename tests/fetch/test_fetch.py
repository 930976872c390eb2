"""Models that are fetched: from a server on the loopback, in a user's module."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from bazel import Bazel
from module import place

_MODULE = Path(__file__).parent / "module"
_FILES = {"story.txt": b"Once upon a time there was a model.\n", "weights/one.bin": bytes(range(256)) * 64}
_PASSWORD = base64.b64encode(b"reader:s3cret").decode()
_TOKEN = "hf_s3cret"


def digest(name: str) -> str:
    return "sha256:" + hashlib.sha256(_FILES[name]).hexdigest()


@dataclass
class Server:
    """What the server was asked for, each with the header Authorization."""

    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, _ = self.path.partition("?")
            sent = self.headers.get("Authorization", "")
            served.asked.append((f"{self.headers['Host']}{path}", sent))
            kind, _, name = path.removeprefix("/").partition("/")
            hub = "someone/stories/resolve/1234abcd/"
            if kind == "files" and sent != f"Basic {_PASSWORD}":
                self._answer(401, b"")
            elif kind == "hub" and name.startswith(hub):
                # To another host, as a hub sends whoever asks for a large file.
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{served.port}/open/{name.removeprefix(hub)}")
                self.end_headers()
            elif kind in ("files", "open") and name in _FILES:
                self._answer(200, _FILES[name])
            elif kind == "login":
                self._answer(200, b"\n<!DOCTYPE html>\n<html><body>Who are you?</body></html>")
            elif kind == "pointer":
                self._answer(200, b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
            else:
                self._answer(404, b"")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = running.server_port
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield served
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(scope="module")
def bazel(server: Server) -> Iterator[Bazel]:
    """Bazel in the user's module. The names of a proxy are not for the loopback."""
    workspace = place(_MODULE, "fetch")
    declaration = workspace / "MODULE.bazel"
    text = declaration.read_text("utf-8")
    for mark, value in (
        ("<server>", server.address),
        ("<host>", f"127.0.0.1:{server.port}"),
        ("<digest of story.txt>", digest("story.txt")),
        ("<digest of one.bin>", digest("weights/one.bin")),
    ):
        text = text.replace(mark, value)
    declaration.write_text(text, "utf-8")
    environment = {"NO_PROXY": "127.0.0.1,localhost", "HF_ENDPOINT": f"{server.address}/hub/", "HF_TOKEN": _TOKEN}
    # Without a cache of downloads: what is asked of the server is what a first build asks.
    nested = Bazel(workspace, "fetch", flags=["--repository_cache="], environment=environment)
    yield nested
    nested.shutdown()


@pytest.fixture(autouse=True)
def asked_anew(server: Server) -> None:
    server.asked.clear()


def builds(bazel: Bazel, target: str) -> Path:
    result = bazel.run("build", f"//:{target}")
    assert result.status == 0, result.output
    return bazel.bin() / target / "model"


def refused(bazel: Bazel, target: str, **environment: str) -> str:
    """The one line of ours. Nothing that Bazel prints may tell a password."""
    result = bazel.run("build", f"//:{target}", environment=environment)
    assert result.status != 0, result.output
    assert "reader" not in result.output
    assert _TOKEN not in result.output
    lines = dict.fromkeys(result.lepton_lines())
    assert len(lines) == 1, result.output
    (line,) = lines
    assert line.startswith(f"lepton: model {target} in @user_{target}//:files: ")
    assert "s3cret" not in line
    return line.removeprefix(f"lepton: model {target} in @user_{target}//:files: ")


def test_asking_what_there_is_fetches_nothing(bazel: Bazel, server: Server) -> None:
    result = bazel.run("query", "//...")
    assert result.status == 0, result.output
    assert "//:by_address" in result.output
    assert server.asked == []


def test_by_address(bazel: Bazel, server: Server) -> None:
    """The first address has nothing; the second wants the password that stands in it."""
    model = builds(bazel, "by_address")
    assert (model / "story.txt").read_bytes() == _FILES["story.txt"]
    assert (model / "one.bin").read_bytes() == _FILES["weights/one.bin"]
    host = f"127.0.0.1:{server.port}"
    # Nothing else was fetched, and no password went to the address that has none.
    assert {path for path, _ in server.asked} == {
        *(f"{host}/gone/{name}" for name in _FILES),
        *(f"{host}/files/{name}" for name in _FILES),
    }
    assert all(sent == (f"Basic {_PASSWORD}" if "/files/" in path else "") for path, sent in server.asked)


def test_credentials_of_netrc(bazel: Bazel, server: Server, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1\nlogin reader\npassword s3cret\n")
    result = bazel.run("build", "//:by_netrc", environment={"NETRC": str(netrc)})
    assert result.status == 0, result.output
    assert [sent for _, sent in server.asked] == [f"Basic {_PASSWORD}"]


def test_it_is_fetched_once(bazel: Bazel, server: Server) -> None:
    builds(bazel, "by_address")
    assert server.asked == []


def test_by_name_in_the_hub_of_the_environment(bazel: Bazel, server: Server) -> None:
    """The token goes to the hub, and not to the host that the hub sends to."""
    assert (builds(bazel, "by_hub") / "story.txt").read_bytes() == _FILES["story.txt"]
    assert server.asked == [
        (f"127.0.0.1:{server.port}/hub/someone/stories/resolve/1234abcd/story.txt", f"Bearer {_TOKEN}"),
        (f"localhost:{server.port}/open/story.txt", ""),
    ]


def test_by_name_in_a_hub_that_the_tag_names(bazel: Bazel, server: Server) -> None:
    """A token of the user's own hub is not for a hub that a module names."""
    assert (builds(bazel, "by_endpoint") / "story.txt").read_bytes() == _FILES["story.txt"]
    assert {sent for _, sent in server.asked} == {""}


def test_without_a_digest_the_line_to_paste_is_printed(bazel: Bazel) -> None:
    files = f'files = {{"story.txt": "{digest("story.txt")}", "weights/one.bin": "{digest("weights/one.bin")}"}}'
    assert refused(bazel, "undigested") == (
        f"there is no digest of story.txt. If what came is what you want, write {files}."
    )


def test_a_wrong_digest(bazel: Bazel) -> None:
    assert refused(bazel, "changed") == (
        f"story.txt has the digest {digest('story.txt')}, and sha256:{'0' * 64} is wanted. "
        f'If it was meant to change, write files = {{"story.txt": "{digest("story.txt")}"}}.'
    )


def test_a_file_that_is_not_there(bazel: Bazel, server: Server) -> None:
    assert refused(bazel, "absent") == (
        f"tale.txt cannot be downloaded from {server.address}/files/tale.txt?… (the answer is 404 Not Found). "
        "Correct the address, or see that the network and credentials are there."
    )


@pytest.mark.parametrize(("target", "kind"), [("login", "an HTML page"), ("pointer", "a Git LFS pointer")])
def test_what_is_no_model_gets_no_digest(bazel: Bazel, server: Server, target: str, kind: str) -> None:
    assert refused(bazel, target) == (
        f"what came as story.txt from {server.address}/{target}/story.txt is {kind}. "
        "Correct the address, or see that the network and credentials are there."
    )


def test_a_hub_without_a_revision(bazel: Bazel, server: Server) -> None:
    assert refused(bazel, "moving") == (
        'hub "someone/stories" has no revision, and what it holds changes. Give the commit: revision = "…".'
    )
    assert server.asked == []


def test_no_hub_is_known(bazel: Bazel) -> None:
    declaration = bazel.workspace / "MODULE.bazel"
    before = declaration.read_text("utf-8")
    declaration.write_text(re.sub('revision = "1234abcd"', 'revision = "5678"', before), "utf-8")
    try:
        assert refused(bazel, "by_hub", HF_ENDPOINT="") == (
            "no address of a hub is known. Set the environment variable HF_ENDPOINT, or the attribute endpoint."
        )
    finally:
        declaration.write_text(before, "utf-8")
