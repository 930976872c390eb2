"""Runs pytest over a lepton_python_test's sources, in the environment under test, with pytest from another one.

usage: run_pytest.py --pytest=SITE_PACKAGES… --path=DIRECTORY… -- TEST.py…
"""

import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    split = arguments.index("--")
    paths: list[str] = []
    pytest_prefixes: list[str] = []
    for argument in arguments[:split]:
        key, _, value = argument.partition("=")
        {"--path": paths, "--pytest": pytest_prefixes}[key].append(str(Path(value).absolute()))
    sys.path[:0] = paths
    for prefix in pytest_prefixes:
        # After the environment's own packages, so that pytest's never shadow those under test.
        sys.path += [str(site) for site in sorted(Path(prefix).glob("lib/python3*/site-packages"))]
    # Programs that a test starts see the same packages.
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:])
    import pytest

    options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir=.", "-c", os.devnull, "-rs"]
    if xml := os.environ.get("XML_OUTPUT_FILE"):
        options.append(f"--junitxml={xml}")
    if only := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        options.append(f"-k={only}")
    if temporary := os.environ.get("TEST_TMPDIR"):
        options.append(f"--basetemp={temporary}/pytest")
    return int(pytest.main(options + arguments[split + 1 :]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
