"""The generator writes Starlark that says what the plugin registers. Its files are also Python, and are run as such."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.describe import describe, to_json
from lepton_rules.plugin.generate import generate, main
from lepton_rules.plugin.manager import load

PLUGIN = '''
from dataclasses import dataclass
from typing import ClassVar, Literal

import lepton_rules.plugin as sdk
from lepton_rules.plugin import hookimpl, option

__version__ = "1.0"
ODD = "Odd text: \'\'\' \\"\\"\\" \\\\ \\\\n é {x} %s"


@dataclass(frozen=True, kw_only=True)
class Config:
    """Cuts weights.

    More for authors.
    """

    VERSION: ClassVar[int] = 4
    share: float = option(0.5, doc="Share that goes", minimum=0, maximum=1)
    mode: Literal["a", "b"] = option("a", doc=ODD, requires={"b": "sparse_2_4"})
    rows: tuple[int, ...] = option((1,), doc="Rows.")
    must: str = option(doc="Must be said, and has so long a sentence of its own that its line is wrapped, and rightly.")
    limit: int | None = option(None, doc="A limit.")


@hookimpl
def lepton_importers():
    return [sdk.Importer(name="read", produces="table", allows_code=True, implementation="nowhere:read")]


@hookimpl
def lepton_passes():
    return [
        sdk.Pass(
            name="prune", consumes="table", produces="table", config=Config, implementation="nowhere:prune",
            slots=(sdk.Slot(name="teacher", kind="model", required=False, doc="A better model"),),
            requires=("int8", "fp16"),
        ),
        sdk.Pass(name="check", consumes="table", produces="table", implementation="nowhere:check"),
    ]


@hookimpl
def lepton_runtimes():
    return [sdk.Runtime(name="table", consumes=("table",), implementation="nowhere:Table")]


@hookimpl
def lepton_metrics():
    return [sdk.Metric(name="error", higher_is_better=False, doc="How far off", implementation="nowhere:error")]


@hookimpl
def lepton_targets():
    return [
        sdk.Target(
            name="small", runtime="table", accepts=("table",), capabilities=("int8", "fp16"),
            pass_defaults={"gen.prune": {"rows": (2, 3)}}, options={"a": "b"}, available="small_chip",
        )
    ]
'''


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lepton_plugin_gen", raising=False)
    (tmp_path / "lepton_plugin_gen.py").write_text(PLUGIN, "utf-8")
    return tmp_path


def run(text: str) -> dict[str, Any]:
    """Runs the generated file with Starlark's functions."""

    def component(**arguments: Any) -> SimpleNamespace:
        given = {k: v for k, v in arguments.pop("config").items() if v is not None}
        return SimpleNamespace(config=given, **arguments)

    names: dict[str, Any] = {
        "load": lambda *_: None,
        "json": SimpleNamespace(decode=json.loads),
        "struct": SimpleNamespace,
        "Label": str,
        "lepton_pass": lambda **a: component(kind="pass", **a),
        "lepton_component": component,
    }
    exec(text, names)
    return names


def test_descriptors(tree: Path) -> None:
    plugin = load("gen", "lepton_plugin_gen")
    names = run(generate(plugin, "//plugins/gen"))
    described = names["DESCRIPTORS"]
    assert described == json.loads(json.dumps(describe(plugin)))
    assert {kind: sorted(v) for kind, v in described.items() if isinstance(v, dict)} == {
        "importers": ["read"],
        "passes": ["check", "prune"],
        "exporters": [],
        "runtimes": ["table"],
        "metrics": ["error"],
        "targets": ["small"],
    }
    prune = described["passes"]["prune"]
    assert prune["doc"] == "Cuts weights."
    assert prune["requires"] == ["fp16", "int8"]
    assert prune["slots"] == {"teacher": {"kind": "model", "required": False, "doc": "A better model"}}
    assert prune["preserves_signature"] is True
    assert prune["config"]["version"] == 4
    assert prune["config"]["fields"]["mode"]["doc"] == "Odd text: ''' \"\"\" \\ \\n é {x} %s"
    assert described["importers"]["read"]["allows_code"] is True
    assert described["importers"]["read"]["config"] == {"version": 1, "fields": {}}
    assert described["runtimes"]["table"]["consumes"] == ["table"]
    assert described["metrics"]["error"]["higher_is_better"] is False
    assert described["targets"]["small"] == {
        "runtime": "table",
        "accepts": ["table"],
        "capabilities": ["fp16", "int8"],
        "pass_defaults": {"gen.prune": {"rows": [2, 3]}},
        "options": {"a": "b"},
        "available": "small_chip",
        "doc": "",
    }


def test_constructors_pass_on_what_was_given(tree: Path) -> None:
    gen = run(generate(load("gen", "lepton_plugin_gen"), "//plugins/gen"))["gen"]
    assert sorted(vars(gen)) == ["check", "error", "prune", "read"]
    made = gen.prune(share=0.25, mod="a")
    assert (made.kind, made.plugin, made.name) == ("pass", "//plugins/gen", "prune")
    assert made.config == {"share": 0.25}
    assert made.unknown == {"mod": "a"}
    assert gen.check(x=1).unknown == {"x": 1}
    assert gen.read().kind == "importer"
    assert gen.error().kind == "metric"


def test_constructors_are_documented(tree: Path) -> None:
    doc = run(generate(load("gen", "lepton_plugin_gen"), "//plugins/gen"))["gen"].prune.__doc__
    for text in (
        "Cuts weights.\n",
        "Consumes table, produces table.",
        "The artifact may bind the model slot teacher. A better model.",
        "Requires hardware with fp16, int8.",
        "share: Share that goes. At least 0 and at most 1. Default 0.5.",
        'One of a, b. Default "a".',
        "The value b requires sparse_2_4.",
        "It must be given.",
        "rows: Rows. Default [1].",
        "**unknown:",
        "Returns:",
    ):
        assert text in " ".join(doc.split()) or text in doc
    assert max(map(len, doc.splitlines())) <= 100


def test_what_is_not_ascii_stays_as_it_is() -> None:
    """Bazel carries a file's UTF-8 byte by byte; from `\\u2026` it makes a character that it writes in UTF-16."""
    assert to_json({"doc": "a … 'b'"}) == '{\n "doc": "a … \\u0027b\\u0027"\n}'


@pytest.mark.parametrize("name", ["struct", "json"])
def test_a_plugin_called_like_a_function_of_the_file(tree: Path, name: str) -> None:
    with pytest.raises(LeptonError, match="what Starlark calls a function"):
        generate(load(name, "lepton_plugin_gen"), "//plugins/gen")


def test_one_name_in_two_kinds(tree: Path) -> None:
    (tree / "lepton_plugin_gen.py").write_text(PLUGIN.replace('name="read"', 'name="check"'), "utf-8")
    with pytest.raises(LeptonError, match="importer and pass are both called 'check'"):
        generate(load("gen", "lepton_plugin_gen"), "//plugins/gen")


def arguments(output: Path, *more: str) -> list[str]:
    return ["--name=gen", "--entry=lepton_plugin_gen", "--label=//plugins/gen", f"--output={output}", *more]


def test_command_line_writes_and_checks(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tree / "passes.bzl"
    assert main(arguments(output, "--check", "--mend=bazel run //x.update")) == 1
    assert "Run bazel run //x.update." in capsys.readouterr().err
    assert not output.exists()
    assert main(arguments(output)) == 0
    first = output.read_bytes()
    assert main(arguments(output)) == 0
    assert output.read_bytes() == first
    assert main(arguments(output, "--check")) == 0
    output.write_bytes(first.replace(b"0.5", b"0.6", 1))
    assert main(arguments(output, "--check")) == 1
    printed = capsys.readouterr()
    assert "it is not what the plugin's descriptors generate" in printed.err
    assert "-m lepton_rules.plugin.generate --name=gen --entry=lepton_plugin_gen --label=//plugins/gen" in printed.err
    assert "0.6" in printed.out
    assert output.read_bytes() != first


@pytest.mark.parametrize("label", ["plugins/gen", "//a b", '//x")', "//x\n", ""])
def test_labels(tree: Path, label: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--name=gen", "--entry=lepton_plugin_gen", f"--label={label}", f"--output={tree / 'x'}"]) == 1
    assert "it is no absolute label" in capsys.readouterr().err


def test_a_broken_plugin_is_one_line(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--name=gen", "--entry=lepton_plugin_nowhere", "--label=//x", f"--output={tree / 'x'}"]) == 1
    assert capsys.readouterr().err.startswith("lepton: plugin gen (lepton_plugin_nowhere): entry module")


def test_the_import_path_can_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lepton_plugin_gen", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "lepton_plugin_gen.py").write_text(PLUGIN, "utf-8")
    assert main(arguments(tmp_path / "passes.bzl", f"--path={tmp_path}")) == 0
