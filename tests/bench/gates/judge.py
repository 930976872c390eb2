"""Judges recorded gates, and the same machine's noise by other methods: how often each is wrong.

Usage: judge.py FOLDER

Reads FOLDER/idle.jsonl and FOLDER/busy.jsonl as record.py writes them. A gate is judged again from its pairs, which
must give the verdict that it gave. The other methods judge the two blocks of twenty inferences beside it:

- medians of blocks: FAIL when the ratio of the medians is below the budget;
- Olive's 20 samples: the mean of `repeat_test_num` = 20 inferences after `warmup_num` = 10, the defaults of Olive's
  latency metric, FAIL when the ratio of the means is below the budget;
- a fixed threshold of 10 %: FAIL when the candidate's mean is more than 10 % above the baseline's.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

from lepton_rules.measure.sequential import Plan, SpeedupGate

THRESHOLD = 0.10
CONFIDENCE = 0.95

Record = Mapping[str, Any]


def ours(record: Record) -> bool | None:
    """True for FAIL, False for PASS, None where neither was proven."""
    return {"FAIL": True, "PASS": False}.get(record["verdict"])


def medians(record: Record) -> bool:
    """Whether the medians of two blocks say FAIL."""
    one, other = statistics.median(record["block_baseline_ns"]), statistics.median(record["block_candidate_ns"])
    return bool(one / other < record["budget"])


def means(record: Record) -> bool:
    """Whether the means of two blocks say FAIL."""
    one, other = statistics.fmean(record["block_baseline_ns"]), statistics.fmean(record["block_candidate_ns"])
    return bool(one / other < record["budget"])


def fixed(record: Record) -> bool:
    """Whether the mean of the candidate's block is more than the threshold above the baseline's."""
    one, other = statistics.fmean(record["block_baseline_ns"]), statistics.fmean(record["block_candidate_ns"])
    return other > one * (1 + THRESHOLD)


METHODS: Mapping[str, Callable[[Record], bool | None]] = {
    "lepton_rules": ours,
    "medians of blocks": medians,
    "Olive's 20 samples": means,
    "fixed threshold of 10 %": fixed,
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a method says of the recorded gates of one setting.

    Attributes:
      same: gates of two equal models.
      alarms: those of them that it calls FAIL.
      same_unproven: those of which it proves nothing.
      slow: gates of a candidate that is a tenth slower.
      found: those of them that it calls FAIL.
      wrong: those of them that it calls PASS.
    """

    same: int
    alarms: int
    same_unproven: int
    slow: int
    found: int
    wrong: int


def read(path: Path) -> list[Record]:
    """The recorded gates of one setting; none where there is no file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def again(record: Record) -> str:
    """The verdict on the recorded pairs."""
    judge = SpeedupGate(record["budget"], Plan())
    verdict = None
    for baseline, candidate in zip(record["baseline_ns"], record["candidate_ns"], strict=True):
        verdict = judge.add(baseline / candidate)
    return verdict.value if verdict else "NOT PROVEN"


def judged(records: Sequence[Record], method: Callable[[Record], bool | None]) -> Found:
    """What a method says of these gates."""
    same = [method(record) for record in records if record["kind"] == "same"]
    slow = [method(record) for record in records if record["kind"] == "slow"]
    return Found(
        same=len(same),
        alarms=same.count(True),
        same_unproven=same.count(None),
        slow=len(slow),
        found=slow.count(True),
        wrong=slow.count(False),
    )


def lower_bound(successes: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided lower bound of C. Clopper and E. Pearson (Biometrika 26, 1934) on a probability."""
    if not successes:
        return 0.0
    low, high = 0.0, successes / trials
    for _ in range(60):
        middle = (low + high) / 2
        if _at_least(successes, trials, middle) > 1 - confidence:
            high = middle
        else:
            low = middle
    return low


def upper_bound(successes: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided upper bound."""
    return 1 - lower_bound(trials - successes, trials, confidence)


def _at_least(successes: int, trials: int, chance: float) -> float:
    """The probability of so many successes or more."""
    if chance <= 0:
        return 0.0
    return math.fsum(
        math.exp(
            math.lgamma(trials + 1)
            - math.lgamma(k + 1)
            - math.lgamma(trials - k + 1)
            + k * math.log(chance)
            + (trials - k) * math.log1p(-chance)
        )
        for k in range(successes, trials + 1)
    )


def summary(folder: Path) -> dict[str, Any]:
    """Everything that the documentation tells, by setting."""
    result: dict[str, Any] = {}
    for setting in ("idle", "busy"):
        records = read(folder / f"{setting}.jsonl")
        if not records:
            continue
        other = [record for record in records if again(record) != record["verdict"]]
        if other:
            raise SystemExit(
                f"{len(other)} gates of {setting} have another verdict when they are judged again: remove {folder}, "
                "which another version recorded"
            )
        clear = [record for record in records if record["kind"].startswith("clear")]
        result[setting] = {
            "budget": sorted({record["budget"] for record in records if record["kind"] == "same"}),
            "inference_ms": statistics.median(record["block_baseline_ns"][10] for record in records) / 1e6,
            "methods": {name: asdict(judged(records, method)) for name, method in METHODS.items()},
            "pairs": {
                kind: _spread([record["pairs"] for record in records if record["kind"] == kind])
                for kind in sorted({record["kind"] for record in records})
            },
            "seconds": _spread([record["seconds"] for record in records if record["kind"] == "same"]),
            "clear": len(clear),
            "clear_in_20": sum(record["pairs"] <= 20 for record in clear),
            "clear_wrong": sum(
                record["verdict"] != ("PASS" if record["kind"] == "clear_pass" else "FAIL") for record in clear
            ),
            "spread": _spread([_noise(record) for record in records if record["kind"] == "same"]),
        }
    return result


def _noise(record: Record) -> float:
    """How far apart the quartiles of the ratios of one gate's pairs are, relative to their median."""
    ratios = [one / other for one, other in zip(record["baseline_ns"], record["candidate_ns"], strict=True)]
    first, middle, third = statistics.quantiles(ratios, n=4)
    return float((third - first) / middle)


def _spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": statistics.median(ordered),
        "p99": ordered[min(len(ordered) - 1, math.ceil(0.99 * len(ordered)) - 1)],
        "largest": ordered[-1],
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The table of methods, as docs/gates.md has it."""
    settings = list(found)
    head = ["method"]
    for setting in settings:
        head += [f"{setting}: equal, called slower", f"{setting}: 10 % slower, found"]
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for name in METHODS:
        row = [name]
        for setting in settings:
            one = found[setting]["methods"][name]
            row.append(f"{one['alarms']} of {one['same']} ({100 * one['alarms'] / max(one['same'], 1):.2g} %)")
            row.append(f"{one['found']} of {one['slow']} ({100 * one['found'] / max(one['slow'], 1):.4g} %)")
        rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    everything = summary(Path(sys.argv[1]))
    print(json.dumps(everything, indent=2))
    print(markdown(everything))
