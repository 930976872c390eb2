"""The flags of actions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lepton_rules.actions.arguments import Arguments, ArgumentsError, split_name

HERE = Path("/here")


def _parse(*lines: str) -> Arguments:
    return Arguments.parse(lines, HERE)


def test_values_are_taken_as_they_are() -> None:
    arguments = _parse("--text= a=b --c ", "", "--empty=", "--many=1", "--many=2")
    assert arguments.one("text") == " a=b --c "
    assert arguments.one("empty") == ""
    assert arguments.many("many") == ["1", "2"]
    assert arguments.many("absent") == []
    assert arguments.optional("absent") is None
    assert arguments.keys == ("text", "empty", "many")


def test_paths_are_made_absolute_and_links_kept() -> None:
    arguments = _parse("--a=x/../y", "--b=/else", "--c=p", "--c=q", "--d=train=t.npz", "--d=held-out=/h=1.npz")
    assert arguments.path("a") == HERE / "x/../y"
    assert arguments.path("b") == Path("/else")
    assert arguments.optional_path("absent") is None
    assert arguments.paths("c") == [HERE / "p", HERE / "q"]
    assert arguments.named_paths("d") == {"train": HERE / "t.npz", "held-out": Path("/h=1.npz")}
    assert arguments.resolve("z") == HERE / "z"


def test_values_of_other_types() -> None:
    arguments = _parse('--object={"a": [1]}', "--number=-3", "--yes=1", "--no=0")
    assert arguments.json("object") == {"a": [1]}
    assert arguments.optional_json("absent") is None
    assert arguments.integer("number") == -3
    assert arguments.integer("absent", default=7) == 7
    assert arguments.boolean("yes") is True
    assert arguments.boolean("no", default=True) is False
    assert arguments.boolean("absent", default=True) is True


@pytest.mark.parametrize("line", ["-a=b", "--a", "a=b", "--=b", "--A=b", "--a-b=c"])
def test_lines_that_are_no_flags(line: str) -> None:
    with pytest.raises(ArgumentsError, match="is not of the form --key=value"):
        _parse(line)


def test_what_is_missing_repeated_or_wrong() -> None:
    arguments = _parse("--twice=1", "--twice=2", "--text=abc", "--empty=", "--pair=a=b", "--pair=a=c")
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: arguments.one("absent"), "--absent is missing"),
        (lambda: arguments.path("absent"), "--absent is missing"),
        (lambda: arguments.one("twice"), "--twice was given 2 times, and one is the most"),
        (lambda: arguments.optional("twice"), "--twice was given 2 times, and one is the most"),
        (lambda: arguments.integer("text"), "--text=abc is not an integer"),
        (lambda: arguments.boolean("text"), "--text=abc is neither 0 nor 1"),
        (lambda: arguments.json("text"), "--text is not JSON: "),
        (lambda: arguments.path("empty"), "a path is empty"),
        (lambda: arguments.named_paths("text"), "--text=abc is not name=path"),
        (lambda: arguments.named_paths("pair"), "--pair=a=c repeats its name"),
    ]
    for call, message in refused:
        with pytest.raises(ArgumentsError) as caught:
            call()
        assert str(caught.value).startswith(message)


def test_a_key_that_nobody_reads_is_an_error() -> None:
    arguments = _parse("--action=a", "--threads=1", "--known=1", "--unknown=2", "--other=3")
    arguments.one("known")
    with pytest.raises(ArgumentsError, match="--unknown, --other is not a flag of this action"):
        arguments.finish()
    arguments.many("unknown")
    arguments.optional("other")
    arguments.finish()


def test_names_before_paths() -> None:
    assert split_name("train=a/b=c") == ("train", "a/b=c")
    assert split_name("a/b=c") == (None, "a/b=c")
    assert split_name("/a=b") == (None, "/a=b")
    assert split_name("a") == (None, "a")
