"""Measures one trial beside its baseline, in the environment of the runtime.

    launch -s -P lepton_rules/tune/measuring.py REQUEST.json

Prints one JSON object: how many times faster than the baseline it is, as the median of adjacent pairs of random order,
with bounds on it (lepton_rules/measure/sequential.py). One process a trial, so that none leaves a trace in another.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import canonical_json, read
from lepton_rules.measure.inputs import batch_of, check_outputs, fixed_batch, model_inputs
from lepton_rules.measure.machine import machine
from lepton_rules.measure.paired import Run, measure_pairs
from lepton_rules.measure.sequential import Plan, SpeedupGate
from lepton_rules.measure.stability import instability
from lepton_rules.measure.verdict import Verdict
from lepton_rules.plugin.config import parse_config
from lepton_rules.plugin.contexts import DatasetFile, HardwareFacts, ModelDirectory, RuntimeContext
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.manager import LoadedPlugin, load

if TYPE_CHECKING:
    from lepton_rules.measure.inputs import Array

_DISTINCT_BATCHES = 16


class Estimate(SpeedupGate):
    """Never stops early: a search wants a figure, not a verdict."""

    def add(self, ratio: float) -> Verdict | None:
        super().add(ratio)
        return None


def measure(request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one request, whose fields `lepton_rules.tune.measurer` documents.

    Raises:
      LeptonError: the chip is not here, or a model does not run as its manifest says.
    """
    here = machine(Path(request["identity"]))
    runtime = request["runtime"]
    if not here.chips.get(runtime["chip"], True):
        raise LeptonError(
            "tune",
            f"this machine ({here.cpu}) has no {runtime['chip']}",
            "Tune where the chip is, or for goals that need none, such as size_bytes",
        )
    facts = request["hardware"]
    hardware = HardwareFacts(**{**facts, "capabilities": frozenset(facts["capabilities"])})
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(hardware.threads)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    sys.path[:0] = [str(Path(path).absolute()) for path in request["python_path"]]
    plugin = load(runtime["plugin"], runtime["entry"])
    sides = {}
    for side in ("baseline", "candidate"):
        directory = Path(request[side])
        sides[side] = ModelDirectory(directory, read(directory.with_name("manifest.json")))
    batch = request["batch"]
    for model in sides.values():
        fixed = fixed_batch(model.manifest)
        if fixed not in (None, batch):
            raise LeptonError(
                "batch", f"it is {batch}, and the model takes {fixed} only", f"Give --inference_batch={fixed}"
            )
    inputs, samples = model_inputs(DatasetFile(Path(request["dataset"])), sides["candidate"].manifest)
    batches = [batch_of(inputs, i * batch, batch) for i in range(min(_DISTINCT_BATCHES, -(-samples // batch)))]
    runs = {side: _run(plugin, request, hardware, model, batches) for side, model in sides.items()}
    plan = Plan(seconds=request["seconds"], maximum_pairs=request["pairs"], minimum_pairs=min(10, request["pairs"]))
    gate = Estimate(1.0, plan)
    run = measure_pairs(runs["baseline"], runs["candidate"], gate, request["seed"])
    first = [pair.baseline_first for pair in run.pairs]
    return {
        "speedup": gate.median,
        "interval": None if gate.interval is None else list(gate.interval),
        "pairs": len(run.pairs),
        "candidate_ms": sorted(pair.candidate_ns for pair in run.pairs)[len(run.pairs) // 2] / run.repeats / 1e6,
        "unstable": instability(gate.ratios, first[: len(gate.ratios)], plan.tolerance),
    }


def _run(
    plugin: LoadedPlugin,
    request: Mapping[str, Any],
    hardware: HardwareFacts,
    model: ModelDirectory,
    batches: Sequence[dict[str, Array]],
) -> Run:
    descriptor: Any = plugin.find("runtimes", request["runtime"]["component"])
    context = RuntimeContext(
        label=request["label"], config=None, model=model, hardware=hardware, threads=hardware.threads
    )
    config = parse_config(descriptor.config, request["runtime"]["config"])
    runtime = plugin.resolve(descriptor)(dataclasses.replace(context, config=config))
    for batch in batches:
        check_outputs(runtime.run(batch), model.manifest, request["batch"])
    return lambda index: runtime.run(batches[index % len(batches)])


def main(arguments: Sequence[str]) -> int:
    """Reads the request, prints the answer, or an error of ours on standard error."""
    try:
        print(canonical_json(measure(json.loads(Path(arguments[0]).read_text("utf-8")))), end="")
    except LeptonError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
