"""`.sign` and `.verify` as `bazel run` starts them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from pairs import Pair, make

HERE = Path(__file__).parent


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make(tmp_path)


def run(program: str, *words: str, cwd: Path, target: str = "fake") -> subprocess.CompletedProcess[str]:
    """Runs it where the user stands, with the runfiles of this test."""
    environment = {"PATH": os.environ["PATH"], "BUILD_WORKING_DIRECTORY": str(cwd), "RUNFILES_DIR": runfiles()}
    command = [str(HERE / f"{target}.{program}.sh"), *words]
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)


def runfiles() -> str:
    return os.environ.get("RUNFILES_DIR") or os.environ["TEST_SRCDIR"]


def test_sign_and_verify(pair: Pair, tmp_path: Path) -> None:
    all_of_it = ("--model-signature=x.sig", "--image-signature=signature", "--provenance-signature=x.dsse")
    signed = run("sign", "--key=key.pem", *all_of_it, cwd=tmp_path)
    assert signed.returncode == 0, signed.stderr
    assert "x.sig: signature of 3 files of tiny" in signed.stdout
    assert f"registry.example.com/team/tiny@sha256:{'a' * 64}" in signed.stdout
    verified = run("verify", "--key=key.pub", *all_of_it, "--repository=registry.example.com/team/tiny", cwd=tmp_path)
    assert verified.returncode == 0, verified.stderr
    assert "tiny: every file is as it was signed" in verified.stdout
    assert "the image is as it was signed" in verified.stdout
    assert "the signed provenance is of this image" in verified.stdout


def test_an_index(pair: Pair, tmp_path: Path) -> None:
    words = ("--image-signature=signature", "--repository=registry.example.com/tiny")
    assert run("sign", "--key=key.pem", *words, cwd=tmp_path, target="index").returncode == 0
    assert run("verify", "--key=key.pub", *words, cwd=tmp_path, target="index").returncode == 0
    for program, key in (("sign", "key.pem"), ("verify", "key.pub")):
        refused = run(program, f"--key={key}", "--model-signature=x.sig", cwd=tmp_path, target="index")
        assert refused.stderr == (
            "lepton: --model-signature in //tests/signing:index: an index has several models, and a digest of its own. "
            "Use the runnable of each image.\n"
        )


def test_a_touched_copy(pair: Pair, tmp_path: Path) -> None:
    assert run("sign", "--key=key.pem", "--model-signature=x.sig", cwd=tmp_path).returncode == 0
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, text in {"model.onnx": "graph", "model.onnx.data": "weights", "manifest.json": "{}\n"}.items():
        (copy / name).write_text(text)
    verify = ("--key=key.pub", "--model-signature=x.sig", "--model=copy")
    assert run("verify", *verify, cwd=tmp_path).returncode == 0
    (copy / "model.onnx.data").write_text("weightS")
    (copy / "extra").write_text("")
    touched = run("verify", *verify, cwd=tmp_path)
    assert touched.returncode == 1
    assert touched.stderr == (
        "lepton: model copy in //tests/signing:fake: 2 of its files are not as signed: extra (added), "
        "model.onnx.data (changed). Fetch it again, or sign what it is now.\n"
    )


@pytest.mark.parametrize(
    ("program", "words", "says"),
    [
        ("sign", ["--key=key.pem"], "command in //tests/signing:fake: it asks for nothing: --model-signature or --im"),
        ("sign", ["--key=absent", "--model-signature=x"], "key absent in //tests/signing:fake: it cannot be read"),
        (
            "verify",
            ["--key=key.pub", "--model-signature=absent"],
            "signature absent in //tests/signing:fake: it can",
        ),
        (
            "verify",
            ["--key=key.pub", "--model-signature=x", "--model=no"],
            "model no in //tests/signing:fake: it",
        ),
    ],
)
def test_one_line(program: str, words: list[str], says: str, pair: Pair, tmp_path: Path) -> None:
    result = run(program, *words, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith(f"lepton: {says}"), result.stderr
    assert result.stderr.count("\n") == 1
