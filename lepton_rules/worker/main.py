"""Runs actions of lepton_rules: as Bazel's persistent worker, or one and then the end.

    python -s -P main.py [--preload=numpy,onnx] [--one_shot] @flagfile            does one action
    python -s -P main.py [--preload=numpy,onnx] [--one_shot] --persistent_worker   serves Bazel's JSON worker protocol

With `--one_shot` the worker starts a new Python process for each action, as the first form does, rather than forking
one in which the modules to preload are imported already. It does that on its own where forking is not safe.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

if os.name != "posix":
    sys.exit(f"lepton: worker: {sys.platform} cannot run actions. Build on Linux or macOS, or in WSL.")

# The links of Bazel's directories are not resolved: they lead out of the sandbox.
_ROOT = Path(__file__).absolute().parent.parent.parent
sys.path.insert(0, str(_ROOT))

from lepton_rules.worker import child, processes  # noqa: E402  # The path has to be set before.
from lepton_rules.worker.job import Launch  # noqa: E402
from lepton_rules.worker.messages import Failure  # noqa: E402
from lepton_rules.worker.protocol import Request  # noqa: E402
from lepton_rules.worker.server import Server, say  # noqa: E402


def main(arguments: list[str]) -> int:
    """Returns the exit code of the process."""
    preload: tuple[str, ...] = ()
    one_shot = persistent = False
    lines = []
    for argument in arguments:
        if argument.startswith("--preload="):
            preload = tuple(name for name in argument.removeprefix("--preload=").split(",") if name)
        elif argument == "--one_shot":
            one_shot = True
        elif argument == "--persistent_worker":
            persistent = True
        elif argument.startswith("--child="):
            _be_child(argument.removeprefix("--child="))
        else:
            lines.append(argument)
    if persistent:
        return _serve(preload, one_shot)
    return Server(Launch(preload, fresh=True, main=__file__)).once(Request(arguments=tuple(lines)))


def _serve(preload: tuple[str, ...], one_shot: bool) -> int:
    # What libraries print belongs in the worker's log: the responses go where nothing else can write.
    responses_to = os.dup(1)
    os.dup2(2, 1)
    if not one_shot and sys.platform != "linux":
        say(f"forking is not safe on {sys.platform}; each action gets a Python process of its own.")
        one_shot = True
    refusal = None
    if not one_shot:
        try:
            child.preload(preload)
        except Exception as error:
            refusal = Failure(*child.preload_failure(error))
        threads = processes.thread_count()
        if threads != 1 and refusal is None:
            say(f"preloading {','.join(preload)} left {threads} threads; each action gets a Python process of its own.")
            _restart_one_shot(responses_to)
        child.freeze()
    return Server(Launch(preload, fresh=one_shot, main=__file__, refusal=refusal)).serve(0, responses_to)


def _restart_one_shot(responses_to: int) -> NoReturn:
    """Starts this process again without preloading, which gives back the memory and the threads."""
    os.dup2(responses_to, 1)
    os.execv(sys.executable, [sys.executable, "-s", "-P", *sys.argv, "--one_shot"])


def _be_child(descriptors: str) -> NoReturn:
    task, report = (int(descriptor) for descriptor in descriptors.split(","))
    with os.fdopen(task, "rb") as file:
        encoded = file.read()
    child.run(child.Task.decode(encoded), report)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
