"""What the worker says: the same form as the SDK's errors, though it cannot use them."""

import errno
from pathlib import Path

import pytest

from lepton_rules.actions.arguments import Arguments
from lepton_rules.worker.capture import Tail
from lepton_rules.worker.messages import Subject, fix_for, is_out_of_memory, listed


@pytest.mark.parametrize("label", ["//x:y", None])
@pytest.mark.parametrize("why", ["it failed", "it failed.", " two\nlines\t", "a \x1b[0m b", "é ☃"])
def test_the_form_is_that_of_the_sdk(label: str | None, why: str) -> None:
    errors = pytest.importorskip("lepton_rules.plugin.errors", reason="the SDK needs pluggy")
    assert Subject("action a", label).say(why, "Mend it.") == str(
        errors.LeptonError("action a", why, "Mend it.", label=label)
    )


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (["--action=dataset"], "action dataset"),
        (["--action=run_pass", "--plugin=onnx", "--plugin_entry=e", "--component=q"], "pass onnx.q (plugin onnx 1.2)"),
        (["--action=import_model", "--plugin=torch", "--component=c"], "importer torch.c (plugin torch)"),
        (["--action=metrics", "--plugin=m", "--plugin_entry=e"], "action metrics (plugin m 1.2)"),
        ([], "action ?"),
    ],
)
def test_who_an_error_is_about(lines: list[str], what: str) -> None:
    assert Subject.of(Arguments.parse(lines, Path("/")), {"e": "1.2"}) == Subject(what, None)


def test_fixes() -> None:
    assert fix_for(OSError(errno.ENOSPC, "")).startswith("Free space")
    try:
        try:
            raise OSError(errno.ENETUNREACH, "")
        except OSError as error:
            raise ValueError from error
    except ValueError as error:
        assert fix_for(error).startswith("Actions have no network")
    assert fix_for(ModuleNotFoundError()).startswith("Add what provides it")
    assert fix_for(ValueError()).startswith("The traceback below")


def test_libraries_say_in_their_own_ways_that_memory_ran_out() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
    assert is_out_of_memory(OSError(errno.ENOMEM, "Cannot allocate memory"))
    assert not is_out_of_memory(ValueError("memory"))


def test_lists_are_bounded() -> None:
    assert listed(["a"]) == "'a'"
    assert listed([str(number) for number in range(8)]) == "'0', '1', '2', '3', '4' and 3 more"


def test_the_end_of_a_stream_is_kept() -> None:
    tail = Tail(kept=10)
    assert tail.text() == ""
    for piece in (b"abc", b"defghij"):
        tail.append(piece)
    assert tail.text() == "abcdefghij"
    tail.append(b"k")
    assert tail.text() == "[1 bytes of output left out]\nbcdefghijk"
    tail.append(b"x" * 50 + b"\xff")
    assert tail.text() == "[52 bytes of output left out]\nxxxxxxxxx\N{REPLACEMENT CHARACTER}"
