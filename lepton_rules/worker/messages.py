"""What the worker says when an action fails: `lepton: <what> in <label>: <why>. <the fix>.`, the form of every error
of lepton_rules.

The worker does not use lepton_rules.plugin.errors: it must be able to speak where the plugin SDK cannot be imported.
"""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lepton_rules.actions.arguments import Arguments

# How a component is called in the action that runs it.
_ROLES = {"import_model": "importer", "run_pass": "pass", "export_model": "exporter", "evaluate": "runtime"}


@dataclass(frozen=True)
class Subject:
    """Who an error is about: `what` for people ("plugin onnx pass quantize"), and the label of the target, if it is
    known."""

    what: str
    label: str | None = None

    @classmethod
    def of(cls, arguments: Arguments, versions: Mapping[str, str] | None = None) -> "Subject":
        """Derives the subject from an action's flags. `versions` maps a plugin's entry package to its version, where
        that is known."""
        keys = ("action", "label", "plugin", "plugin_entry", "component")
        first = {key: values[0] for key in keys if (values := arguments.many(key))}
        action = first.get("action", "?")
        what = f"action {action}"
        if "plugin" in first:
            version = (versions or {}).get(first.get("plugin_entry", ""), "")
            if action in _ROLES and "component" in first:
                what = f"{_ROLES[action]} {first['plugin']}.{first['component']}"
            what += f" (plugin {' '.join([first['plugin'], version]).strip()})"
        return cls(what, first.get("label"))

    def say(self, why: str, fix: str) -> str:
        """The error as one line, whatever its parts hold."""
        where = f" in {_one_line(self.label)}" if self.label else ""
        return f"lepton: {_one_line(self.what)}{where}: {_one_line(why)}. {_one_line(fix)}."


@dataclass
class Failure(Exception):
    """Something the worker itself found wrong with an action. It becomes `Subject.say(why, fix)`."""

    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.why}. {self.fix}."


def fix_for(error: BaseException) -> str:
    """The most useful thing to do about an exception that nobody expected."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PermissionError) and cause.filename is None:
            return "Reach no network and no other process: declare what it fetches as an input"
        if isinstance(cause, OSError) and cause.errno in _OS_FIXES:
            return _OS_FIXES[cause.errno]
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, ModuleNotFoundError):
        return "Add what provides it to the lock of the environment, or the file to `srcs`"
    return "The traceback below shows where; mend the code it ends in"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out. Native libraries say it in exceptions of their own."""
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _OUT_OF_MEMORY)


MORE_MEMORY = "Give it a smaller batch or model, or a machine with more memory"


def count(number: int, noun: str, plural: str) -> str:
    """`1 process`, `2 processes`."""
    return f"{number} {noun if number == 1 else plural}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names for a message, quoted, at most `most` of them."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _one_line(text: str) -> str:
    """Text on one line, with its control characters escaped and without a full stop at its end."""
    text = text.strip().rstrip(".")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


_OUT_OF_MEMORY = ("can't allocate memory", "std::bad_alloc", "Failed to allocate memory", "Cannot allocate memory")

_OS_FIXES = {
    errno.ENOSPC: "Free space on the disk, then build again",
    errno.EDQUOT: "Free space in the quota, then build again",
    errno.EROFS: "Write only to the declared outputs and to the temporary directory",
    errno.EACCES: "Write only to the declared outputs and to the temporary directory, and read only declared inputs",
    errno.EPERM: "Write only to the declared outputs and to the temporary directory, and read only declared inputs",
    errno.EMFILE: "Close what is opened, or raise the limit of open files (ulimit -n)",
    errno.ENFILE: "Close what is opened, or raise the system's limit of open files",
    errno.ENETUNREACH: "Actions have no network: declare what it fetches as an input",
    errno.ECONNREFUSED: "Actions have no network: declare what it fetches as an input",
    errno.ENOENT: "Declare the file as an input, or mend its path",
}
