"""What `.sign` and `.verify` have in common: the built files, and paths that the user gives."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from lepton_rules.plugin.errors import LeptonError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def user_path(text: str) -> Path:
    """A path relative to where the user stands, not to where `bazel run` starts its programs."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), text)


def parser(description: str) -> argparse.ArgumentParser:
    """The flags that the rule gives: what was built."""
    made = argparse.ArgumentParser(description=description, allow_abbrev=False)
    made.add_argument("--built_label", required=True, help=argparse.SUPPRESS)
    for name in ("name", "model", "manifest"):
        made.add_argument(f"--built_{name}", default="", help=argparse.SUPPRESS)
    made.add_argument("--built_statement", type=Path, help=argparse.SUPPRESS)
    made.add_argument("--built_digest", type=Path, help=argparse.SUPPRESS)
    made.add_argument("--built_repository", default="", help=argparse.SUPPRESS)
    return made


def built_files(options: argparse.Namespace) -> dict[str, Path]:
    """The files of the model as the image has them in one directory, and its manifest."""
    model = Path(options.built_model)
    files = {str(path.relative_to(model)): path for path in sorted(model.rglob("*")) if path.is_file()}
    return {**files, "manifest.json": Path(options.built_manifest)}


def require_model(options: argparse.Namespace, flag: str) -> None:
    """Refuses a flag that an index of several images has nothing for.

    Raises:
        LeptonError: it is an index.
    """
    if not options.built_model:
        raise LeptonError(
            flag, "an index has several models, and a digest of its own", "Use the runnable of each image"
        )


def built_digest(options: argparse.Namespace) -> str:
    """The digest of the image that was built.

    Raises:
        LeptonError: there is no image.
    """
    text = options.built_digest.read_text("utf-8").strip() if options.built_digest else ""
    if _DIGEST.fullmatch(text) is None:
        raise LeptonError("image", "it has no digest", "Build it again")
    return str(text)


def run(main: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Runs a program; an error of the user's is one line."""
    try:
        return main(options)
    except LeptonError as error:
        print(error.with_label(options.built_label), file=sys.stderr)
        return 1


def one_of(options: argparse.Namespace, names: Sequence[str]) -> None:
    """Refuses a command that asks for nothing.

    Raises:
        LeptonError: none of the flags is there.
    """
    if not any(getattr(options, name) for name in names):
        flags = " or ".join(f"--{name.replace('_', '-')}" for name in names)
        raise LeptonError("command", f"it asks for nothing: {flags}", "Give one of them, or several")
