"""Why an environment cannot be built: what, why, and the fix, in the form every lepton message has."""

from __future__ import annotations

# What writes a lock, for messages and for a lock's own first lines.
LOCK_COMMAND = "bazel run @lepton_rules//lepton_rules:lock --"


class Refusal(Exception):
    """An environment that cannot be built as declared.

    `what` names the thing, `why` the cause and `fix` what the reader does about it. `details` are further lines, such
    as the last words of the tool that failed. The label is filled in by `command`, which alone knows it.
    """

    def __init__(self, what: str, why: str, fix: str, details: str = "") -> None:
        super().__init__(what, why, fix, details)
        self.what = what
        self.why = why
        self.fix = fix
        self.details = details

    def render(self, label: str) -> str:
        """The message for the target `label`; its first line stands alone."""
        first = f"lepton: {self.what} in {label}: {_one_line(self.why)}. {_one_line(self.fix)}."
        return f"{first}\n{self.details.rstrip()}" if self.details.strip() else first


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
