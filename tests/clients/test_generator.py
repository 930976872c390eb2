"""What the generator writes: the golden files, names, and what it refuses."""

from __future__ import annotations

import ast
import difflib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import every_kind
import golden_files as golden
import pytest
from hypothesis import given
from hypothesis import strategies as st
from writing_clients import client_files

from lepton_rules.clients import main, names
from lepton_rules.clients.names import camel, comment, distinct, literal, pascal, snake
from lepton_rules.plugin import LeptonError


@pytest.mark.parametrize("name", [name for files in golden.FILES.values() for name in files])
def test_golden(name: str) -> None:
    expected = (golden.FOLDER / name).read_text("utf-8").splitlines()
    difference = "\n".join(difflib.unified_diff(expected, golden.generated()[name].splitlines(), "golden", "now"))
    command = "PYTHONPATH=.:tests/clients python3 tests/clients/golden_files.py"
    assert not difference, f"If that is meant, run `{command}`:\n{difference}"


def test_no_line_is_too_long_or_ends_in_space() -> None:
    for text in golden.generated().values():
        for line in text.splitlines():
            assert line == line.rstrip()
            # A list of as many tensors is on one line.
            assert len(line) <= 120 or line.count(",") > 6, line


@pytest.mark.parametrize(
    ("name", "spelt"),
    [
        ("image", ("image", "image", "Image")),
        ("input_ids", ("input_ids", "inputIds", "InputIds")),
        ("serving_default_x:0", ("serving_default_x_0", "servingDefaultX0", "ServingDefaultX0")),
        ("inputIDs.1", ("input_ids_1", "inputIds1", "InputIds1")),
        ("HTTPServer", ("http_server", "httpServer", "HttpServer")),
        ("/model/layer.1/out", ("model_layer_1_out", "modelLayer1Out", "ModelLayer1Out")),
        ("é", ("", "", "")),
    ],
)
def test_names_of_tensors_become_names_of_languages(name: str, spelt: tuple[str, str, str]) -> None:
    assert (snake(name), camel(name), pascal(name)) == spelt


def test_names_in_one_scope_differ() -> None:
    assert distinct(["x", "x", "x_2", "class", "", "2nd"], names.PYTHON, "tensor_") == [
        "x",
        "x_2",
        "x_2_2",
        "class_",
        "tensor_",
        "tensor_2nd",
    ]


_NAMES = st.lists(st.text(max_size=12), min_size=1, max_size=8, unique=True)


@given(_NAMES)
def test_any_names_give_fields_of_python(tensors: list[str]) -> None:
    fields = distinct([snake(name) for name in tensors], names.PYTHON, "tensor_")
    assert len(set(fields)) == len(tensors)
    assert all(field.isidentifier() and field not in names.PYTHON for field in fields)


@given(st.text(max_size=20))
def test_a_literal_is_its_text(text: str) -> None:
    written = literal(text)
    assert written.isascii()
    assert ast.literal_eval(written) == text
    # As Java reads it: \\uXXXX first.
    pairs = literal(text, pairs=True)
    units = re.sub(r"(?<!\\)((?:\\\\)*)\\u([0-9a-f]{4})", lambda m: m[1] + chr(int(m[2], 16)), pairs)
    assert '"' not in units[1:-1].replace('\\"', "").replace("\\\\", "") or '"' in text


@given(st.text(max_size=20))
def test_a_comment_ends_no_comment(text: str) -> None:
    shown = comment(text)
    assert not {"*/", '"""', "\n", "\r", "\\"} & {shown[i : i + n] for i in range(len(shown)) for n in (1, 2, 3)}


def test_hostile_names_stay_texts() -> None:
    hostile = 'x"); system("reboot"); //*/ """ \n\\'
    manifest: dict[str, Any] = {
        "digest": "sha256:" + "0" * 64,
        "inputs": [{"name": hostile, "dtype": "float32", "shape": [hostile]}],
        "outputs": [{"name": "y", "dtype": "float32", "shape": [1]}],
    }
    python = client_files(manifest, "python", "hostile")["client.py"]
    assert hostile in [node.value for node in ast.walk(ast.parse(python)) if isinstance(node, ast.Constant)]
    for language in ("cpp", "java"):
        for text in client_files(manifest, language, "hostile").values():
            for line in text.splitlines():
                # Outside of comments, only ever within a literal.
                assert 'system("' not in line or line.lstrip().startswith(("//", "*", "/**")), line


def test_the_same_manifest_gives_the_same_bytes_under_another_hash_seed(tmp_path: Path) -> None:
    script = "import golden_files as golden, json; print(json.dumps(golden.generated()))"
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(said) == 1


@pytest.mark.parametrize("dtype", ["complex64", "int4", "float8_e4m3fn"])
def test_what_cannot_travel_is_refused(dtype: str) -> None:
    manifest = dict(every_kind.sketch()) | {"outputs": [{"name": "y", "dtype": dtype, "shape": ["batch"]}]}
    with pytest.raises(LeptonError) as raised:
        client_files(manifest, "python", "refused")
    assert str(raised.value).startswith(
        f"lepton: output 'y': it is {dtype}, which the Open Inference Protocol has no name for. Export the model with "
    )


def test_a_manifest_that_is_none_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    flags = ["--package=x", "--class_name=X", "--model_name=x", "--model_version="]
    label = "//x:client"
    status = main.main([f"--label={label}", "--language=cpp", f"--manifest={tmp_path / 'manifest.json'}", *flags])
    assert status == 1
    assert capsys.readouterr().err.startswith(f"lepton: manifest manifest.json in {label}: ")
