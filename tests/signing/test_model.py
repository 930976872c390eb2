"""A model's signature: whatever is touched is named."""

from __future__ import annotations

import json
from pathlib import Path

import model_signing
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pairs import Pair, make

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.signing import model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "tiny"
    (found / "sub").mkdir(parents=True)
    for name in ("model.onnx", "model.onnx.data", "sub/vocabulary.txt", "manifest.json"):
        (found / name).write_text(name)
    return found


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make(tmp_path)


@pytest.fixture
def signature(folder: Path, pair: Pair, tmp_path: Path) -> Path:
    model.sign(folder, pair.private, tmp_path / "x.sig")
    return tmp_path / "x.sig"


def test_untouched(folder: Path, pair: Pair, signature: Path) -> None:
    assert model.verify(folder, pair.public, signature).files == {}


def test_the_library_itself_takes_it(folder: Path, pair: Pair, signature: Path) -> None:
    model_signing.verifying.Config().use_elliptic_key_verifier(public_key=pair.public).verify(folder, signature)
    (folder / "model.onnx").write_text("other")
    with pytest.raises(ValueError, match=r"model\.onnx"):
        model_signing.verifying.Config().use_elliptic_key_verifier(public_key=pair.public).verify(folder, signature)


def test_what_was_touched(folder: Path, pair: Pair, signature: Path) -> None:
    # One bit, the same size.
    (folder / "model.onnx").write_text("model.onny")
    (folder / "sub" / "vocabulary.txt").unlink()
    (folder / "sub" / "added.txt").write_text("")
    assert model.verify(folder, pair.public, signature).files == {
        "model.onnx": "changed",
        "sub/added.txt": "added",
        "sub/vocabulary.txt": "removed",
    }


def test_links_are_signed_as_what_they_show(folder: Path, pair: Pair, tmp_path: Path) -> None:
    """What is built lies in several places; what was signed there holds for plain files elsewhere."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    with model.staged("tiny", files) as linked:
        assert all((linked / name).is_symlink() for name in files)
        model.sign(linked, pair.private, tmp_path / "linked.sig")
        scratch = linked
    assert not scratch.exists()
    assert model.verify(folder, pair.public, tmp_path / "linked.sig").files == {}


def test_another_key(folder: Path, signature: Path, tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match=r"lepton: signature x\.sig: it is not of other\.pub"):
        model.verify(folder, make(tmp_path, "other").public, signature)


def test_another_curve(folder: Path, tmp_path: Path) -> None:
    pair = make(tmp_path, "p384", ec.SECP384R1())
    model.sign(folder, pair.private, tmp_path / "y.sig")
    assert model.verify(folder, pair.public, tmp_path / "y.sig").files == {}


def test_a_changed_signature(folder: Path, pair: Pair, signature: Path) -> None:
    bundle = json.loads(signature.read_text())
    payload = bundle["dsseEnvelope"]["payload"]
    bundle["dsseEnvelope"]["payload"] = payload[:-8] + ("A" if payload[-8] != "A" else "B") + payload[-7:]
    signature.write_text(json.dumps(bundle))
    with pytest.raises(LeptonError, match=r"it is not of key\.pub, or was changed"):
        model.verify(folder, pair.public, signature)


@pytest.mark.parametrize("text", ["", "{}", "[]", "no JSON", '{"dsseEnvelope": 1}', "\x00"])
def test_no_signature(text: str, folder: Path, pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "z.sig").write_text(text)
    with pytest.raises(LeptonError, match=r"lepton: signature z\.sig: it is no signature of a model"):
        model.verify(folder, pair.public, tmp_path / "z.sig")


def test_absent_signature(folder: Path, pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(LeptonError, match="it cannot be read: No such file"):
        model.verify(folder, pair.public, tmp_path / "absent.sig")


def test_a_key_with_a_password(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = make(tmp_path, "locked", password="secret")
    monkeypatch.setenv("LEPTON_KEY_PASSWORD", "secret")
    model.sign(folder, locked.private, tmp_path / "locked.sig")
    assert model.verify(folder, locked.public, tmp_path / "locked.sig").files == {}
