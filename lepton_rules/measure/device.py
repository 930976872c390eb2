"""What every test that runs a model on its chip has in common: flags, checks, inputs, models that are ready to run."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_rules.manifest import parse_json, read
from lepton_rules.measure import gate, process
from lepton_rules.measure.budget import Budget
from lepton_rules.measure.faults import InfrastructureError
from lepton_rules.measure.inputs import batch_of, check_outputs, fixed_batch, model_inputs
from lepton_rules.measure.machine import Machine, machine
from lepton_rules.measure.measurement import Measured
from lepton_rules.measure.paired import Run
from lepton_rules.plugin.config import parse_config
from lepton_rules.plugin.contexts import DatasetFile, HardwareFacts, ModelDirectory, RuntimeContext
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.manager import LoadedPlugin, load

if TYPE_CHECKING:
    from lepton_rules.measure.inputs import Array

DISTINCT_BATCHES = 16
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Device:
    """The chip, the runtime that drives it, and what the models are fed.

    Attributes:
      plugin: the runtime's plugin.
      hardware: the artifact's chip, None where it has none.
      here: this machine.
      threads: of one inference.
      manifest: the artifact's.
      batches: up to 16 different inputs of the wanted batch.
    """

    plugin: LoadedPlugin
    hardware: HardwareFacts | None
    here: Machine
    threads: int
    manifest: Mapping[str, Any]
    batches: Sequence[dict[str, Array]]

    @property
    def batch(self) -> int:
        """The samples in one inference, counted."""
        return len(next(iter(self.batches[0].values())))


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model to be measured: its files, its manifest, its chip and how messages and measurement.json call it."""

    path: Path
    manifest: Mapping[str, Any]
    hardware: HardwareFacts | None
    measured: Measured


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A model in the runtime.

    Attributes:
      run: runs batch number i.
      threads: that an inference has: the caller's, and those that the runtime has started for this model; None where
        the system does not tell.
    """

    run: Run
    threads: int | None


def add_flags(made: gate.Parser) -> None:
    """Adds the flags that `prepare` reads."""
    for flag in ("plugin", "component"):
        made.add_argument(f"--{flag}", required=True)
    made.add_argument("--plugin_entry", default=None)
    made.add_argument("--config", default="{}")
    made.add_argument("--python_path", action="append", default=[])
    for flag in ("model", "model_manifest", "dataset", "identity"):
        made.add_argument(f"--{flag}", type=Path, required=True)
    made.add_argument("--baseline_model", type=Path)
    made.add_argument("--baseline_manifest", type=Path)
    made.add_argument("--hardware", default="null")
    made.add_argument("--batch", type=int, default=1)
    made.add_argument("--affinity", default="")


def prepare(arguments: argparse.Namespace, budgets: Sequence[Budget], relative: Sequence[str]) -> Device:
    """Makes this process ready to measure: its CPUs, its threads, the plugin, the inputs.

    Args:
      budgets: what is asked.
      relative: the names of budgets that compare with a baseline; the others need a declared chip.

    Raises:
      InfrastructureError: this is another machine than the build knows, it has no such chip, or the CPUs that the
        hardware names are not there.
      LeptonError: flags, model, dataset or plugin are wrong, or an absolute budget has no chip.
    """
    hardware = parse_hardware(arguments.hardware)
    here = machine(arguments.identity)
    pin(arguments.affinity)
    threads = hardware.threads if hardware else 1
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    sys.path[:0] = [str(Path(path).absolute()) for path in arguments.python_path]
    plugin = load(arguments.plugin, arguments.plugin_entry)
    _require_chip(plugin, hardware, here, [budget for budget in budgets if budget.name not in relative])
    manifest = read(arguments.model_manifest)
    return Device(
        plugin=plugin,
        hardware=hardware,
        here=here,
        threads=threads,
        manifest=manifest,
        batches=_batches(arguments, manifest),
    )


def artifact(arguments: argparse.Namespace, device: Device) -> Model:
    """The artifact."""
    measured = Measured(label=arguments.artifact_label, digest=device.manifest["digest"])
    return Model(path=arguments.model, manifest=device.manifest, hardware=device.hardware, measured=measured)


def baseline(arguments: argparse.Namespace, device: Device, budget: Budget) -> Model:
    """The model that a budget is relative to.

    Raises:
      LeptonError: there is none, or it takes other inputs or another batch.
    """
    if arguments.baseline_model is None or arguments.baseline_manifest is None:
        raise LeptonError(
            f"budget {budget.name}", "it compares with a baseline and there is none", "Set the test's baseline"
        )
    against = read(arguments.baseline_manifest)
    _require_batch(arguments, against, arguments.baseline_label)
    takes, given = (
        [(tensor["name"], tensor["dtype"], tensor["shape"][1:]) for tensor in one["inputs"]]
        for one in (against, device.manifest)
    )
    if sorted(takes) != sorted(given):
        raise LeptonError(
            f"baseline {arguments.baseline_label}",
            f"it takes the inputs {sorted(takes)}, and {arguments.artifact_label} takes {sorted(given)}",
            "Compare with a model of the same signature",
        )
    return Model(
        path=arguments.baseline_model,
        manifest=against,
        hardware=_baseline_hardware(against, device.hardware),
        measured=Measured(label=arguments.baseline_label, digest=against["digest"]),
    )


@contextlib.contextmanager
def opened(arguments: argparse.Namespace, device: Device, model: Model) -> Iterator[Opened]:
    """A model in the runtime, ready to run; it has run each batch once, rightly. Closed at the end."""
    context = RuntimeContext(
        label=arguments.label,
        config=None,
        model=ModelDirectory(model.path.absolute(), model.manifest),
        hardware=model.hardware,
        threads=device.threads,
    )
    batches, before = device.batches, process.threads()
    runtime = make_runtime(device.plugin, arguments.component, arguments.config, context)
    try:
        for batch in batches:
            require_numbers(check_outputs(runtime.run(batch), model.manifest, arguments.batch))
        after = process.threads()
        yield Opened(
            run=lambda index: runtime.run(batches[index % len(batches)]),
            threads=None if before is None or after is None else 1 + after - before,
        )
    finally:
        runtime.close()


def make_runtime(plugin: LoadedPlugin, component: str, config: str, context: RuntimeContext) -> Any:
    """The runtime with the model loaded; `config` is JSON."""
    descriptor: Any = plugin.find("runtimes", component)
    make: Callable[[RuntimeContext], Any] = plugin.resolve(descriptor)
    return make(dataclasses.replace(context, config=parse_config(descriptor.config, parse_json(config))))


def parse_hardware(text: str) -> HardwareFacts | None:
    """The chip from its flag: null, or an object with the fields of HardwareFacts.

    Raises:
      LeptonError: it is neither.
    """
    try:
        facts = parse_json(text)
        if facts is None:
            return None
        return HardwareFacts(**{**facts, "capabilities": frozenset(facts.get("capabilities", ()))})
    except (ValueError, TypeError, AttributeError) as error:
        raise LeptonError("test", f"--hardware is wrong ({error})", "Report this to lepton_rules") from error


def pin(affinity: str) -> None:
    """Keeps this process, and all that it starts, on some CPUs.

    Args:
      affinity: CPUs as `taskset --cpu-list` takes them, such as "0-3,8"; empty for any.

    Raises:
      InfrastructureError: one of them is not there, or is not for this process.
    """
    if not affinity:
        return
    wanted: set[int] = set()
    for part in affinity.split(","):
        first, _, last = part.partition("-")
        wanted |= set(range(int(first), int(last or first) + 1))
    if not hasattr(os, "sched_setaffinity"):
        raise InfrastructureError(
            "affinity",
            f"the hardware names the CPUs {affinity}, and this system binds no process to any",
            "Run the test on Linux, or remove the hardware's affinity",
        )
    allowed = os.sched_getaffinity(0)
    if missing := sorted(wanted - allowed):
        raise InfrastructureError(
            "affinity",
            f"the hardware names the CPUs {affinity}, and CPU {missing[0]} is not among the {len(allowed)} that this "
            "process may use",
            "Run the test where they are, or correct the hardware's affinity",
        )
    os.sched_setaffinity(0, wanted)


def require_numbers(outputs: Mapping[str, Array]) -> None:
    """Raises LeptonError when an output holds NaN."""
    import numpy

    for name, array in outputs.items():
        if array.dtype.kind == "f" and numpy.isnan(array).any():
            raise LeptonError(f"output {name!r}", "it holds NaN", "Mend the model: its speed means nothing")


def _require_chip(
    plugin: LoadedPlugin, hardware: HardwareFacts | None, here: Machine, absolute: Sequence[Budget]
) -> None:
    """Raises LeptonError for absolute figures on no declared chip, and when the chip is not in this machine."""
    if hardware is None:
        if absolute:
            raise LeptonError(
                f"budget {absolute[0].name}",
                "an absolute figure means something on a declared chip only, and the artifact has no hardware",
                "Give the artifact hardware, or gate a ratio to a baseline",
            )
        return
    flag = getattr(plugin.find("targets", hardware.target), "available", "")
    # A flag that the detection does not know is a stranger's: the rule has asked it.
    if not here.chips.get(flag, True):
        raise InfrastructureError(
            f"hardware {hardware.target}",
            f"this machine ({here.cpu}) has no {flag}",
            "Run the test on a machine that has the chip",
        )


def _batches(arguments: argparse.Namespace, manifest: Mapping[str, Any]) -> list[dict[str, Array]]:
    """Up to 16 different inputs of the wanted batch, from the dataset."""
    _require_batch(arguments, manifest, arguments.artifact_label)
    inputs, samples = model_inputs(DatasetFile(arguments.dataset), manifest)
    count = min(DISTINCT_BATCHES, -(-samples // arguments.batch))
    return [batch_of(inputs, index * arguments.batch, arguments.batch) for index in range(count)]


def _require_batch(arguments: argparse.Namespace, manifest: Mapping[str, Any], label: str) -> None:
    fixed = fixed_batch(manifest)
    if arguments.batch < 1 or fixed not in (None, arguments.batch):
        takes = "at least 1" if fixed is None else f"{fixed} only"
        raise LeptonError(
            "batch", f"it is {arguments.batch}, and {label} takes {takes}", "Set the test's batch to that"
        )


def _baseline_hardware(manifest: Mapping[str, Any], hardware: HardwareFacts | None) -> HardwareFacts | None:
    """The chip that the baseline was made for, else the candidate's; with the candidate's runtime and threads."""
    own = manifest["hardware"]
    if own is None or hardware is None:
        return hardware
    return HardwareFacts(
        target=own["target"],
        runtime=hardware.runtime,
        capabilities=frozenset(own["capabilities"]),
        options=own["options"],
        threads=hardware.threads,
    )
