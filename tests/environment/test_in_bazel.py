"""Environments as a user's build sees them: one nested Bazel, many cases, and a second output base."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bazel import Bazel, source_tree

_MODULE = source_tree() / "tests/environment/module"


@pytest.fixture(scope="module")
def bazel() -> Iterator[Bazel]:
    """Bazel in the user's module, from nothing."""
    nested = Bazel(_MODULE, "environment")
    nested.forget()
    yield nested
    nested.forget()


def _made(bazel: Bazel) -> set[str]:
    """The environments that the output base holds, by the names that their modules give them."""
    folders = (bazel.output_base() / "external").iterdir()
    names = {folder.name.rpartition("~")[2].rpartition("+")[2] for folder in folders if (folder / "prefix").exists()}
    return {name for name in names if name != "lepton_rules_host"}


def _file(bazel: Bazel, repository: str, name: str) -> str:
    (found,) = (bazel.output_base() / "external").glob(f"*lepton*{repository}/{name}")
    return found.read_text(encoding="utf-8")


def _fails(bazel: Bazel, *arguments: str, **environment: str) -> str:
    result = bazel.run("build", *arguments, environment=environment)
    assert result.status != 0, result.output
    lines = result.lepton_lines()
    assert lines, result.output
    return lines[0]


def test_asking_what_there_is_builds_no_environment(bazel: Bazel) -> None:
    result = bazel.run("query", "//...")
    assert result.status == 0, result.output
    assert "//:small" in result.output
    assert _made(bazel) == set()


def test_a_build_makes_the_environment_it_needs_and_no_other(bazel: Bazel) -> None:
    result = bazel.run("build", "//:small")
    assert result.status == 0, result.output
    assert _made(bazel) == {"user_small"}
    assert (bazel.bin() / "small.txt").read_text() == "pluggy"


def test_modules_do_not_see_each_others_names(bazel: Bazel) -> None:
    result = bazel.run("build", "//:library")
    assert result.status == 0, result.output
    assert (bazel.bin() / "library.txt").read_text() == "iniconfig"
    assert _made(bazel) == {"user_small", "library_small"}


def test_an_interpreter_may_come_from_another_repository(bazel: Bazel) -> None:
    result = bazel.run("build", "//:copy")
    assert result.status == 0, result.output
    assert (bazel.bin() / "copy.txt").read_text() == "pluggy"


def test_a_query_of_the_repository_itself_does_not_walk_the_tree(bazel: Bazel) -> None:
    result = bazel.run("query", "@user_small//...")
    assert result.status == 0, result.output
    found = {line.rpartition("//")[2] for line in result.output.splitlines() if line.startswith("@user_small//")}
    assert found == {":environment", ":python", ":user_small"}


def test_its_python_can_be_run(bazel: Bazel) -> None:
    result = bazel.run("run", "@user_small//:python", "--", "-c", "import pluggy; print('runs', pluggy.__version__)")
    assert "runs 1.7.0" in result.output, result.output


def test_the_lock_tool_runs_in_another_module(bazel: Bazel) -> None:
    result = bazel.run(
        "run", "@lepton_rules//lepton_rules:lock", "--", "--requirements=absent.in", "--output=absent.lock"
    )
    assert result.lepton_lines()[0].startswith("lepton: requirements absent.in in absent.lock: they cannot be read")


def test_no_python_of_that_version(bazel: Bazel) -> None:
    line = _fails(bazel, "//:future")
    assert line.startswith(
        "lepton: environment future in @user_future//:environment: no whole CPython 3.99 on this machine ("
    )
    assert line.endswith(
        "Install one (the system's python3.99, pyenv or uv), or set LEPTON_PYTHON_3_99 to its executable."
    )


def test_a_python_that_is_too_old(bazel: Bazel) -> None:
    line = _fails(bazel, "//:past")
    assert line == (
        'lepton: environment past in @user_past//:environment: python_version is "3.6" and must be 3.11 or newer. '
        "Write for example 3.11."
    )


def test_a_lock_without_hashes(bazel: Bazel) -> None:
    line = _fails(bazel, "//:unhashed")
    assert line.startswith("lepton: lock //:unhashed.lock in @user_unhashed//:environment: pluggy==1.7.0 has no --hash")


def test_a_name_declared_twice(bazel: Bazel) -> None:
    line = _fails(bazel, "//:library", f"--override_module=library={_MODULE / 'twice'}")
    assert line == (
        'lepton: environment "small" in module library: it is declared twice, with @library//:first.lock and '
        "@library//:second.lock. Rename or remove one."
    )


def test_another_platform_is_refused(bazel: Bazel) -> None:
    result = bazel.run("build", "@user_small//:environment", "--platforms=//:elsewhere")
    assert result.status != 0
    assert "is incompatible and cannot be built" in result.output
    assert "@@platforms//cpu:x86_64" in result.output or "@@platforms//cpu:aarch64" in result.output


def test_a_second_output_base_and_home_give_the_same_key(bazel: Bazel, tmp_path: Path) -> None:
    key = _file(bazel, "user_small", "env.key")
    bazel.shutdown()
    other = Bazel(_MODULE, "environment_elsewhere", environment={"PYTHONHASHSEED": "3"})
    other.forget()
    try:
        assert other.run("build", "@user_small//:environment").status == 0
        assert other.output_base() != bazel.output_base()
        assert _file(other, "user_small", "env.key") == key
    finally:
        other.forget()


def test_a_named_python_that_does_not_run(bazel: Bazel) -> None:
    line = _fails(bazel, "//:small", LEPTON_PYTHON_3_11="/nonexistent/python")
    assert line == (
        "lepton: environment small in @user_small//:environment: LEPTON_PYTHON_3_11 is /nonexistent/python, "
        "which does not run. Set it to a whole CPython 3.11, or unset it."
    )
