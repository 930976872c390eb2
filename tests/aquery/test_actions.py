"""What the rules plan: one action a pass, and nothing in it that it does not need."""

from __future__ import annotations

import pytest
from bazel import Bazel
from graph import Action, actions

_PASSES = {
    "line/text/1_sample.append": "sample",
    "line/text/2_rival.flourish": "rival",
    "line/text/3_sample.append": "sample",
    "line/text/4_rival.press": "rival",
}
_ENVIRONMENTS = {"sample": "failing_small", "rival": "failing_other"}
# All that an action may know of where it runs.
_VARIABLES = [
    "LC_ALL",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "OPENBLAS_NUM_THREADS",
    "ORT_DISABLE_TELEMETRY",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONNOUSERSITE",
    "PYTHONSAFEPATH",
]


@pytest.fixture(scope="module")
def text(bazel: Bazel) -> dict[str, Action]:
    return actions(bazel, "//line:text")


@pytest.fixture(scope="module")
def test(bazel: Bazel) -> dict[str, Action]:
    return actions(bazel, "//line:text_size_test")


@pytest.fixture(scope="module")
def measured(bazel: Bazel) -> dict[str, Action]:
    return actions(bazel, "//line:measured")


def _of_environments(action: Action) -> set[str]:
    """The inputs that are part of a Python environment."""
    return {path for path in action.inputs if path.startswith("external/") and "lepton~" in path}


def test_there_is_one_action_for_each_pass(text: dict[str, Action]) -> None:
    assert sorted(text) == sorted(["good/hello", *_PASSES])
    assert {action.mnemonic for action in text.values()} == {"LeptonRun"}


@pytest.mark.parametrize("name", _PASSES)
def test_an_action_makes_one_model(name: str, text: dict[str, Action]) -> None:
    folder = text[name].outputs[0].rpartition("/")[0]
    assert sorted(text[name].outputs) == [f"{folder}/{file}" for file in ("manifest.json", "model", "weights.sha256")]


@pytest.mark.parametrize("name", _PASSES)
def test_an_environment_is_at_most_four_inputs(name: str, text: dict[str, Action]) -> None:
    repository = next(path for path in text[name].inputs if path.endswith("/env.key")).rpartition("/")[0]
    assert repository.endswith(_ENVIRONMENTS[_PASSES[name]])
    assert _of_environments(text[name]) == {f"{repository}/{file}" for file in ("env.key", "launch", "prefix")}


@pytest.mark.parametrize("name", _PASSES)
def test_an_action_sees_no_other_plugin(name: str, text: dict[str, Action]) -> None:
    (other,) = set(_ENVIRONMENTS) - {_PASSES[name]}
    own = [path for path in text[name].inputs if path.startswith(f"{_PASSES[name]}/")]
    assert own and all(path.endswith(".py") for path in own)
    assert [path for path in text[name].inputs if f"{other}/lepton_plugin" in path] == []
    assert [path for path in text[name].inputs if path.endswith(".bzl") and "/plugin/capabilities" not in path] == []


@pytest.mark.parametrize("name", _PASSES)
def test_an_action_reads_the_model_before_it_and_no_other(name: str, text: dict[str, Action]) -> None:
    order = ["good/hello", *_PASSES]
    before = order[order.index(name) - 1]
    models = [path.split("/", 3)[3] for path in text[name].inputs if path.endswith("/model")]
    assert models == [f"{before}/model"]


@pytest.mark.parametrize("name", _PASSES)
def test_an_action_is_told_no_path_of_this_machine(name: str, text: dict[str, Action]) -> None:
    action = text[name]
    launch, main, *flags = action.arguments
    assert launch.endswith("/launch")
    assert main.endswith("/lepton_rules/worker/main.py")
    assert sorted(action.environment) == _VARIABLES
    assert {f"--plugin={_PASSES[name]}", "--label=//line:text"} <= set(flags)
    assert all(flag.startswith("--") and "\n" not in flag for flag in flags)
    assert not [flag for flag in flags if "=/" in flag.replace("=//", "")]


@pytest.mark.parametrize("name", _PASSES)
def test_an_action_runs_in_a_worker(name: str, text: dict[str, Action]) -> None:
    assert {
        "requires-worker-protocol": "json",
        "supports-worker-cancellation": "1",
        "supports-workers": "1",
    }.items() <= text[name].requirements.items()


def test_a_size_test_needs_facts_alone(test: dict[str, Action], text: dict[str, Action]) -> None:
    (verdict,) = [action for action in test.values() if action.name not in text]
    assert verdict.mnemonic == "LeptonVerdict"
    built = [path for path in verdict.inputs if path.startswith("bazel-out/")]
    assert len(built) == 2 and all(path.endswith("/manifest.json") for path in built)
    environments = {path.rpartition("/")[0] for path in _of_environments(verdict)}
    assert len(environments) == 1 and environments.pop().endswith("lepton_rules_core")
    assert [path for path in verdict.inputs if "lepton_plugin" in path] == []


def test_the_core_environment_has_no_numerical_library(bazel: Bazel, test: dict[str, Action]) -> None:
    (verdict,) = [action for action in test.values() if action.mnemonic == "LeptonVerdict"]
    (prefix,) = [path for path in verdict.inputs if path.endswith("/prefix")]
    (packages,) = (bazel.output_base() / prefix).glob("lib/python3*/site-packages")
    found = sorted(path.name for path in packages.iterdir() if not path.name.endswith(".dist-info"))
    assert found == ["_yaml", "pluggy", "yaml"]


def test_no_pass_sees_the_evaluation_split(measured: dict[str, Action]) -> None:
    study = measured["line/measured/1_sample.study"]
    splits = [path.rpartition("/")[2] for path in study.inputs if path.endswith(".npz")]
    assert splits == ["train.npz"]
    evaluate = measured["line/measured/predictions.npz"]
    splits = [path.rpartition("/")[2] for path in evaluate.inputs if path.endswith(".npz")]
    assert splits == ["evaluation.npz"]


def test_the_last_passs_configuration_is_in_its_own_key_alone(bazel: Bazel, text: dict[str, Action]) -> None:
    build = bazel.workspace / "line" / "BUILD.bazel"
    before = build.read_text("utf-8")
    build.write_text(before.replace('"third"', '"3rd"'), encoding="utf-8")
    after = actions(bazel, "//line:text")
    build.write_text(before, encoding="utf-8")
    assert [name for name in text if after[name].key != text[name].key] == ["line/text/3_sample.append"]
    assert actions(bazel, "//line:text") == text
