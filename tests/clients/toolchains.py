"""Compilers that a test needs and that a machine may not have: then it is skipped, with the reason."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

_HEADERS = {"curl/curl.h": "libcurl4-openssl-dev", "nlohmann/json.hpp": "nlohmann-json3-dev"}


def compile_cpp(program: Path, sources: Sequence[Path], include: Path) -> Path:
    """A program of C++17, without a warning."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no g++")
    for header, package in _HEADERS.items():
        found = subprocess.run(
            [compiler, "-E", "-x", "c++", "-"], input=f"#include <{header}>\n", capture_output=True, text=True
        )
        if found.returncode != 0:
            pytest.skip(f"there is no {header} (Debian's {package})")
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{include}"]
    _run([compiler, *flags, "-o", str(program), *map(str, sources), "-lcurl", "-lpthread"])
    return program


def compile_java(classes: Path, sources: Sequence[Path]) -> list[str]:
    """How to start Java with classes of Java 11 that were compiled without a warning."""
    compiler, java = shutil.which("javac"), shutil.which("java")
    if compiler is None or java is None:
        pytest.skip("there is no JDK")
    _run([compiler, "-Xlint:all", "-Werror", "--release", "11", "-d", str(classes), *map(str, sources)])
    return [java, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", str(classes)]


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stdout + done.stderr
