"""The one error that a user of lepton_rules reads."""

from __future__ import annotations


def _one_line(text: str) -> str:
    """Returns `text` on one line: control characters are escaped, the full stop that the renderer adds is taken off."""
    text = text.strip().rstrip(".")
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


class LeptonError(Exception):
    """A failure that the user can mend, told in one line: what failed, where, why, and how to mend it.

    `str(error)` is `lepton: <what> in <label>: <why>. <the fix>.`, or `lepton: <what>: <why>. <the fix>.` while no
    label is known. Who knows the target's label fills it in with `with_label`. Text that comes from a file or a
    plugin may hold newlines and control characters: they are escaped, so that the message stays one line.

    Args:
        what: the thing that failed, a noun phrase such as `pass onnx.quantize`.
        why: what was got and what is accepted, without a full stop at the end.
        fix: what the reader should do, an imperative sentence without a full stop at the end.
        label: the Bazel target, such as `//models:resnet`, where it is known.
    """

    def __init__(self, what: str, why: str, fix: str, label: str | None = None) -> None:
        super().__init__(what, why, fix, label)
        self.what = what
        self.why = why
        self.fix = fix
        self.label = label

    def __str__(self) -> str:
        place = f" in {_one_line(self.label)}" if self.label else ""
        return f"lepton: {_one_line(self.what)}{place}: {_one_line(self.why)}. {_one_line(self.fix)}."

    def with_label(self, label: str) -> LeptonError:
        """Returns the same error for the target `label`, with its cause and traceback; a label already known stays."""
        if self.label:
            return self
        error = type(self)(self.what, self.why, self.fix, label)
        error.__cause__ = self.__cause__
        error.__traceback__ = self.__traceback__
        return error


def reason(error: BaseException) -> str:
    """The type and the first line, at most 300 characters, of the innermost cause: libraries wrap a failure in pages of
    advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
