"""The user's own Bazel, called again: the same program, server and output base, while it holds no lock.

`bazel run` ends before the program that it starts begins, so its server is free. A Bazel with other startup options
would be another server, or end this one; so they are read from the file in which the client wrote them down. What it
did not write down is `--bazelrc`: whoever types that gives it to `.tune` again.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lepton_rules.plugin.errors import LeptonError

# Set by a Bazel that is wrapped, always anew.
_NOT_FORWARDED = frozenset("install_base server_javabase trust_install_base default_system_javabase".split())
# Of the client alone: the record has no value of them, but that they were typed, which is done to change the default.
_OF_THE_CLIENT = {
    "home_rc": "--nohome_rc",
    "ignore_all_rc_files": "--ignore_all_rc_files",
    "system_rc": "--nosystem_rc",
    "workspace_rc": "--noworkspace_rc",
}
# The one option that is there many times, so that the record cannot say of each where it stood.
_MANY = "--host_jvm_args="
# As a shell script gives it, in quotes or in none.
_IN_SCRIPT = re.compile(rf"""'({_MANY}[^']*)'|"({_MANY}[^"]*)"|({_MANY}[^\s'"]+)""")
_OURS = ("BUILD_WORKSPACE_DIRECTORY", "BUILD_WORKING_DIRECTORY", "RUNFILES_DIR", "PYTHONDONTWRITEBYTECODE")
_TAIL = 15


@dataclass(frozen=True, kw_only=True)
class Built:
    """What one invocation did.

    Attributes:
      files: the paths of each target's outputs, by label; a target that failed has none.
      errors: by label of the target that an error names, the line of ours, or Bazel's.
      actions: actions that ran, Bazel's internal ones and what its caches had not counted.
      cached: actions whose outputs came from a disk or a remote cache.
    """

    files: Mapping[str, Sequence[Path]]
    errors: Sequence[str]
    actions: int
    cached: int


@dataclass(frozen=True, kw_only=True)
class Bazel:
    """How to call it."""

    program: str
    workspace: Path
    output_base: Path
    startup: Sequence[str] = ()
    options: Sequence[str] = field(default_factory=tuple)

    def build(self, targets: Sequence[str], options: Sequence[str], events: Path) -> Built:
        """Builds targets in one invocation; what fails does not keep the others.

        Args:
          options: of this build.
          events: where Bazel writes what happened.

        Raises:
          LeptonError: nothing could be built at all.
        """
        events.unlink(missing_ok=True)
        command = [
            self.program,
            *self.startup,
            "build",
            *self.options,
            *options,
            "--keep_going",
            "--experimental_convenience_symlinks=ignore",
            f"--build_event_json_file={events}",
            "--show_result=0",
            "--",
            *targets,
        ]
        environment = {key: value for key, value in os.environ.items() if key not in _OURS}
        watched = sys.stderr.isatty()
        process = subprocess.run(
            command,
            cwd=self.workspace,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=None if watched else subprocess.PIPE,
            stderr=None if watched else subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        built = read_events(events, self.execution_root) if events.exists() else None
        # 1: some targets failed, and the events say which.
        if built is None or process.returncode not in (0, 1):
            said = [] if process.stdout is None else process.stdout.strip().splitlines()[-_TAIL:]
            ours = next((line[line.index("lepton: ") :] for line in said if "lepton: " in line), "")
            raise LeptonError(
                "tune",
                f"{Path(self.program).name} build ended with status {process.returncode}"
                + (f" ({ours or ' / '.join(said)})" if said else ""),
                "Mend what it says above, or run the same build by hand",
            )
        return built

    @property
    def execution_root(self) -> Path:
        """What the outputs' paths are relative to."""
        roots = sorted((self.output_base / "execroot").iterdir())
        return next((root for root in roots if root.name == "_main"), roots[0])


def of_user(
    program: Path, *, bazel: str | None = None, startup: Sequence[str] = (), options: Sequence[str] = ()
) -> Bazel:
    """The Bazel that started this process with `bazel run`.

    Args:
      program: the executable that it started, somewhere in its output base.
      bazel: a Bazel to use instead.
      startup: startup options to add.
      options: options of every build.

    Raises:
      LeptonError: this is no `bazel run`, or no Bazel is found.
    """
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if not workspace:
        raise LeptonError("tune", "BUILD_WORKSPACE_DIRECTORY is not set", "Start it with `bazel run`")
    output_base = _output_base(program)
    for name in [bazel, os.environ.get("BAZEL"), os.environ.get("LEPTON_BAZEL"), "bazel", "bazelisk"]:
        if name and (found := shutil.which(name)):
            break
        if name and name not in ("bazel", "bazelisk"):
            raise LeptonError(
                "tune", f"there is no program {name}", "Point --bazel or the variable BAZEL at your Bazel"
            )
    else:
        raise LeptonError("tune", "no Bazel is on PATH", "Set the variable BAZEL to your Bazel, or give --bazel")
    return Bazel(
        program=found,
        workspace=Path(workspace),
        output_base=output_base,
        startup=[
            *startup_options(output_base / "server" / "cmdline", _given_anyway(Path(found), Path(workspace))),
            *startup,
        ],
        options=options,
    )


def startup_options(cmdline: Path, anyway: Collection[str] = ()) -> list[str]:
    """The startup options that stood on the user's command line, from the server's record of them.

    The record is the server's arguments, a NUL after each. Its last part has, for each option that was set, where: the
    path of an rc file, which a Bazel in the same workspace reads again, or nothing for the command line.

    Args:
      cmdline: the record.
      anyway: arguments for the JVM that Bazel gets from elsewhere again.
    """
    try:
        arguments = cmdline.read_bytes().decode("utf-8", "surrogateescape").split("\0")
    except OSError:
        return []
    sources = ""
    given: list[tuple[str, str]] = []
    for argument in arguments:
        if not argument.startswith("--"):
            continue
        key, _, value = argument[2:].partition("=")
        if key == "option_sources":
            sources = value
        given.append((key, argument))
    parts = [_unescape(part) for part in sources.split(":")]
    typed = {name for name, source in zip(parts[::2], parts[1::2], strict=False) if name and not source}
    return [option for name, option in _OF_THE_CLIENT.items() if name in typed] + [
        argument
        for key, argument in given
        if key not in _NOT_FORWARDED
        and (key in typed or key.removeprefix("no") in typed)
        and not (argument.startswith(_MANY) and argument in anyway)
    ]


def _given_anyway(program: Path, workspace: Path) -> set[str]:
    """The arguments for the JVM that stand in a program that is a script around Bazel, or in the usual rc files."""
    with program.open("rb") as file:
        script = file.read(1 << 20) if file.read(2) == b"#!" else b""
    words = [word for found in _IN_SCRIPT.findall(script.decode("utf-8", "replace")) for word in found if word]
    for rc in (Path("/etc/bazel.bazelrc"), workspace / ".bazelrc", Path(os.environ.get("HOME", "/")) / ".bazelrc"):
        words += _startup_words(rc, workspace, set())
    return {word for word in words if word.startswith(_MANY)}


def _startup_words(rc: Path, workspace: Path, seen: set[Path]) -> Iterator[str]:
    """What follows `startup` in an rc file and in those that it imports."""
    if rc in seen or not rc.is_file():
        return
    seen.add(rc)
    for line in rc.read_text("utf-8", "replace").replace("\\\n", "").splitlines():
        try:
            command, *words = shlex.split(line, comments=True) or [""]
        except ValueError:
            continue  # Bazel itself says what is wrong with it.
        if command == "startup":
            yield from words
        elif command in ("import", "try-import"):
            for word in words:
                yield from _startup_words(Path(word.replace("%workspace%", str(workspace))), workspace, seen)


def read_events(path: Path, execution_root: Path) -> Built:
    """Reads what `--build_event_json_file` wrote."""
    sets: dict[str, Mapping[str, Any]] = {}
    completed: dict[str, Mapping[str, Any]] = {}
    errors: list[str] = []
    actions = cached = 0
    for event in _events(path):
        identity = event["id"]
        if "namedSet" in identity:
            sets[identity["namedSet"]["id"]] = event["namedSetOfFiles"]
        elif "targetCompleted" in identity and event.get("completed", {}).get("success"):
            completed[identity["targetCompleted"]["label"]] = event["completed"]
        elif "progress" in identity:
            text = event.get("progress", {}).get("stderr", "")
            errors += [line[line.index("lepton: ") :] for line in text.splitlines() if "lepton: " in line]
        elif "buildMetrics" in identity:
            for runner in event["buildMetrics"].get("actionSummary", {}).get("runnerCount", ()):
                count = int(runner.get("count", 0))
                if runner["name"].endswith("cache hit"):
                    cached += count
                elif runner["name"] not in ("total", "internal"):
                    actions += count
    files = {}
    for label, event in completed.items():
        names = [reference["id"] for group in event.get("outputGroup", ()) for reference in group.get("fileSets", ())]
        files[label] = [
            execution_root.joinpath(*file.get("pathPrefix", ()), file["name"]) for file in _files(names, sets)
        ]
    return Built(files=files, errors=list(dict.fromkeys(errors)), actions=actions, cached=cached)


def _events(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _files(names: Sequence[str], sets: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    seen = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        yield from sets[name].get("files", ())
        waiting += [reference["id"] for reference in sets[name].get("fileSets", ())]


def _output_base(program: Path) -> Path:
    for parent in program.resolve().parents:
        if parent.name == "execroot":
            return parent.parent
    raise LeptonError("tune", f"{program} is in no output base of Bazel", "Start it with `bazel run`")


def _unescape(text: str) -> str:
    # The client writes _ as _U and : as _C.
    return text.replace("_C", ":").replace("_U", "_")
