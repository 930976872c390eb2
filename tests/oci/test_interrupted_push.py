"""A push that fails halfway: one line says so, no tag moves, and the next push sends only what is missing."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path

import pytest
from fake_registry import State, registry
from layouts import AMD64, ARM64, sha256, write_store

from lepton_rules.oci import push as program
from lepton_rules.oci.descriptor import document
from lepton_rules.oci.image import make_index
from lepton_rules.oci.media import INDEX
from lepton_rules.oci.push import push
from lepton_rules.oci.registry import Registry
from lepton_rules.oci.store import Store
from lepton_rules.plugin import LeptonError


def client(state: State) -> Registry:
    return Registry(f"{state.host}/team/m", plain_http=True, pause=lambda seconds: None)


def sent(state: State, kind: str) -> list[str]:
    """What was put there since the log was emptied: blobs by their digests, manifests by their references."""
    puts = [path for method, path in state.log if method == "PUT" and f"/{kind}/" in path]
    return [path.rpartition("digest=" if kind == "blobs" else "/")[2].replace("%3A", ":") for path in puts]


def blobs(store: Store) -> list[str]:
    """The digests of an image's blobs, in the order in which they are sent."""
    return [blob["digest"] for blob in (*store.layers(), *store.configs())]


def refused(store: Store, state: State, *tags: str) -> str:
    """What a push that fails says, in one line."""
    with pytest.raises(LeptonError) as error:
        push(store, client(state), tags)
    text = str(error.value)
    assert text.startswith("lepton: ") and text.isprintable(), text
    assert state.host in text
    return text


@pytest.fixture
def old(tmp_path: Path) -> Store:
    """What the tag named before."""
    return write_store(tmp_path / "old", size=11)


@pytest.fixture
def new(tmp_path: Path) -> Store:
    """What is pushed over it: it shares a layer with the old one, and its own has 8 MB, more than a socket's buffer."""
    return write_store(tmp_path / "new", size=8_000_000)


@pytest.mark.parametrize("arrived", range(2))
def test_a_connection_that_is_cut_in_a_blob(arrived: int, old: Store, new: Store) -> None:
    with registry() as state:
        push(old, client(state), ["v1"])
        missing = [digest for digest in blobs(new) if digest not in state.blobs]
        assert len(missing) == 2  # its layer and its configuration
        state.log.clear()
        state.cut_after = len(state.blobs) + arrived
        said = refused(new, state, "v1", "latest")
        assert said.startswith(
            f"lepton: blob {missing[arrived]} for {state.host}/team/m: the connection failed 4 times"
        )
        assert "push again: what it has is not sent again." in said
        assert sent(state, "blobs") == missing[:arrived] + [missing[arrived]] * 4
        assert sent(state, "manifests") == []
        assert sha256(state.manifests["v1"]) == old.root["digest"]
        assert "latest" not in state.manifests

        state.log.clear()
        state.cut_after = math.inf
        push(new, client(state), ["v1", "latest"])
        assert sent(state, "blobs") == missing[arrived:]
        assert {sha256(state.manifests[tag]) for tag in ("v1", "latest")} == {new.root["digest"]}


def test_a_cut_that_heals_costs_one_blob_again(new: Store) -> None:
    with registry(cut_after=1) as state:

        def heal(seconds: float) -> None:
            state.cut_after = math.inf

        push(new, Registry(f"{state.host}/team/m", plain_http=True, pause=heal), ["v1"])
        digests = blobs(new)
        assert sent(state, "blobs") == [*digests[:1], *digests[1:2] * 2, *digests[2:]]
        assert sha256(state.manifests["v1"]) == new.root["digest"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>\n<h1>oops</h1>\n</html>", b'{"errors":[{"code":"X","message":"a\\nb\\u001b[31m"}]}']
)
def test_an_error_at_the_manifest(body: bytes, old: Store, new: Store) -> None:
    with registry() as state:
        push(old, client(state), ["v1"])
        state.answers["PUT", "manifests"] = (500, body)
        state.log.clear()
        said = refused(new, state, "v1")
        assert said.startswith(
            f"lepton: manifest {new.root['digest']} for {state.host}/team/m: the registry answered 500"
        )
        # Asked for again, for it may be busy, and nothing else after it.
        assert sent(state, "manifests") == [new.root["digest"]] * 4
        assert sha256(state.manifests["v1"]) == old.root["digest"]

        state.answers.clear()
        state.log.clear()
        push(new, client(state), ["v1"])
        assert sent(state, "blobs") == []
        assert sha256(state.manifests["v1"]) == new.root["digest"]


def test_an_error_at_the_second_of_two_tags(old: Store, new: Store) -> None:
    """Each tag is moved by itself: that which was refused stays, and the message names it."""
    with registry(answers={("PUT", "manifests/stable"): (500, b"")}) as state:
        state.manifests["stable"] = b"before"
        assert refused(new, state, "v1", "stable", "latest").startswith("lepton: manifest stable for ")
        assert state.manifests["stable"] == b"before"
        assert "latest" not in state.manifests
        state.answers.clear()
        state.log.clear()
        push(new, client(state), ["v1", "stable", "latest"])
        assert sent(state, "blobs") == []
        assert {sha256(state.manifests[tag]) for tag in ("v1", "stable", "latest")} == {new.root["digest"]}


def test_an_index_of_which_one_image_is_refused(tmp_path: Path) -> None:
    stores = [write_store(tmp_path / p["architecture"], platform=p) for p in (AMD64, ARM64)]
    manifests = [store.documents[store.root["digest"]] for store in stores]
    content = make_index(list(zip(manifests, (AMD64, ARM64), strict=True)), {})
    index = Store(
        document(content, INDEX),
        {sha256(content): content} | stores[0].documents | stores[1].documents,
        stores[0].blobs | stores[1].blobs,
    )
    second = stores[1].root["digest"]
    with registry(answers={("PUT", f"manifests/{second}"): (500, b"")}) as state:
        assert f"manifest {second}" in refused(index, state, "v1")
        assert state.manifests.keys() == {stores[0].root["digest"]}
        state.answers.clear()
        state.log.clear()
        push(index, client(state), ["v1"])
        assert sent(state, "blobs") == []
        assert sha256(state.manifests["v1"]) == sha256(content)


def test_the_command_says_it_in_one_line_and_fails(
    new: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "Registry", functools.partial(Registry, pause=lambda seconds: None))
    (config,) = new.configs()
    words = ["--label=//x:image"]
    for flag, digest in (("manifest", new.root["digest"]), ("config", config["digest"])):
        (tmp_path / flag).write_bytes(new.documents[digest])
        words.append(f"--{flag}={tmp_path / flag}")
    for number, layer in enumerate(new.layers()):
        (tmp_path / f"{number}.json").write_text(json.dumps({**layer, "diff_id": layer["digest"]}))
        words += [f"--blob={new.blob(layer)}", f"--descriptor={tmp_path}/{number}.json"]
    with registry(cut_after=1) as state:
        user = ["--", "--repository", f"{state.host}/team/m", "--tag", "v1", "--plain_http"]
        assert program.main([*words, *user]) == 1
        done = capsys.readouterr()
        assert done.out == ""
        first, last = done.err.splitlines()
        assert first.startswith("lepton: sent ")
        assert last.startswith(
            f"lepton: blob {blobs(new)[1]} for {state.host}/team/m in //x:image: the connection failed"
        )

        state.cut_after = math.inf
        assert program.main([*words, *user]) == 0
        done = capsys.readouterr()
        assert done.out == f"{state.host}/team/m@{new.root['digest']}\n"
        assert [line.split()[1] for line in done.err.splitlines()[:3]] == ["has", "sent", "sent"]
