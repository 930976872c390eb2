"""The base and the serving environment, for each architecture: for that machine alone, complete, known to scanners."""

from __future__ import annotations

import json
import struct
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

import lepton_rules
from lepton_rules.private.environment.builder import elf

_ROOT = Path(lepton_rules.__file__).parents[1]
_LOCK = json.loads((_ROOT / "lepton_rules/bases/python3.11.lock.json").read_text(encoding="utf-8"))
# e_machine, of the ELF header.
_MACHINES = {"amd64": 0x3E, "arm64": 0xB7}
_MAGIC_3_11 = 3495
_UNCHECKED_HASH = 0b01


def _tar(repository: str, architecture: str) -> Path:
    """The layer without compression."""
    (found,) = _ROOT.parent.glob(f"*lepton_rules_{repository}_{architecture}/none.tar")
    return found


@dataclass(frozen=True)
class Tree:
    """What two layers, one above the other, hold: files' bytes and links' targets by path."""

    architecture: str
    files: dict[str, bytes]
    links: dict[str, str]

    def resolve(self, path: str) -> str:
        """Where the links of `path` lead."""
        for _ in range(40):
            parts = PurePosixPath(path).parts
            for count in range(1, len(parts) + 1):
                head = "/".join(parts[:count])
                if head in self.links:
                    target = self.links[head]
                    base = PurePosixPath(target) if target.startswith("/") else PurePosixPath(head).parent / target
                    path = _normal("/".join([str(base).lstrip("/"), *parts[count:]]))
                    break
            else:
                return path
        raise AssertionError(f"the links of {path} lead nowhere")


def _normal(path: str) -> str:
    out: list[str] = []
    for part in path.split("/"):
        if part == "..":
            out.pop()
        elif part not in ("", "."):
            out.append(part)
    return "/".join(out)


@pytest.fixture(scope="module", params=sorted(_MACHINES))
def tree(request: pytest.FixtureRequest) -> Tree:
    found = Tree(request.param, {}, {})
    for repository in ("python311", "serve_image"):
        with tarfile.open(_tar(repository, request.param)) as archive:
            for member in archive:
                assert (member.uid, member.gid, member.mtime) == (0, 0, 0), member.name
                if member.issym():
                    found.links[member.name] = member.linkname
                elif member.isfile():
                    stream = archive.extractfile(member)
                    assert stream
                    found.files[member.name] = stream.read()
                    assert member.mode in (0o644, 0o755), member.name
    return found


def _programs(tree: Tree) -> Iterator[tuple[str, bytes]]:
    for path, content in tree.files.items():
        if content.startswith(b"\x7fELF"):
            yield path, content


def test_every_program_and_library_is_for_this_architecture(tree: Tree) -> None:
    found = {path: struct.unpack_from("<H", content, 18)[0] for path, content in _programs(tree)}
    assert len(found) > 40
    assert set(found.values()) == {_MACHINES[tree.architecture]}


def test_every_library_that_one_needs_is_there(tree: Tree) -> None:
    names = {PurePosixPath(path).name for path in [*tree.files, *tree.links]}
    for path, content in _programs(tree):
        dynamic = elf.read(content)
        assert dynamic is None or set(dynamic.needed) <= names, (path, set(dynamic.needed) - names)


def test_no_link_leads_nowhere(tree: Tree) -> None:
    folders = {str(parent) for path in [*tree.files, *tree.links] for parent in PurePosixPath(path).parents}
    for path in tree.links:
        target = tree.resolve(path)
        assert target in tree.files or target in folders or target == "run", (path, target)


def test_the_interpreter_and_its_loader(tree: Tree) -> None:
    assert "usr/bin/python3.11" in tree.files
    loader = {"amd64": "lib64/ld-linux-x86-64.so.2", "arm64": "lib/ld-linux-aarch64.so.1"}[tree.architecture]
    assert tree.resolve(loader) in tree.files


def test_bytecode_is_never_checked_and_stands_for_every_source(tree: Tree) -> None:
    compiled = [(path, content) for path, content in tree.files.items() if path.endswith(".pyc")]
    assert len(compiled) > 500
    for path, content in compiled:
        magic, _, flags = struct.unpack_from("<HHI", content)
        assert (magic, flags) == (_MAGIC_3_11, _UNCHECKED_HASH), path
    assert [path for path in tree.files if path.endswith(".py")] == []


def test_scanners_find_every_package_and_lawyers_its_licence(tree: Tree) -> None:
    for name in {line["name"] for line in _LOCK["packages"] if line["architecture"] == tree.architecture}:
        fields = tree.files[f"var/lib/dpkg/status.d/{name}"].decode()
        assert fields.startswith(f"Package: {name}\n")
        # Not the locked one where the mirror has moved on: .bazelrc lets this repository be built all the same.
        assert "\nVersion: " in fields
        assert tree.resolve(f"usr/share/doc/{name}/copyright") in tree.files, name
    assert b"ID=debian" in tree.files["usr/lib/os-release"]
    metadata = [path for path in tree.files if path.endswith(".dist-info/METADATA")]
    assert len(metadata) >= 5
    assert any(path.endswith("onnxruntime/ThirdPartyNotices.txt") for path in tree.files)


def test_nothing_that_serves_no_model(tree: Tree) -> None:
    for part in (
        "/gconv/",
        "/man/",
        "/locale/",
        "onnxruntime/tools/",
        "onnxruntime/transformers/",
        "/tests/",
        "libonnxruntime.so",
    ):
        assert [path for path in tree.files if part in path] == [], part
    assert any(path.endswith("libonnxruntime_providers_shared.so") for path in tree.files)
    assert any("numpy.libs/" in path for path in tree.files)
    assert not any("torch" in path for path in tree.files)
