"""A crash of native code is a message."""

from __future__ import annotations

import faulthandler
import os
import resource

import pytest

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.guarded import CPU_SECONDS, guarded


def refused(function: object) -> str:
    """What is said of a file whose reading does this."""
    with pytest.raises(LeptonError) as caught:
        guarded(function, "model file 'm.onnx'", "Save it again")  # type: ignore[arg-type]
    return str(caught.value)


def test_the_answer_comes_back() -> None:
    assert guarded(lambda: {"a": [1, None]}, "file", "Save it again") == {"a": [1, None]}


def test_a_crash() -> None:
    def crash() -> None:
        faulthandler.disable()
        os.kill(os.getpid(), 11)

    assert refused(crash) == (
        "lepton: model file 'm.onnx': reading it ended by SIGSEGV: it is malformed, or it needs more than there is. "
        "Save it again."
    )
    assert "reading it ended without an answer" in refused(lambda: os._exit(0))


def test_an_exception() -> None:
    def raises(error: Exception) -> None:
        raise error

    assert "'boom'" in refused(lambda: int("boom"))
    assert "cannot open the model now" in refused(lambda: raises(RuntimeError("cannot open /tmp/x/m.onnx now")))
    assert "m.onnx': it is bad. Mend" in refused(
        lambda: raises(LeptonError("model file 'm.onnx'", "it is bad", "Mend"))
    )
    assert "m.onnx': tensor t: it is bad. Mend" in refused(lambda: raises(LeptonError("tensor t", "it is bad", "Mend")))
    assert "it needs more memory than there is" in refused(lambda: raises(MemoryError()))


def test_time_is_bounded() -> None:
    soft, _ = guarded(lambda: resource.getrlimit(resource.RLIMIT_CPU), "file", "Save it again")
    assert CPU_SECONDS <= soft <= CPU_SECONDS + sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) + 1
