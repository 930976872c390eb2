"""A change reruns what it concerns, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from bazel import Bazel
from graph import executed

_LINE = [
    "good/hello",
    "line/text/1_sample.append",
    "line/text/2_rival.flourish",
    "line/text/3_sample.append",
    "line/text/4_rival.press",
]
_VERDICT = "line/text_size_test.measurement.json"
_TARGETS = ["//line:text", "//line:text_size_test"]

# An edit (the file, what is replaced, by what), and the actions that it reruns. A verdict reads manifests alone.
_EDITS = {
    "the_last_passs_configuration": (
        "line/BUILD.bazel",
        '"third"',
        '"3rd"',
        [*_LINE[3:], _VERDICT],
    ),
    "the_first_passs_configuration": (
        "line/BUILD.bazel",
        '"first"',
        '"1st"',
        [*_LINE[1:], _VERDICT],
    ),
    # It makes the same again, so what follows is up to date.
    "a_comment_in_one_plugin": (
        "rival/lepton_plugin_rival/signing.py",
        "FILE = ",
        "# A comment.\nFILE = ",
        [_LINE[2], _LINE[4]],
    ),
    # The manifest tells the version, and what follows reads it.
    "one_plugins_version": (
        "rival/lepton_plugin_rival/__init__.py",
        "2.0.0",
        "2.0.1",
        [*_LINE[2:], _VERDICT],
    ),
    "one_plugins_environment": (
        "other.lock",
        "pluggy==1.7.0",
        "iniconfig==2.3.1 \\\n"
        "    --hash=sha256:67f4b9c50da0dedf52af349e7749a80a9057a5031199791b906c3bb3ae878960 \\\n"
        "    --hash=sha256:9121e2c1fdb355232495be3194c8dfe87ccc2d5dee45947b78e68f499790d7a7\n"
        "pluggy==1.7.0",
        [*_LINE[2:], _VERDICT],
    ),
    "a_budget": (
        "line/BUILD.bazel",
        "max_size_ratio = 9",
        "max_size_ratio = 8",
        [_VERDICT],
    ),
    "a_plugin_that_it_does_not_use": (
        "scribe/lepton_plugin_scribe/reader.py",
        "import time",
        "# A comment.\nimport time",
        [],
    ),
}


def test_a_size_test_runs_the_passes_and_a_verdict(bazel: Bazel, tmp_path: Path) -> None:
    assert bazel.run("clean").status == 0
    ran = executed(bazel, *_TARGETS, log=tmp_path / "log")
    assert sorted(ran) == sorted([*_LINE, _VERDICT])
    for name in _LINE:
        launch, main, *flags = ran[name].arguments
        assert launch.endswith("/launch") and main.endswith("/main.py")
        assert flags and all(flag.startswith("@") for flag in flags), "all that can grow is in flag files"
        tools = {path for path in ran[name].tools if "lepton~" in path}
        assert {path.rpartition("/")[2] for path in tools} == {"env.key", "launch"}, "what restarts a worker"
        assert main in ran[name].tools


def test_nothing_reruns_when_nothing_changes(bazel: Bazel, tmp_path: Path) -> None:
    assert executed(bazel, *_TARGETS, log=tmp_path / "log") == {}


@pytest.mark.parametrize("edit", _EDITS)
def test_an_edit_reruns_exactly_its_users(edit: str, bazel: Bazel, tmp_path: Path) -> None:
    name, old, new, expected = _EDITS[edit]
    executed(bazel, *_TARGETS, log=tmp_path / "before")
    file = bazel.workspace / name
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    ran = executed(bazel, *_TARGETS, log=tmp_path / "log")
    file.write_text(text, encoding="utf-8")
    assert sorted(ran) == sorted(expected)
