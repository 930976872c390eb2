"""`bazel run :x.push -- --repository R --tag T`: sends an image to a registry, only what the registry does not have.

Layers first, then configurations and manifests by digest, and last the tags: whoever pulls a tag finds all of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lepton_rules.oci.flags import Flags, run
from lepton_rules.oci.media import MANIFEST
from lepton_rules.oci.registry import Registry, check_tag
from lepton_rules.oci.store import Store


def push(store: Store, registry: Registry, tags: Sequence[str]) -> str:
    """Sends an image.

    Args:
        store: the image.
        registry: where to.
        tags: what it is called there, besides its digest.

    Returns:
        `repository@sha256:…`.

    Raises:
        LeptonError: a layer is not there, or the registry refuses something.
    """
    sent = kept = 0
    for blob in (*store.layers(), *store.configs()):
        digest, size = blob["digest"], blob["size"]
        # Found before anything is sent: an image with a hole is no image.
        source: bytes | Path = store.documents[digest] if digest in store.documents else store.blob(blob)
        if registry.has_blob(digest):
            kept += 1
            _say(f"has    {digest[:19]}  {_size(size)}")
            continue
        registry.send_blob(digest, size, source)
        sent += size
        _say(f"sent   {digest[:19]}  {_size(size)}")
    for descriptor, _ in store.images:
        registry.send_manifest(descriptor["digest"], store.documents[descriptor["digest"]], MANIFEST)
    root = store.root
    registry.send_manifest(root["digest"], store.documents[root["digest"]], root["mediaType"])
    for tag in tags:
        registry.send_manifest(tag, store.documents[root["digest"]], root["mediaType"])
        _say(f"tagged {registry.repository}:{tag}")
    _say(f"{_size(sent)} sent, {kept} blobs were there")
    return f"{registry.repository}@{root['digest']}"


def _say(text: str) -> None:
    print(f"lepton: {text}", file=sys.stderr, flush=True)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count} bytes"


def main(words: Sequence[str]) -> int:
    """Runs the command line: the image's own flags up to `--`, then the user's. Returns the exit status."""
    split = words.index("--")
    parser = argparse.ArgumentParser(prog="push", description="Sends the image to a registry.")
    parser.add_argument("--repository", help="host[:port]/path, without a tag; default: the target's repository")
    parser.add_argument("--tag", action="append", default=[], help="a tag for it; repeat for several")
    parser.add_argument("--plain_http", action="store_true", help="speak HTTP to a registry on this machine")
    arguments = parser.parse_args(words[split + 1 :])

    def program(flags: Flags) -> None:
        store = Store.from_flags(flags)
        repository = arguments.repository or flags.optional("repository")
        flags.finish()
        if not repository:
            parser.error("give --repository, or the target an attribute repository")
        registry = Registry(repository, plain_http=arguments.plain_http)
        print(push(store, registry, [check_tag(tag) for tag in arguments.tag]))

    return run(program, words[:split])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
