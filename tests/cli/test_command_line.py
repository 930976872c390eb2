"""The command `lepton`, on a plugin that needs no library."""

from __future__ import annotations

import ast
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from words_samples import LINES, PLUGIN, WORDS, lines, write_model

import lepton_rules
from lepton_rules import manifest as manifests
from lepton_rules.cli.main import main
from lepton_rules.recipe.running import ENVIRONMENT

ROOT = Path(lepton_rules.__file__).parent.parent


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


def recipe(directory: Path, *steps: str, head: str = "") -> str:
    path = directory / "recipe.yaml"
    path.write_text(f"version: 1\n{head}\nsteps:\n" + "".join(f"  - {step}\n" for step in steps), "utf-8")
    return str(path)


def run(*arguments: object) -> int:
    return main([*map(str, arguments), *PLUGIN])


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert run(*arguments) == 1
    first = capsys.readouterr().err.splitlines()[0]
    assert first.startswith("lepton: ")
    return first


def test_a_recipe_runs(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    file = recipe(tmp_path, "{pass: words.shorten, config: {width: 5}}", "pass: words.shuffle_lines", head="seed: 7")
    assert run("run", file, "--model", model, "--out", out, "--hardware=narrow") == 0
    assert sorted(lines(out)) == sorted(line[:5] for line in LINES)
    assert lines(out / "steps" / "1_words.shorten") == [line[:5] for line in LINES]
    made = manifests.read(out / "manifest.json")
    assert [step["pass"] for step in made["steps"]] == ["words.text", "words.shorten", "words.shuffle_lines"]
    assert made["hardware"] == {"target": "narrow", "capabilities": ["int8"], "options": {"font": "small"}}
    assert (out / "weights.sha256").read_text() == made["weights_digest"].removeprefix("sha256:") + "\n"
    printed = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in printed] == ["words.shorten", "words.shuffle_lines"]
    assert printed[-1].split("\t")[2:] == [made["digest"], str(out / "model")]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out", "recipe.yaml"]


def test_the_seed_is_the_recipes(model: Path, tmp_path: Path) -> None:
    orders = set()
    for seed in range(3):
        file = recipe(tmp_path, "pass: words.shuffle_lines", head=f"seed: {seed}")
        assert run("run", file, "--model", model, "--out", tmp_path / f"out{seed}") == 0
        orders.add(tuple(lines(tmp_path / f"out{seed}")))
    assert len(orders) > 1


def test_each_manifest_holds_the_command_that_repeats_each_step(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "more.npz").write_text("the end\n")
    file = recipe(tmp_path, "pass: words.append", "pass: words.shuffle_lines", head="seed: 3\nthreads: 2")
    places = ("--model", model, "--dataset", f"more={tmp_path / 'more.npz'}", "--slot", f"other={model}")
    assert run("run", file, *places, "--hardware=narrow", "--out", tmp_path / "out") == 0
    steps = manifests.read(tmp_path / "out" / "manifest.json")["steps"]
    before = tmp_path / "again0"
    before.mkdir()
    (before / "story.txt").write_bytes((model.parent / "story.txt").read_bytes())
    for number, step in enumerate(steps):
        assert str(tmp_path) not in step["command"]
        words = shlex.split(step["command"])
        assert words[:3] == ["lepton", "step", step["pass"]]
        # The names stand for files of the directory in which the command is run.
        place = tmp_path / f"again{number}"
        if number:
            place.mkdir()
            (place / "model").symlink_to(before / "out")
            (place / "more.npz").symlink_to(tmp_path / "more.npz")
            (place / "other").symlink_to(model)
        monkeypatch.chdir(place)
        assert main([*words[1:], *PLUGIN]) == 0
        before = place
    for name in ("manifest.json", "model/model.txt", "weights.sha256"):
        assert (before / "out" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_nothing_of_this_process_reaches_a_step(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for number, seed in enumerate(("1", "2")):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        monkeypatch.setenv("OMP_NUM_THREADS", seed)
        monkeypatch.setenv("LEPTON_SECRET", seed)
        file = recipe(tmp_path, "pass: words.witness")
        assert run("run", file, "--model", model, "--out", tmp_path / f"out{number}", "--hardware=narrow") == 0
        seen.add(tuple(lines(tmp_path / f"out{number}")))
    (only,) = seen
    told = json.loads(only[0])
    assert told["environment"] == dict(ENVIRONMENT)
    assert told["flags"] == [1, True, 0]
    assert (told["target"], told["font"], told["seed"], told["threads"]) == ("narrow", "small", 0, 1)


def test_a_step_sees_the_environment_of_an_action() -> None:
    """What Bazel gives an action stands in Starlark; both must be the same."""
    tree = ast.parse((ROOT / "lepton_rules" / "private" / "run_settings.bzl").read_text("utf-8"))
    (function,) = (node for node in tree.body if getattr(node, "name", "") == "_closed_environment")
    assert isinstance(function, ast.FunctionDef)
    returned = function.body[-1]
    assert isinstance(returned, ast.Return)
    assert isinstance(returned.value, ast.Dict)
    theirs = {
        ast.literal_eval(key): "0" if isinstance(value, ast.Name) else ast.literal_eval(value)
        for key, value in zip(returned.value.keys, returned.value.values, strict=True)
        if key
    }
    assert theirs == dict(ENVIRONMENT)


def test_a_failing_step_leaves_nothing(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "out"
    file = recipe(tmp_path, "pass: words.shorten", "pass: words.fail")
    assert run("run", file, "--model", model, "--out", out) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    first, *rest = printed.err.splitlines()
    assert first == f"lepton: words in {file}: there are none\\nat all. Write some."
    assert "said on the way" in rest
    assert list((tmp_path / "deep").iterdir()) == []


def test_what_is_there_is_not_overwritten(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    file = recipe(tmp_path, "pass: words.shorten")
    assert run("run", file, "--model", model, "--out", tmp_path / "out") == 0
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    message = fails(capsys, "run", file, "--model", model, "--out", tmp_path / "out")
    assert "lepton: out out:" in message
    assert "is there already" in message
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before


def test_a_recipe_without_steps_names_the_chip(model: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("version: 1\nhardware: narrow\nsteps: []\n")
    assert run("run", tmp_path / "recipe.yaml", "--model", model, "--out", tmp_path / "out") == 0
    assert lines(tmp_path / "out") == LINES
    assert manifests.read(tmp_path / "out" / "manifest.json")["hardware"]["target"] == "narrow"


def test_another_instruction_set_is_refused(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = recipe(tmp_path, "pass: words.shorten", head="isa: z80")
    message = fails(capsys, "run", file, "--model", model, "--out", tmp_path / "out")
    assert "the action was planned for z80" in message
    assert run("run", file, "--model", model, "--out", tmp_path / "out", "--isa=any") == 0


@pytest.mark.parametrize(
    ("steps", "more", "message"),
    [
        (["pass: words.append"], [], "slot more of words.append: nothing is bound to it"),
        (["pass: words.append"], ["--dataset=more=absent.npz"], "slot more: there is no file absent.npz"),
        (
            ["pass: words.append"],
            ["--dataset=mor=x.npz"],
            "slot mor: no pass of the recipe has such a slot. Did you",
        ),
        (["pass: words.append"], ["--slot=more={model}"], "slot more: it is bound to a model and takes a dataset"),
        (["pass: words.append"], ["--dataset=other={model}"], "slot other: it is bound to a dataset and takes a model"),
        (["pass: words.append"], ["--dataset=more"], "--dataset=more: it is not NAME=VALUE"),
        (["pass: words.shorten"], ["--slot=other=absent"], "model absent: there is no"),
        (["pass: words.shorten"], ["--hardware=nano"], "hardware nano: no plugin here has such a target"),
        (["pass: words.shorten"], ["--hardware={}"], "--hardware: $: 'target' is missing"),
        (["pass: words.shorten"], ["--hardware={"], "--hardware: it is no JSON"),
        (["pass: words.shorten"], ["--plugin=words=/x"], "plugin=words="),
        (["pass: words.shorten"], ["--plugin=more=/nowhere"], "plugin more: there is no directory /nowhere"),
        (["pass: words.shorten"], ["--python=wrds=/x"], "--python=wrds=/x: there is no plugin 'wrds'"),
        (["pass: words.shorten"], ["--python=words=/nowhere"], "its Python /nowhere does not run: No such file"),
    ],
)
def test_refusals_of_a_run(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    steps: list[str],
    more: list[str],
    message: str,
) -> None:
    more = [text.replace("{model}", str(model)) for text in more]
    assert message in fails(capsys, "run", recipe(tmp_path, *steps), "--model", model, "--out", tmp_path / "o", *more)
    assert not (tmp_path / "o").exists()


def test_refusals_of_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = recipe(tmp_path, "pass: words.shorten")
    assert "there is no " in fails(capsys, "run", file, "--model", tmp_path / "absent", "--out", tmp_path / "o")
    message = fails(capsys, "run", file, "--model", tmp_path, "--out", tmp_path / "o")
    assert "it is no model of lepton_rules" in message
    assert "lepton step PLUGIN.IMPORTER" in message


def test_the_model_may_be_named_by_its_inner_directory(model: Path, tmp_path: Path) -> None:
    file = recipe(tmp_path, "pass: words.shorten")
    assert run("run", file, "--model", model / "model", "--out", tmp_path / "out") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["words.shortn", "--model=m"], "there is no such one. Did you mean 'words.shorten'?"),
        (["words.shorten"], "words.shorten: there is no model. Give --model."),
        (["words.shorten", "--model=m", "--source=x"], "--source: words.shorten is no importer, which takes none"),
        (["words.text", "--model=m", "--source=x"], "--model: words.text is an importer, which takes none"),
        (["words.text"], "words.text: there is nothing to import"),
        (["words.shorten", "--model=m", "--config=[]"], "--config: [] is no JSON object"),
        (["words.shorten", "--model=m", "--config={"], "--config: it is no JSON"),
        (["words.shorten", "--model=m", '--config={"width": 1, "width": 2}'], "the key 'width' is there twice"),
        (["words.text", "--source=absent.txt"], "words.text (plugin words 1.2.3) in lepton step: FileNotFoundError"),
    ],
)
def test_refusals_of_a_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in fails(capsys, "step", *arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_passes_lists_everything(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("passes") == 0
    printed = capsys.readouterr().out
    for line in (
        "  words.shorten        words -> words  Cuts each line.",
        "  words.join  words -> line  Joins the lines to one.",
        "  words.text  words  The configuration of what has none.",
        "  words.narrow  A narrow screen.",
    ):
        assert line in printed.splitlines()
    assert run("passes", "--json") == 0
    (described,) = json.loads(capsys.readouterr().out)
    assert described["passes"]["shorten"]["config"]["fields"]["width"]["default"] == 10


def test_explain_tells_what_a_pass_can_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "words.shorten") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("words.shorten: pass of plugin words 1.2.3\n\nCuts each line.\nConsumes words, produces")
    assert "options (version 2):\n  width: int = 10\n" in printed
    assert "Characters that stay. At least 1 and at most 100. 4 requires int4_weights." in printed
    assert "  side: left | right = left\n" in printed
    assert "What the plugin's components do." in printed  # the docstring of the module with the method
    assert run("explain", "words.append") == 0
    printed = capsys.readouterr().out
    assert "slots:\n  more: dataset, required\n      Whose words are appended.\n  other: model, optional\n" in printed
    assert "It has no options." in printed
    assert run("explain", "words.join") == 0
    assert "  mark: string, must be given\n" in capsys.readouterr().out


def test_explain_imports_no_library() -> None:
    program = f"""
import sys
from lepton_rules.cli.main import main
main(["explain", "words.shorten", "--plugin=words={WORDS}"])
main(["passes", "--plugin=words={WORDS}"])
assert "lepton_plugin_words.work" not in sys.modules
assert not {{"yaml", "numpy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_command_line_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["rnu"], ["run"], ["run", "r.yaml", "--modle=x"]):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 2
        printed = capsys.readouterr().err
        assert printed.startswith("lepton: command line: ")
        assert len(printed.splitlines()) == 1


def test_without_a_plugin_it_says_where_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["passes"]) == 1
    assert "lepton: passes: there is no plugin. Install" in capsys.readouterr().err
