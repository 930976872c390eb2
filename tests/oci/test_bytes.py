"""Layers to the byte: what they hold, that nothing else shows in them, and that their digests are true."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import marshal
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lepton_rules.oci.blob import CHUNK, Blob
from lepton_rules.oci.bytecode import bytecode_path, compile_source
from lepton_rules.oci.layer import write_layer
from lepton_rules.oci.plan import below_roots, members, tree_of
from lepton_rules.oci.tar import Member, complete
from lepton_rules.plugin import LeptonError

MEMBERS = (
    Member(path="models/m/1/model.onnx", content=b"weights"),
    Member(path="bin/run", content=b"#!/bin/sh\n", mode=0o755),
    Member(path="lib/link", link="../bin/run"),
    Member(path="models/" + "n" * 120 + "/ünïcode", content=b"x"),
)

# What a layer is today it is on every machine and in every release: another digest makes everybody's images anew.
GOLDEN = "sha256:3e5b779afc2542bdf9a37323e787df31e314637ddb62af30afe1b4056cf919f8"


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def unpacked(blob: bytes, compression: str) -> bytes:
    if compression == "gzip":
        return gzip.decompress(blob)
    if compression == "zstd":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj().decompress(blob)
    return blob


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_descriptor_says_what_is_true_of_the_blob(compression: str, tmp_path: Path) -> None:
    descriptor = write_layer(MEMBERS, tmp_path / "blob", compression=compression, annotations={"a": "b"})
    blob = (tmp_path / "blob").read_bytes()
    tar = unpacked(blob, compression)
    assert descriptor["digest"] == sha256(blob)
    assert descriptor["size"] == len(blob)
    assert descriptor["diff_id"] == sha256(tar)
    assert descriptor["annotations"] == {"a": "b"}
    suffix = "" if compression == "none" else f"+{compression}"
    assert descriptor["mediaType"] == f"application/vnd.oci.image.layer.v1.tar{suffix}"
    assert descriptor["diff_id"] == GOLDEN


def test_the_tar_is_the_same_on_every_machine(tmp_path: Path) -> None:
    assert write_layer(MEMBERS, tmp_path / "blob")["digest"] == GOLDEN


def test_members_are_sorted_with_every_parent_and_without_time_and_owner(tmp_path: Path) -> None:
    write_layer(MEMBERS, tmp_path / "blob")
    with tarfile.open(tmp_path / "blob") as archive:
        found = archive.getmembers()
        assert archive.extractfile("models/m/1/model.onnx").read() == b"weights"  # type: ignore[union-attr]
    names = [member.name for member in found]
    assert names == sorted(names, key=str.encode)
    assert {"bin", "lib", "models", "models/m", "models/m/1", "models/" + "n" * 120} <= set(names)
    for member in found:
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
        if member.isdir():
            assert member.mode == 0o755
    by_name = {member.name: member for member in found}
    assert by_name["bin/run"].mode == 0o755
    assert by_name["models/m/1/model.onnx"].mode == 0o644
    assert by_name["lib/link"].linkname == "../bin/run"


def test_gzip_has_no_name_and_no_time(tmp_path: Path) -> None:
    write_layer(MEMBERS, tmp_path / "blob", compression="gzip")
    header = (tmp_path / "blob").read_bytes()[:10]
    assert header[:4] == b"\x1f\x8b\x08\x00"
    assert header[4:8] == bytes(4)


def test_files_bytes_do_not_show_times_modes_owners_and_order(tmp_path: Path) -> None:
    digests = set()
    for number, order in enumerate((1, -1)):
        folder = tmp_path / f"m{number}"
        folder.mkdir()
        for name in ("a", "b", "c")[::order]:
            (folder / name).write_bytes(name.encode() * 1000)
            (folder / name).chmod(0o600 if order == 1 else 0o777)
            os.utime(folder / name, (number * 10**6, number * 10**6))
        plan = {
            "name": "model",
            "bytecode": False,
            "entries": [{"path": "/models/m", "executable": False, "source": "model"}],
        }
        layer = write_layer(members(plan, {"model": tree_of(folder)}), tmp_path / "blob")
        digests.add(layer["digest"])
    assert len(digests) == 1


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_files_of_every_size_are_copied_whole(size: int, compression: str, tmp_path: Path) -> None:
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    layer = write_layer([Member(path="f", source=tmp_path / "file")], tmp_path / "blob", compression=compression)
    blob = (tmp_path / "blob").read_bytes()
    assert layer["digest"] == sha256(blob)
    with tarfile.open(fileobj=io.BytesIO(blob)) as archive:
        assert archive.extractfile("f").read() == data  # type: ignore[union-attr]


def test_a_file_over_8_gib_has_its_size(tmp_path: Path) -> None:
    """Sparse on disk; only its header and its first bytes are written."""
    size = (8 << 30) + 1
    with (tmp_path / "file").open("wb") as file:
        file.truncate(size)

    class Head:
        data = b""

        def write(self, data: bytes) -> None:
            self.data += bytes(data)

        def copy(self, source: object, size: int) -> None:
            raise StopIteration(size)

    head = Head()
    from lepton_rules.oci.tar import write_tar

    with pytest.raises(StopIteration) as stopped:
        write_tar([Member(path="f", source=tmp_path / "file")], head)
    assert stopped.value.value == size
    assert f"size={size}\n".encode() in head.data


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ([Member(path="bin/run", content=b"2")], "/bin/run: it is there twice"),
        ([Member(path="bin/run/below", content=b"2")], "/bin/run/below: /bin/run is no directory"),
    ],
)
def test_members_that_do_not_fit_together_are_told(more: list[Member], says: str) -> None:
    with pytest.raises(LeptonError, match="layer's file") as caught:
        complete([*MEMBERS, *more])
    assert says in str(caught.value)


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    with Blob(tmp_path / "blob") as blob, (tmp_path / "short").open("w+b", buffering=0) as file:
        file.write(b"abc")
        file.seek(0)
        with pytest.raises(ValueError, match="ends 7 bytes early"):
            blob.copy(file, 10)
        file.seek(0)
        with pytest.raises(ValueError, match="longer than 2 bytes"):
            blob.copy(file, 2)


def test_unknown_compression_names_the_near_miss(tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="Did you mean 'zstd'"):
        write_layer(MEMBERS, tmp_path / "blob", compression="zst")


def plan(*entries: dict[str, object], bytecode: bool = False) -> dict[str, object]:
    return {"name": "server", "bytecode": bytecode, "entries": [{"executable": False, **entry} for entry in entries]}


def test_a_plan_puts_files_trees_and_text(tmp_path: Path) -> None:
    for name in ("pkg/a.py", "pkg/sub/b.py", "one.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    found = members(
        plan(
            {"path": "/opt/all", "source": "tree"},
            {"path": "/opt/sub", "source": "tree/sub"},
            {"path": "/opt/b.py", "source": "tree/sub/b.py", "executable": True},
            {"path": "/opt/text", "content": "hi"},
            {"path": "/opt/one", "source": "single"},
        ),
        {"tree": tree_of(tmp_path / "pkg"), "single": tree_of(tmp_path / "one.json")},
    )
    modes = {member.path: member.mode for member in found}
    assert modes == {
        "opt/all/a.py": 0o644,
        "opt/all/sub/b.py": 0o644,
        "opt/sub/b.py": 0o644,
        "opt/b.py": 0o755,
        "opt/text": 0o644,
        "opt/one": 0o644,
    }


def test_a_plan_of_what_is_not_there_is_told() -> None:
    with pytest.raises(LeptonError, match="comes from 'model/x', and there is no such file"):
        list(members(plan({"path": "/x", "source": "model/x"}), {"model": {}}))


@pytest.mark.parametrize("kind", ["fifo", "dangling", "linked_directory"])
def test_a_tree_of_anything_but_plain_files_is_refused(kind: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    if kind == "fifo":
        os.mkfifo(tree / "x")
    else:
        (tree / "x").symlink_to("/nowhere" if kind == "dangling" else tmp_path)
    with pytest.raises(LeptonError, match=r"no plain file|cannot be read|link to a directory"):
        tree_of(tree)


def test_sources_are_named_below_the_deepest_root() -> None:
    files = [Path("lepton_rules/__init__.py"), Path("server/lepton_server/app.py"), Path("plugins/p/p/x.py")]
    found = below_roots(files, [Path(), Path("server"), Path("plugins/p")])
    assert sorted(found) == ["lepton_rules/__init__.py", "lepton_server/app.py", "p/x.py"]
    with pytest.raises(LeptonError, match="below no directory"):
        below_roots([Path("other/x.py")], [Path("server")])
    with pytest.raises(LeptonError, match="both"):
        below_roots([Path("a/x.py"), Path("b/x.py")], [Path("a"), Path("b")])


def test_bytecode_runs_and_does_not_depend_on_the_process(tmp_path: Path) -> None:
    source = (
        b"'doc'\nclass Thing:\n    name = 'thing'\n    def method(self, value=3.5):\n        return (self, value)\n"
    )
    compiled = compile_source(source, "/opt/x.py")
    assert compiled
    assert compiled[:4] == importlib.util.MAGIC_NUMBER
    # PEP 552: by hash, and never checked.
    assert compiled[4:8] == (1).to_bytes(4, "little")
    space: dict[str, object] = {}
    exec(marshal.loads(compiled[16:]), space)
    assert space["__doc__"] == "doc"
    program = (
        "import sys, json, decimal, email.message; things = [sys.intern(w) for w in ('Thing', 'method', 'value')]\n"
        f"sys.path[:0] = {[p for p in sys.path if p]!r}\n"
        "from lepton_rules.oci.bytecode import compile_source\n"
        f"sys.stdout.buffer.write(compile_source({source!r}, '/opt/x.py'))"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert other.stdout == compiled


def test_bytecode_has_its_place_and_broken_sources_have_none() -> None:
    assert bytecode_path("a/b.py") == f"a/__pycache__/b.{sys.implementation.cache_tag}.pyc"
    assert compile_source(b"print 'python 2'", "/x.py") is None


def test_an_image_imports_the_bytecode_in_place_of_the_source(tmp_path: Path) -> None:
    """The layer is unpacked, the source is changed: what runs is the bytecode."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "answer.py").write_text("value = 42\n")
    found = members(plan({"path": "/lib", "source": "server"}, bytecode=True), {"server": tree_of(tmp_path / "pkg")})
    write_layer(found, tmp_path / "blob")
    with tarfile.open(tmp_path / "blob") as archive:
        archive.extractall(tmp_path / "root", filter="data")
    (tmp_path / "root" / "lib" / "answer.py").write_text("value = 43\n")
    done = subprocess.run(
        [sys.executable, "-c", "import answer; print(answer.value)"],
        env={"PYTHONPATH": str(tmp_path / "root" / "lib")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "42\n"
