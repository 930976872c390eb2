"""Every action of the main job twice: another output base, another hash seed, a process each. The same bytes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.bar import Bar, Options
from harness.bazel import TREE, Bazel

_TARGET = "//models:all"


def _built(bazel: Bazel, log: Path, *flags: str) -> tuple[dict[str, str], Counter[str]]:
    """Builds from nothing; the digest of each output by its path, and how many actions each runner ran."""
    bazel.forget()
    bazel.run("build", f"--execution_log_json_file={log}", *flags, _TARGET)
    root = bazel.bin().parents[2]
    digests: dict[str, str] = {}
    runners: Counter[str] = Counter()
    for spawn in _spawns(log):
        if not spawn["mnemonic"].startswith("Lepton"):
            continue
        runners[spawn["runner"]] += 1
        for output in spawn["listedOutputs"]:
            path = root / output
            files = [each for each in sorted(path.rglob("*")) if each.is_file()] if path.is_dir() else [path]
            for each in files:
                digests[each.relative_to(root).as_posix()] = hashlib.sha256(each.read_bytes()).hexdigest()
    bazel.forget()
    log.unlink()
    return digests, runners


def _spawns(log: Path) -> list[Mapping[str, Any]]:
    decoder, text, at, found = json.JSONDecoder(), log.read_text(encoding="utf-8"), 0, []
    while at < len(text):
        spawn, at = decoder.raw_decode(text, at)
        found.append(spawn)
        while at < len(text) and text[at].isspace():
            at += 1
    return found


def measure(options: Options) -> list[Bar]:
    """Training included. No cache answers: who ran each action stands in Bazel's execution log."""
    log = options.folder / "spawns.json"
    one = Bazel(TREE, options.folder / "base_one", rc=options.rc)
    first, warm = _built(one, log)
    two = Bazel(TREE, options.folder / "another" / "base_two", rc=options.rc)
    cold = ["--//lepton_rules/settings:hash_seed=4711", "--strategy=LeptonRun=sandboxed"]
    second, alone = _built(two, log, *cold)
    differing = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    ran = warm["worker"] and not alone["worker"] and warm.total() == alone.total()
    how = f"{len(first)} files of {warm.total()} actions ({_list(warm)}; then {_list(alone)})"
    if differing:
        how += f"; the first: {differing[0]}"
    return [Bar("outputs that differ", "0 files", len(differing), "files", bool(ran and first) and not differing, how)]


def _list(runners: Counter[str]) -> str:
    return ", ".join(f"{count} {runner}" for runner, count in sorted(runners.items()))
