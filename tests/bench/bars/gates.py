"""The gates themselves: thousands of real ones on two equal models, on a machine that is idle and on one that is busy.

The recording stands in the benchmark's folder and is continued where it was cut off; remove `gates` there to begin
anew. A first run takes about a quarter of an hour on an idle machine.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from harness import venv
from harness.bar import Bar, Options, at_least, at_most
from harness.bazel import Broken, run

FULL = True

_GATES = Path(__file__).parents[1] / "gates"
_REQUIREMENTS = ["onnx==1.23.*", "onnxruntime==1.32.*", "numpy", "pluggy"]
_QUIET = {"ORT_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}
_BATCHES = (1, 32, 100)
_MOST_PIECES = 40


def measure(options: Options) -> list[Bar]:
    """Records what is missing, and judges all."""
    python = venv.python(options.folder, "gates", _REQUIREMENTS)
    folder = options.folder / "gates"
    for setting in ("idle", "busy"):
        for _ in range(_MOST_PIECES):
            words = [python, _GATES / "record.py", folder, "--setting", setting]
            piece = run(words, cwd=options.folder, environment=_QUIET, check=False)
            if piece.status == 0:
                break
            if piece.status != 3:
                raise Broken(f"record.py exited with {piece.status}: {piece.output[-400:]}")
    sys.path.insert(0, str(_GATES))
    import judge

    found = judge.summary(folder)
    print(judge.markdown(found))
    return [bar for setting, one in found.items() for bar in _bars(setting, one)] + _wall(python, options)


def _bars(setting: str, found: dict[str, Any]) -> list[Bar]:
    import judge

    ours = found["methods"]["lepton_rules"]
    budget = f"budget {found['budget'][0]:g}, an inference takes {found['inference_ms']:.2f} ms"
    unproven = 100 * ours["same_unproven"] / ours["same"]
    sure = judge.lower_bound(ours["found"], ours["slow"])
    longest = max(pairs["largest"] for kind, pairs in found["pairs"].items() if kind.startswith("clear"))
    clear = (
        f"the most of {found['clear']} gates a factor of 1.5 from their budget, {found['clear_in_20']} of them in 20 "
        f"pairs, {found['clear_wrong']} wrong"
    )
    return [
        at_most(f"gates, {setting}: A/A called FAIL", ours["alarms"], 0, "gates", f"of {ours['same']}; {budget}"),
        at_most(f"gates, {setting}: A/A not proven", unproven, 1, "%", f"{ours['same_unproven']} of {ours['same']}"),
        at_least(
            f"gates, {setting}: 10 % slower is found",
            sure,
            0.99,
            "",
            f"{ours['found']} of {ours['slow']}, lower bound at 0.95",
        ),
        at_most(f"gates, {setting}: pairs of clear cases", longest, 20, "pairs", clear),
    ]


def _wall(python: Path, options: Options) -> list[Bar]:
    bars = []
    for batch in _BATCHES:
        answer = run(
            [python, _GATES / "wall.py", options.folder / f"gates_wall_{batch}", str(batch)],
            cwd=options.folder,
            environment=_QUIET,
            keep_stderr=False,
        )
        found = json.loads(answer.output)
        how = f"{found['verdict']} in {found['wall']:.2f} s, {found['load']:.2f} s of it to load"
        name = f"gate of a model of {found['inference_ms']:.2f} ms beside its load"
        bars.append(at_most(name, found["wall"] - found["load"], 2, "s", how))
    return bars
