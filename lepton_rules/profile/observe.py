"""Makes a Profile: every measurement in its turn."""

from __future__ import annotations

import contextlib
import os
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_rules.measure.paired import Run
from lepton_rules.plugin.contexts import ModelDirectory
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.profile import table_of_nodes
from lepton_rules.profile.evidence import LayerFacts, Node, Profile, Step
from lepton_rules.profile.memory import Memory
from lepton_rules.profile.parity import parity
from lepton_rules.profile.protocol import Event, Layer, Peaks, Profiler, Sensitivity
from lepton_rules.profile.subject import Subject
from lepton_rules.profile.turns import in_turns

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_BATCHES = 16
_PROFILED_RUNS = 40


@dataclass(frozen=True, kw_only=True)
class StepModel:
    """The model after a step, and what of it the chip can run: the model itself, or its export.

    Attributes:
      manifest: of the step.
      runs: directory and manifest, None where nothing runs.
    """

    manifest: Mapping[str, Any]
    runs: tuple[Path, Mapping[str, Any]] | None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How much to measure.

    Attributes:
      seconds: of inferences in turns.
      samples: for sensitivity; 0 for none.
      seed: of the order of inferences.
    """

    seconds: float = 2.0
    samples: int = 32
    seed: int = 0


def observe(
    subject: Subject, steps: Sequence[StepModel], wanted: Wanted, memory: Callable[[], Memory]
) -> tuple[Profile, list[Event]]:
    """The profile, and every execution of an operator.

    Args:
      steps: the lineage, oldest first; the last is the artifact.
      memory: counts it, in a process of its own.

    Raises:
      LeptonError: something does not run.
    """
    latencies, step_latencies, threads_seconds = _latencies(subject, steps, wanted)
    events: list[Event] = []
    peaks = None
    nodes: list[Node] = []
    layers: list[LayerFacts] = []
    digest, samples = "", 0
    compared: list[dict[str, Any]] = []
    profiler = subject.profiler
    if profiler is not None:
        peaks = profiler.peaks(subject.context())
        events = _events(subject, profiler)
        nodes = table_of_nodes.nodes(events, peaks)
        floats = _float_model(subject, steps, profiler)
        sensitivity: list[Sensitivity] = []
        if floats is not None and wanted.samples:
            inputs = _samples(subject, wanted.samples)
            samples = len(next(iter(inputs.values())))
            sensitivity = profiler.sensitivity(floats, inputs, subject.hardware.threads)
            digest = str(floats.manifest["digest"])
            if digest != subject.manifest["digest"]:
                compared = _parity(subject, floats, inputs)
        layers = _layers(profiler.layers(subject.context().model), nodes, sensitivity)
    counted = memory()
    return Profile(
        label=subject.artifact,
        digest=subject.manifest["digest"],
        target=subject.hardware.target,
        capabilities=sorted(subject.hardware.capabilities),
        threads=subject.hardware.threads,
        cores=len(os.sched_getaffinity(0)),
        batch=subject.batch,
        dimensions=_dimensions(subject),
        passes=[{"pass": step["pass"], "config": step["config"]} for step in subject.manifest["steps"]],
        latencies_ns=latencies,
        kernel_seconds=sum(node.seconds for node in nodes),
        nodes=nodes,
        groups=table_of_nodes.groups(nodes),
        peaks=_peaks_json(peaks),
        roof_share=table_of_nodes.roof_share(nodes),
        memory={
            "libraries": counted.libraries,
            "load_peak": counted.load_peak,
            "loaded": counted.loaded,
            "inference_peak": counted.inference_peak,
            "model": subject.manifest["bytes"],
        },
        layers=layers,
        float_digest=digest,
        output_sqnr_db=min((one["sqnr_db"] for one in compared if one["sqnr_db"] is not None), default=None),
        parity=compared,
        samples=samples,
        steps=[
            Step(
                number=number,
                name=_name(step.manifest),
                format=step.manifest["format"],
                digest=step.manifest["digest"],
                bytes=step.manifest["bytes"],
                latencies_ns=step_latencies.get(number, ()),
            )
            for number, step in enumerate(steps, start=1)
        ],
        threads_seconds=threads_seconds,
        environment=subject.environment,
    ), events


def _dimensions(subject: Subject) -> dict[str, int]:
    """The symbolic dimensions of the inputs, by the manifest's names, with their lengths in one inference."""
    (arrays,) = subject.batches(1)
    return {
        dimension: int(length)
        for tensor in subject.manifest["inputs"]
        for dimension, length in zip(tensor["shape"], arrays[tensor["name"]].shape, strict=True)
        if isinstance(dimension, str)
    }


def _name(manifest: Mapping[str, Any]) -> str:
    return str(manifest["steps"][-1]["pass"]) if manifest["steps"] else "import"


def _latencies(
    subject: Subject, steps: Sequence[StepModel], wanted: Wanted
) -> tuple[list[int], dict[int, list[int]], dict[str, float]]:
    """Of the artifact alone; of the model after each step, the artifact among them, in turns; and the medians of the
    artifact by number of threads, in turns as well.
    """
    batches = subject.batches(_BATCHES)
    threads, cores = subject.hardware.threads, len(os.sched_getaffinity(0))
    runs: dict[str, Run] = {}
    with contextlib.ExitStack() as stack:
        runs["artifact"] = stack.enter_context(_opened(subject, batches))
        # As it runs in production: by itself, its weights in the caches.
        alone = in_turns(runs, wanted.seconds / 2, wanted.seed)["artifact"]
        if cores > threads:
            runs["threads"] = stack.enter_context(_opened(subject, batches, threads=cores))
        for number, step in enumerate(steps, start=1):
            if step.runs is None or step.manifest["digest"] == subject.manifest["digest"]:
                continue
            # A step that came before the chip was known may not run on it: then it has no time.
            with contextlib.suppress(LeptonError):
                runs[str(number)] = stack.enter_context(_opened(subject, batches, step.runs))
        found = in_turns(runs, wanted.seconds, wanted.seed)
    by_step = {int(name): values for name, values in found.items() if name.isdigit()}
    for number, step in enumerate(steps, start=1):
        if step.manifest["digest"] == subject.manifest["digest"]:
            by_step[number] = found["artifact"]
    by_threads = {str(threads): statistics.median(found["artifact"]) / 1e9}
    if "threads" in found:
        by_threads[str(cores)] = statistics.median(found["threads"]) / 1e9
    return alone, by_step, by_threads


@contextlib.contextmanager
def _opened(
    subject: Subject,
    batches: Sequence[dict[str, Array]],
    model: tuple[Path, Mapping[str, Any]] | None = None,
    threads: int | None = None,
) -> Iterator[Run]:
    """A model in the runtime, ready to run batch number i; closed at the end."""
    path, manifest = model or (subject.model, subject.manifest)
    runtime = subject.runtime(subject.context(path, manifest, threads))
    try:
        subject.check(runtime.run(batches[0]), manifest)
        yield lambda index: runtime.run(batches[index % len(batches)])
    finally:
        runtime.close()


def _events(subject: Subject, profiler: type[Profiler]) -> list[Event]:
    """Of 40 inferences, after 10 that do not count."""
    batches = subject.batches(_BATCHES)
    made = profiler(subject.context())
    first = _PROFILED_RUNS // 4
    for index in range(first + _PROFILED_RUNS):
        made.run(batches[index % len(batches)])
    return [event for event in made.finish() if event.run >= first]


def _float_model(subject: Subject, steps: Sequence[StepModel], profiler: type[Profiler]) -> ModelDirectory | None:
    """The last model of the lineage all of whose layers are in floating point, in the artifact's format."""
    for step in reversed(steps):
        if step.runs is not None and step.manifest["format"] in subject.consumes:
            model = ModelDirectory(step.runs[0].absolute(), step.runs[1])
            layers = profiler.layers(model)
            if layers and all(layer.precision.startswith(("float", "bfloat")) for layer in layers):
                return model
    return None


def _samples(subject: Subject, count: int) -> dict[str, Array]:
    from lepton_rules.measure.inputs import fixed_batch

    size = fixed_batch(subject.manifest)
    return subject.batches(1, size or count)[0] if size else _at_most(subject, count)


def _at_most(subject: Subject, count: int) -> dict[str, Array]:
    from lepton_rules.measure.inputs import model_inputs
    from lepton_rules.plugin.contexts import DatasetFile

    inputs, samples = model_inputs(DatasetFile(subject.dataset), subject.manifest)
    return {name: array[: min(count, samples)] for name, array in inputs.items()}


def _parity(subject: Subject, floats: ModelDirectory, inputs: Mapping[str, Array]) -> list[dict[str, Any]]:
    """The artifact's outputs against those of the model in floating point, both on the artifact's chip."""
    answers = []
    for path, manifest in ((floats.path, floats.manifest), (subject.model, subject.manifest)):
        runtime = subject.runtime(subject.context(path, manifest))
        try:
            answers.append(runtime.run(inputs))
        finally:
            runtime.close()
    return parity(*answers)


def _layers(layers: Sequence[Layer], nodes: Sequence[Node], sensitivity: Sequence[Sensitivity]) -> list[LayerFacts]:
    """The worst first, those that were not measured last."""
    scores = {one.layer: one.sqnr_db for one in sensitivity}
    by_layer: dict[str, list[Node]] = {}
    for node in nodes:
        if node.layer:
            by_layer.setdefault(node.layer, []).append(node)
    found = [
        LayerFacts(
            name=layer.name,
            operator=layer.operator,
            weights=layer.weights,
            precision=next((node.precision for node in by_layer.get(layer.name, ())), layer.precision),
            seconds=sum(node.seconds for node in by_layer.get(layer.name, ())),
            share=sum(node.share for node in by_layer.get(layer.name, ())),
            sqnr_db=scores.get(layer.name),
        )
        for layer in layers
    ]
    return sorted(found, key=lambda layer: (layer.sqnr_db is None, layer.sqnr_db or 0.0))


def _peaks_json(peaks: Peaks | None) -> dict[str, Any] | None:
    if peaks is None:
        return None
    return {"operations": dict(peaks.operations), "bandwidth": [list(pair) for pair in peaks.bandwidth]}
