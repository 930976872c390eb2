"""The program of `bazel run` on a report: merges what was measured, and writes the page where people find it.

    launch -s -P lepton_rules/report/run.py --label=//x:report --content=<the built JSON> --name=x_report
        [--profile=//x:y=<its program>]… [--output=DIR] [--testlogs=DIR] [--no_profile] [--seconds=2] [--open]

Budgets come from the test logs of this workspace, where a measurement is of one of these artifacts' digests; time after
each pass, operators and sensitivity from profiling each artifact now, in a process of its own.
"""

from __future__ import annotations

import argparse
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
from lepton_rules.report import content, page


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
    for part in runfiles.absolute().parents:
        if part.name == "bin" and part.parent.parent.name == "bazel-out":
            candidates.append(part.parent / "testlogs")
    return next((path for path in candidates if path.is_dir()), None)


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
