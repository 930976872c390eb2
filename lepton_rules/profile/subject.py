"""What is looked at: an artifact, its chip, the runtime that drives it, and inputs from its dataset."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lepton_rules.manifest import parse_json, read
from lepton_rules.measure.inputs import batch_of, check_outputs, fixed_batch, model_inputs
from lepton_rules.measure.machine import machine
from lepton_rules.plugin.config import parse_config
from lepton_rules.plugin.contexts import DatasetFile, HardwareFacts, ModelDirectory, RuntimeContext
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.manager import load
from lepton_rules.profile.protocol import Profiler, profiler_of

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Parser(argparse.ArgumentParser):
    """Flags of the form --key=value. A wrong command line is an error of ours, like every other."""

    def __init__(self, what: str) -> None:
        super().__init__(prog=what, allow_abbrev=False)
        self.what = what
        own = self.add_argument_group("what the rule gives")
        for flag in ("label", "artifact_label", "plugin", "component"):
            own.add_argument(f"--{flag}", required=True, help=argparse.SUPPRESS)
        own.add_argument("--plugin_entry", default=None, help=argparse.SUPPRESS)
        own.add_argument("--config", default="{}", help=argparse.SUPPRESS)
        own.add_argument("--hardware", required=True, help=argparse.SUPPRESS)
        own.add_argument("--preload", default="", help=argparse.SUPPRESS)
        own.add_argument("--python_path", action="append", default=[], help=argparse.SUPPRESS)
        for flag in ("model", "model_manifest", "dataset", "identity"):
            own.add_argument(f"--{flag}", type=Path, required=True, help=argparse.SUPPRESS)
        self.add_argument(
            "--batch", type=int, default=None, help="samples in one inference (1, or what the model takes)"
        )

    def error(self, message: str) -> NoReturn:
        fix = f"See `bazel run {self.what} -- --help`" if self.what.startswith("//") else "See its --help"
        raise LeptonError("command line", message, fix)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An artifact that can be run.

    Attributes:
      label: of the runnable, for messages.
      artifact: label of the artifact.
      runtime: the class that runs models.
      config: an object of its configuration class.
      consumes: the formats that it takes.
      manifest: the artifact's.
      batch: samples in one inference.
      environment: the machine, as in measurement.json.
    """

    label: str
    artifact: str
    runtime: Callable[[RuntimeContext], Any]
    config: Any
    consumes: tuple[str, ...]
    hardware: HardwareFacts
    model: Path
    manifest: Mapping[str, Any]
    dataset: Path
    batch: int
    environment: Mapping[str, Any]

    def context(
        self, model: Path | None = None, manifest: Mapping[str, Any] | None = None, threads: int | None = None
    ) -> RuntimeContext:
        """For the artifact, or another model, on its chip."""
        return RuntimeContext(
            label=self.label,
            config=self.config,
            model=ModelDirectory((model or self.model).absolute(), manifest or self.manifest),
            hardware=self.hardware,
            threads=threads or self.hardware.threads,
        )

    @property
    def profiler(self) -> type[Profiler] | None:
        """What looks into models of this runtime, if anything does."""
        return profiler_of(self.runtime)

    def batches(self, count: int, size: int | None = None) -> list[dict[str, Array]]:
        """At most `count` different inputs, of `size` samples each or of the subject's batch."""
        size = size or self.batch
        inputs, samples = model_inputs(DatasetFile(self.dataset), self.manifest)
        count = max(1, min(count, samples // size))
        return [batch_of(inputs, index * size, size) for index in range(count)]

    def check(self, outputs: object, manifest: Mapping[str, Any] | None = None) -> dict[str, Array]:
        """The outputs, which must be those of the manifest."""
        return check_outputs(outputs, manifest or self.manifest, self.batch)


def subject(arguments: argparse.Namespace) -> Subject:
    """From the flags of `Parser`. Raises LeptonError for what cannot be run here."""
    facts = parse_json(arguments.hardware)
    hardware = HardwareFacts(**{**facts, "capabilities": frozenset(facts.get("capabilities", ()))})
    here = machine(arguments.identity)
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(hardware.threads)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    sys.path[:0] = [str(Path(path).absolute()) for path in arguments.python_path]
    plugin = load(arguments.plugin, arguments.plugin_entry)
    flag = getattr(plugin.find("targets", hardware.target), "available", "")
    if not here.chips.get(flag, True):
        fix = "Run it on a machine that has the chip"
        raise LeptonError(f"hardware {hardware.target}", f"this machine ({here.cpu}) has no {flag}", fix)
    descriptor: Any = plugin.find("runtimes", arguments.component)
    manifest = read(arguments.model_manifest)
    fixed = fixed_batch(manifest)
    batch = arguments.batch if arguments.batch is not None else fixed or 1
    if batch < 1 or fixed not in (None, batch):
        takes = "at least 1" if fixed is None else f"{fixed} only"
        raise LeptonError("--batch", f"it is {batch}, and {arguments.artifact_label} takes {takes}", "Give that")
    return Subject(
        label=arguments.label,
        artifact=arguments.artifact_label,
        runtime=plugin.resolve(descriptor),
        config=parse_config(descriptor.config, parse_json(arguments.config)),
        consumes=tuple(descriptor.consumes),
        hardware=hardware,
        model=arguments.model,
        manifest=manifest,
        dataset=arguments.dataset,
        batch=batch,
        environment=here.environment(hardware.threads),
    )


def user_path(path: str) -> Path:
    """A path of the user's, relative to where the user stands: `bazel run` starts programs elsewhere."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "")) / path


def own_flags(flags: Sequence[str]) -> list[str]:
    """The flags that make a Subject, without those of the program."""
    names: tuple[str, ...] = (
        "label",
        "artifact_label",
        "plugin",
        "component",
        "plugin_entry",
        "config",
        "hardware",
        "python_path",
    )
    names += ("preload", "model", "model_manifest", "dataset", "identity", "batch")
    return [flag for flag in flags if flag.partition("=")[0].removeprefix("--") in names]
