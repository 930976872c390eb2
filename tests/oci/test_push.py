"""Pushing: only what a registry lacks is sent, tags come last, logins are found and kept, and refusals are told."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_registry import PASSWORD, TOKEN, USER, State, registry
from layouts import AMD64, ARM64, sha256, write_store

from lepton_rules.oci.credentials import find_credentials
from lepton_rules.oci.descriptor import document
from lepton_rules.oci.image import make_index
from lepton_rules.oci.media import INDEX
from lepton_rules.oci.push import push
from lepton_rules.oci.registry import Registry, check_tag
from lepton_rules.oci.store import Store
from lepton_rules.plugin import LeptonError


def client(state: State) -> Registry:
    return Registry(f"{state.host}/team/m", plain_http=True, pause=lambda seconds: None)


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No login of this machine's user is seen."""
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def log_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str) -> None:
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def test_everything_goes_there_once_and_tags_come_last(tmp_path: Path) -> None:
    store = write_store(tmp_path / "image", size=300_000)
    with registry() as state:
        pushed = push(store, client(state), ["v1", "latest"])
        assert pushed == f"{state.host}/team/m@{store.root['digest']}"
        digests = {layer["digest"] for layer in store.layers()} | {c["digest"] for c in store.configs()}
        assert state.blobs.keys() == digests
        assert {sha256(data) for data in state.manifests.values()} == {store.root["digest"]}
        puts = [path.rpartition("/")[2] for method, path in state.log if method == "PUT" and "/manifests/" in path]
        assert puts == [store.root["digest"], store.root["digest"], "v1", "latest"]
        state.log.clear()
        push(store, client(state), ["v2"])
        assert not [path for method, path in state.log if method != "HEAD" and "/blobs/" in path]


def test_one_changed_layer_sends_one_layer(tmp_path: Path) -> None:
    with registry() as state:
        push(write_store(tmp_path / "one"), client(state), [])
        before = set(state.blobs)
        push(write_store(tmp_path / "other", size=11), client(state), [])
        # The layer and the configuration; the server's layer is shared.
        assert len(set(state.blobs) - before) == 2


def test_an_index_goes_after_its_images(tmp_path: Path) -> None:
    stores = [write_store(tmp_path / p["architecture"], platform=p) for p in (AMD64, ARM64)]
    manifests = [s.documents[s.root["digest"]] for s in stores]
    index = make_index(list(zip(manifests, (AMD64, ARM64), strict=True)), {})
    store = Store(
        document(index, INDEX),
        {sha256(index): index} | stores[0].documents | stores[1].documents,
        stores[0].blobs | stores[1].blobs,
    )
    with registry() as state:
        push(store, client(state), ["v1"])
        assert sha256(state.manifests["v1"]) == sha256(index)
        assert len(state.manifests) == 4


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_a_login_is_found_and_used(auth: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = write_store(tmp_path / "image", size=300_000)
    with registry(auth=auth) as state:
        log_in(monkeypatch, tmp_path, state.host)
        push(store, client(state), ["v1"])
        assert "v1" in state.manifests
        # Asked once, not for each blob.
        assert sum(path.startswith("/token") for _, path in state.log) == (auth == "bearer")


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_without_a_login_it_says_to_log_in(auth: str, tmp_path: Path) -> None:
    with registry(auth=auth) as state, pytest.raises(LeptonError, match="Log in with docker login or podman login"):
        push(write_store(tmp_path / "image"), client(state), [])


def test_a_registry_that_fails_for_a_while_is_asked_again(tmp_path: Path) -> None:
    with registry(failures={"HEAD": 2, "POST": 1, "PUT": 2}) as state:
        push(write_store(tmp_path / "image"), client(state), ["v1"])
        assert "v1" in state.manifests


def test_a_registry_that_never_recovers_is_told(tmp_path: Path) -> None:
    with registry(failures={"PUT": 99}) as state, pytest.raises(LeptonError, match="the registry answered 503"):
        push(write_store(tmp_path / "image"), client(state), [])


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({("PUT", "manifests"): (403, b"")}, "answered 403. Ask for the right to push"),
        ({("POST", "blobs"): (202, b"")}, "does not say where to send it"),
        ({("PUT", "blobs"): (413, b"<html>")}, "answered 413. Raise the registry's limit"),
        ({("HEAD", "blobs"): (500, b"")}, "answered 500"),
    ],
)
def test_a_refusal_is_told(answers: dict[tuple[str, str], tuple[int, bytes]], says: str, tmp_path: Path) -> None:
    with registry(answers=answers) as state, pytest.raises(LeptonError) as caught:
        push(write_store(tmp_path / "image"), client(state), ["v1"])
    assert says in str(caught.value)
    assert "v1" not in state.manifests


def test_what_arrived_wrong_is_no_image(tmp_path: Path) -> None:
    with registry(corrupt=True) as state, pytest.raises(LeptonError, match="DIGEST_INVALID: not what it says"):
        push(write_store(tmp_path / "image"), client(state), ["v1"])
    assert not state.manifests


def test_a_missing_layer_is_told_before_the_registry_is_asked_for_it(tmp_path: Path) -> None:
    store = write_store(tmp_path / "image")
    for path in store.blobs.values():
        path.unlink()
    with registry() as state, pytest.raises(LeptonError, match="there is no file of it"):
        push(store, client(state), ["v1"])
    assert not state.blobs


def test_nobody_there_is_told() -> None:
    with registry() as state:
        gone = client(state)
    with pytest.raises(LeptonError, match="See whether the registry can be reached"):
        gone.has_blob("sha256:" + "0" * 64)


@pytest.mark.parametrize(
    "repository",
    ["resnet", "team/resnet", "registry.example.com/Team/x", "registry.example.com/x:v1", "https://r.io/x", "r.io/a b"],
)
def test_what_is_no_repository_is_told(repository: str) -> None:
    with pytest.raises(LeptonError, match="accepted is host"):
        Registry(repository)


@pytest.mark.parametrize("host", ["registry.example.com", "10.0.0.1:5000", "127.0.0.1.example.com"])
def test_plain_http_never_leaves_this_machine(host: str) -> None:
    with pytest.raises(LeptonError, match="for a registry on this machine alone"):
        Registry(f"{host}/x", plain_http=True)


def test_a_password_is_not_sent_where_a_registry_leads_without_tls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The registry is on this machine; it asks for the password at another, over HTTP."""
    with registry(auth="bearer") as state:
        log_in(monkeypatch, tmp_path, state.host)
        host, state.host = state.host, "registry.example.com"
        with pytest.raises(LeptonError, match="asks for the password over http"):
            Registry(f"{host}/team/m", plain_http=True).has_blob("sha256:" + "0" * 64)


@pytest.mark.parametrize("tag", ["", "-x", "a b", "a/b", "x" * 129, "ü"])
def test_what_is_no_tag_is_told(tag: str) -> None:
    with pytest.raises(LeptonError, match="Write for example"):
        check_tag(tag)


HELPER = """#!/bin/sh
read key
[ "$key" = registry.example.com ] || exit 1
echo '{"ServerURL": "registry.example.com", "Username": "maya", "Secret": "pass:word"}'
"""


@pytest.mark.parametrize(
    "config",
    [
        {"auths": {"registry.example.com": {"auth": base64.b64encode(b"maya:pass:word").decode()}}},
        {"auths": {"https://registry.example.com/v2/": {"username": "maya", "password": "pass:word"}}},
        {"credHelpers": {"registry.example.com": "test"}},
        {"credsStore": "test"},
    ],
)
def test_where_logins_are(config: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    helper = tmp_path / "bin" / "docker-credential-test"
    helper.parent.mkdir()
    helper.write_text(HELPER)
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = find_credentials("registry.example.com", {"DOCKER_CONFIG": str(tmp_path)})
    assert found
    assert (found.user, found.secret) == ("maya", "pass:word")
    assert "pass" not in repr(found)
    assert find_credentials("other.example.com", {"DOCKER_CONFIG": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{secret", "it is no JSON"),
        ("[]", "it is no object"),
        ('{"auths": {"r.io": {"auth": "!!secret"}}}', "not base64 of user:password"),
        ('{"credHelpers": {"r.io": "no-such-helper"}}', "docker-credential-no-such-helper: it is not on PATH"),
    ],
)
def test_a_broken_login_is_told_and_not_shown(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(LeptonError) as caught:
        find_credentials("r.io", {"DOCKER_CONFIG": str(tmp_path)})
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_command_line(tmp_path: Path) -> None:
    store = write_store(tmp_path / "image")
    (config,) = store.configs()
    (tmp_path / "manifest").write_bytes(store.documents[store.root["digest"]])
    (tmp_path / "config").write_bytes(store.documents[config["digest"]])
    words = [f"--manifest={tmp_path}/manifest", f"--config={tmp_path}/config", "--label=//x:image"]
    for number, layer in enumerate(store.layers()):
        (tmp_path / f"{number}.json").write_text(json.dumps({**layer, "diff_id": layer["digest"]}))
        words += [f"--blob={store.blob(layer)}", f"--descriptor={tmp_path}/{number}.json"]

    def run(*user: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lepton_rules.oci.push", *words, "--", *user]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    with registry() as state:
        done = run("--repository", f"{state.host}/team/m", "--tag", "v1", "--plain_http")
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{state.host}/team/m@{store.root['digest']}\n"
        assert "tagged" in done.stderr
        assert run("--repository", "nowhere", "--plain_http").stderr.startswith(
            "lepton: repository 'nowhere' in //x:image: "
        )
        assert run().returncode == 2
        assert TOKEN not in done.stderr
