"""Plugins that do what they must not: the passes of //sample's deeds.py, each in an artifact of its own."""

from __future__ import annotations

import subprocess
import sys

from case import Case, Group


def deed(name: str, argument: str = "") -> str:
    """A BUILD file with an artifact `x` that a deed makes."""
    return f"""
lepton_recipe(name = "recipe", passes = [sample.misbehave(deed = "{name}", argument = "{argument}")])
lepton_artifact(name = "x", model = "//good:hello", hardware = "//sample:page", recipe = ":recipe")
"""


def _deed(name: str, why: str, version: str = " 1.0.0") -> Case:
    """A deed, and what is said of its pass. The version is known once the plugin has spoken itself."""
    return Case(name, deed(name), f"lepton: pass sample.misbehave (plugin sample{version}) in {{here}}:x: {why}")


_CODE = "The traceback below shows where; mend the code it ends in."
_RETURN = "Return from the function when all is well, else raise an error."
_BESIDE = "Write only to the declared outputs, or to a temporary file (Python's tempfile)."

_ALL = [
    _deed(
        "import_error",
        "ModuleNotFoundError: No module named 'a_module_that_nobody_has'. "
        "Add what provides it to the lock of the environment, or the file to `srcs`.",
    ),
    _deed("raise_error", f"ValueError: the text is. {_CODE}"),
    _deed("raise_system_exit", f"it raised SystemExit(0). {_RETURN}"),
    _deed(
        "exit_at_once",
        f"its process ended with code 0 before the action had returned (os._exit?). {_RETURN}",
        version="",
    ),
    _deed("return_nothing", "it returned NoneType, accepted is ModelFacts. Return ModelFacts(…)."),
    _deed(
        "write_nothing",
        "model directory model: it holds no file. Write the model into the output directory.",
    ),
    _deed(
        "write_beside_output",
        f"it wrote beside its output model (--output_model): 'notes.txt'. {_BESIDE}",
        version="",
    ),
    _deed(
        "write_to_working_directory",
        f"it wrote beside its output: 'notes.txt' in its working directory. {_BESIDE}",
        version="",
    ),
    _deed(
        "write_a_link",
        "model file 'passwords.txt': it is a link. Write a plain file with the bytes themselves.",
    ),
    _deed("change_its_input", f"RuntimeError: its input cannot be written. {_CODE}"),
    _deed(
        "change_dtype",
        "it changed the model's inputs from x float32['batch', 2] to x float64['batch', 2], and declares that it "
        "keeps them. Keep them, or register the pass with preserves_signature=False.",
    ),
    _deed(
        "segfault",
        "it crashed in native code (SIGSEGV). "
        "The stack below shows the call; a broken model or a bug in that library is the usual cause.",
        version="",
    ),
    _deed(
        "eat_memory",
        "it needs more memory than the {number} GiB it may have here: OSError: [Errno 12] Cannot allocate memory. "
        "Give it a smaller batch or model, or a machine with more memory.",
    ),
    _deed(
        "open_many_files",
        "OSError: [Errno 24] Too many open files: {path}. "
        "Close what is opened, or raise the limit of open files (ulimit -n).",
    ),
    _deed(
        "fork_a_daemon",
        "it left 1 process behind: 'sleep 86399'. End and wait for every process that is started, before returning.",
        version="",
    ),
    _deed(
        "hang",
        "it was not done after {number} s and was killed. "
        "Find where it hangs (its threads are listed below), or raise the timeout.",
        version="",
    ),
    _deed(
        "reach_the_network",
        "OSError: [Errno 101] Network is unreachable. Actions have no network: declare what it fetches as an input.",
    ),
]


def _not_prevented_here() -> dict[str, str]:
    """The deeds that this system does not let the worker prevent, each with the reason. The worker says so itself."""
    ask = "from lepton_rules.worker import isolation; print(*isolation.isolate([]), sep='\\n')"
    gaps = subprocess.run([sys.executable, "-c", ask], capture_output=True, check=True, text=True).stdout
    about = {"change_its_input": "cut off from other files", "reach_the_network": "cut off from the network"}
    return {name: line for name, words in about.items() for line in gaps.splitlines() if words in line}


NOT_PREVENTED = _not_prevented_here()
DEEDS = Group("deeds", [case for case in _ALL if case.name not in NOT_PREVENTED])
