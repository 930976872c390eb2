"""The program of `bazel run` on a report: merges what was measured, and writes the page where people find it.

    launch -s -P lepton_rules/report/run.py --label=//x:report --content=<the built JSON> --name=x_report
        [--profile=//x:y=<its program>]… [--made=<a list of who made a model>]… [--output=DIR] [--testlogs=DIR]
        [--build_profile=FILE]… [--no_profile] [--seconds=2] [--open]

Budgets come from the test logs of this workspace, where a measurement is of one of these artifacts' digests; how long
each pass ran, from what Bazel left of its builds; latency after each pass, operators and sensitivity from profiling
each artifact now, in a process of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import canonical_json, parse_json
from lepton_rules.measure import outputs
from lepton_rules.measure.files import write_atomically
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.report import build_times, content, page


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LeptonError("command line", message, f"See `bazel run {self.prog} -- --help`")


def parser(what: str) -> argparse.ArgumentParser:
    """The command line."""
    made = _Parser(prog=what, allow_abbrev=False)
    made.add_argument("--label", required=True, help=argparse.SUPPRESS)
    made.add_argument("--name", required=True, help=argparse.SUPPRESS)
    made.add_argument("--runfiles", type=Path, required=True, help=argparse.SUPPRESS)
    made.add_argument("--content", type=Path, required=True, help=argparse.SUPPRESS)
    made.add_argument("--profile", action="append", default=[], help=argparse.SUPPRESS)
    made.add_argument("--output", default="", metavar="DIR", help="where to write (a new temporary directory)")
    made.add_argument("--testlogs", default="", metavar="DIR", help="where tests left their outputs (bazel-testlogs)")
    made.add_argument("--made", action="append", default=[], help=argparse.SUPPRESS)
    made.add_argument(
        "--build_profile",
        action="append",
        default=[],
        metavar="FILE",
        help="what `bazel build --profile=FILE` wrote, for how long each pass ran (those in the output base)",
    )
    made.add_argument("--no_profile", action="store_true", help="profile nothing: what tests measured alone")
    made.add_argument("--seconds", type=float, default=2.0, help="of inferences in turns, for each artifact (2)")
    made.add_argument("--open", action="store_true", help="open the page in the browser")
    return made


def main(flags: Sequence[str]) -> int:
    """Prints where the page is; the exit status is 1 where there is none."""
    label = next((flag.partition("=")[2] for flag in flags if flag.startswith("--label=")), "an unnamed report")
    try:
        arguments = parser(label).parse_args(flags)
        made = parse_json(arguments.content.read_text(encoding="utf-8"))
        add_tests(made, testlogs(arguments.testlogs, arguments.runfiles))
        add_build_times(made, arguments.made, arguments.build_profile, arguments.runfiles)
        if not arguments.no_profile:
            for flag in arguments.profile:
                artifact, _, program = flag.partition("=")
                add_profile(made, artifact, Path(program), arguments.runfiles, arguments.seconds)
        content.finish(made)
        folder = _user_path(arguments.output) if arguments.output else Path(tempfile.mkdtemp(prefix="lepton-report-"))
        file = folder / f"{arguments.name}.html"
        write_atomically(file, page.html(made).encode())
        write_atomically(file.with_suffix(".json"), canonical_json(made).encode())
    except LeptonError as error:
        print(error.with_label(label), flush=True)
        return 1
    for sentence in made["missing"]:
        print(f"missing: {sentence}")
    print(f"report: {file}")
    print(f"as JSON: {file.with_suffix('.json')}", flush=True)
    if arguments.open and not webbrowser.open(file.absolute().as_uri()):
        print("no browser could be started: open the page yourself", flush=True)
    return 0


def testlogs(given: str, runfiles: Path) -> Path | None:
    """The test logs: those that the user names, else the workspace's; None where there are none yet.

    Raises:
      LeptonError: the user names what is no directory.
    """
    if given:
        path = _user_path(given)
        if not path.is_dir():
            raise LeptonError("--testlogs", f"{given} is no directory", "Name Bazel's directory of test logs")
        return path
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    candidates = [] if workspace is None else [Path(workspace) / "bazel-testlogs"]
    # The links in a workspace may have other names; the runfiles lie in the tree that they point to.
    configuration = _configuration(runfiles)
    if configuration is not None:
        candidates.append(configuration / "testlogs")
    return next((path for path in candidates if path.is_dir()), None)


def _configuration(runfiles: Path) -> Path | None:
    """`<output base>/execroot/_main/bazel-out/<configuration>` around the runfiles; None where they lie elsewhere."""
    for part in runfiles.absolute().parents:
        if part.name == "bin" and part.parent.parent.name == "bazel-out":
            return part.parent
    return None


def add_build_times(made: dict[str, Any], flags: Sequence[str], named: Sequence[str], runfiles: Path) -> None:
    """Merges how long each pass ran, from the profiles that the user names and from those that Bazel left, and says
    which passes no build is known of.

    Raises:
      LeptonError: the user names what is no profile.
    """
    configuration = _configuration(runfiles)
    execution_root = None if configuration is None else configuration.parents[1]
    builds = [build_times.read(_user_path(name), here=False) for name in named]
    for path in [] if execution_root is None else build_times.find(execution_root.parents[1]):
        # That of a build that is going on is not whole yet: it has nothing to tell.
        with contextlib.suppress(LeptonError):
            builds.append(build_times.read(path, here=True))
    found = {}
    for step in map(build_times.Made.from_json, flags):
        time = build_times.time_of(step, builds, execution_root)
        if time is not None:
            found[(step.artifact, step.model)] = time
    content.add_build_times(made, found)
    for entry in made["artifacts"]:
        unknown = [step["pass"] for step in entry["lineage"] if step["build"] is None]
        if unknown:
            made["missing"].append(
                f"How long {', '.join(unknown)} of {entry['label']} ran is not known, for no build is here in which "
                f"they did: bazel build {entry['label']} --profile=FILE when they do, then bazel run {made['label']} "
                "-- --build_profile=FILE"
            )


def add_tests(made: dict[str, Any], logs: Path | None) -> None:
    """Merges the measurements in the test logs, and says what is missing."""
    found = outputs.Found() if logs is None else outputs.collect(logs, relative=True)
    made["missing"] += [str(error) for error in found.unreadable]
    labels = {entry["label"]: entry["digest"] for entry in made["artifacts"]}
    for test, measurement in sorted(found.newest().items()):
        if content.add_measurement(made, measurement):
            continue
        of = measurement["artifact"].get("label")
        if of in labels:
            made["missing"].append(f"{test} measured another build of {of}: bazel test {test}")
    for entry in made["artifacts"]:
        kinds = {budget["kind"] for budget in entry["budgets"]}
        if not kinds:
            package = entry["label"].partition(":")[0]
            made["missing"].append(f"No test of {entry['label']} has run yet: bazel test {package}:all")


def add_profile(made: dict[str, Any], artifact: str, program: Path, runfiles: Path, seconds: float) -> None:
    """Profiles an artifact; where that fails, the report says why."""
    print(f"profiling {artifact}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="lepton-report-") as folder:
        figures = Path(folder) / "profile.json"
        flags = [f"--json={figures}", f"--trace={Path(folder) / 'trace.json'}", f"--seconds={seconds}", "--quiet"]
        environment = {**os.environ, "RUNFILES_DIR": str(runfiles.absolute())}
        done = subprocess.run([str(program), *flags], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not figures.is_file():
            said = (done.stdout.strip() or done.stderr.strip() or "it said nothing").splitlines()
            line = next((one for one in said if one.startswith("lepton: ")), said[-1])
            made["missing"].append(f"{artifact} was not profiled: {line}")
            return
        if not content.add_profile(made, parse_json(figures.read_text(encoding="utf-8"))):
            made["missing"].append(f"{artifact} was built anew while it was profiled: run the report again.")


def _user_path(path: str) -> Path:
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "")) / path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
