"""Runs steps outside Bazel, by the very program that Bazel runs: the worker, one action and then the end.

Each step is a process of its own with the closed environment of an action, the flag file of an action, and an action's
isolation. What Python a notebook runs in, its hash seed, its variables and its threads reach no step, so the bytes are
those that Bazel gets from the same environment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lepton_rules
from lepton_rules import manifest as manifests
from lepton_rules.actions.by_hand import one_line_json
from lepton_rules.plugin.descriptors import Pass, Slot
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import suggestion
from lepton_rules.recipe.catalog import Chip, Found, PluginSource
from lepton_rules.recipe.plan import PlannedStep

# The whole environment of an action: private/run_settings.bzl has the same, and a test compares them.
ENVIRONMENT: Mapping[str, str] = {
    "LC_ALL": "C.UTF-8",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "OPENBLAS_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONSAFEPATH": "1",
}

_ACTIONS = {"importers": "import_model", "passes": "run_pass", "exporters": "export_model"}

Bindings = Mapping[str, "Path | OnDisk"]


class StepError(LeptonError):
    """A step that failed: `str(error)` is the line that its process printed, `output` whatever else it printed."""

    def __init__(self, what: str, line: str, output: str) -> None:
        super().__init__(what, line.removeprefix("lepton: "), "See the output")
        self.line = line
        self.output = output

    def __str__(self) -> str:
        return self.line


@dataclass(frozen=True)
class OnDisk:
    """A model as steps read and write it: `<directory>/model`, and `manifest.json` beside that."""

    directory: Path

    @property
    def path(self) -> Path:
        """The directory with the model's files."""
        return self.directory / "model"

    @property
    def manifest_path(self) -> Path:
        """The file of the manifest."""
        return self.directory / "manifest.json"

    def manifest(self) -> dict[str, Any]:
        """The manifest. Raises LeptonError where it is none."""
        return manifests.read(self.manifest_path)

    @classmethod
    def find(cls, path: Path) -> OnDisk:
        """Returns the model at `path`: a step's directory, or the `model` in it.

        Raises:
            LeptonError: there is none.
        """
        path = path.absolute()
        for directory in (path, path.parent):
            found = cls(directory)
            if found.path.is_dir() and found.manifest_path.is_file() and path in (directory, found.path):
                return found
        what = f"model {path.name}"
        if not path.exists():
            raise LeptonError(what, f"there is no {path}", "Correct the path")
        raise LeptonError(
            what,
            "it is no model of lepton_rules: a folder with `model` and `manifest.json`",
            "Import it first: lepton step PLUGIN.IMPORTER --source=FILE --out=DIR",
        )


@dataclass(frozen=True, kw_only=True)
class Call:
    """What every step of one run shares.

    Args:
        label: what messages call the run.
        chip: the chip, or None.
        isa: the instruction set class that this machine must have, or None for whatever it has.
        seed: of every pass.
        threads: of every step.
    """

    label: str
    chip: Chip | None = None
    isa: str | None = None
    seed: int = 0
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What an importer reads.

    Args:
        sources: the model's files.
        weights: the files of weights.
        roots: directories that Python sources are imported from.
        allow_code: whether code that is stored in the files may run.
    """

    sources: Sequence[Path] = ()
    weights: Sequence[Path] = ()
    roots: Sequence[Path] = ()
    allow_code: bool = False


@dataclass
class Run:
    """A chain of steps: the last one's model is at `out`, the others' at `out/steps/<number>_<pass>`.

    Nothing is at `out` unless all went well. Each step that begins is told to `announce`.
    """

    call: Call
    model: OnDisk
    steps: Sequence[PlannedStep]
    bindings: Bindings = field(default_factory=dict)
    announce: Callable[[str], None] = lambda _: None

    def check(self) -> None:
        """Raises LeptonError where a slot that a step needs is not bound, or none has the slot that is bound."""
        slots = {slot.name: slot for step in self.steps for slot in _slots(step.found)}
        for name, bound in self.bindings.items():
            if name not in slots:
                raise LeptonError(f"slot {name}", "no pass of the recipe has such a slot", suggestion(name, slots))
            _check_bound(slots[name], bound)
        for step in self.steps:
            for slot in _slots(step.found):
                if slot.required and slot.name not in self.bindings:
                    how = f"--dataset {slot.name}=FILE.npz" if slot.kind == "dataset" else f"--slot {slot.name}=DIR"
                    raise LeptonError(
                        f"slot {slot.name} of {step.found.name}",
                        "nothing is bound to it",
                        f"Bind it, in a shell with {how}",
                    )

    def write(self, out: Path) -> Iterator[tuple[str, OnDisk]]:
        """Runs the steps, and yields each one's name and model when it is there, with its place in the end.

        Raises:
            LeptonError: something is at `out` already, or a step fails.
        """
        self.check()
        with _appearing(out) as work:
            model = self.model
            for number, step in enumerate(self.steps, 1):
                last = number == len(self.steps)
                place = work if last else work / "steps" / f"{number}_{step.found.name}"
                place.mkdir(parents=True, exist_ok=True)
                self.announce(f"{number}/{len(self.steps)} {step.found.name}")
                run_component(
                    self.call, step.found, step.config, place, model=model, bindings=_bound(step.found, self.bindings)
                )
                model = OnDisk(place)
                yield step.found.name, OnDisk(out / place.relative_to(work))
            if not self.steps:
                _bind(self.call, model, work)
                yield "bind", OnDisk(out)


def _slots(found: Found) -> tuple[Slot, ...]:
    return found.component.slots if isinstance(found.component, Pass) else ()


def _check_bound(slot: Slot, bound: Path | OnDisk) -> None:
    kind = "model" if isinstance(bound, OnDisk) else "dataset"
    if kind != slot.kind:
        raise LeptonError(
            f"slot {slot.name}", f"it is bound to a {kind} and takes a {slot.kind}", f"Bind it to a {slot.kind}"
        )
    if isinstance(bound, Path) and not bound.is_file():
        raise LeptonError(f"slot {slot.name}", f"there is no file {bound}", "Give the path of an .npz file")


def _bound(found: Found, bindings: Bindings) -> dict[str, Path | OnDisk]:
    return {slot.name: bindings[slot.name] for slot in _slots(found) if slot.name in bindings}


@contextlib.contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """Gives a directory that becomes `out` when all has gone well, and vanishes when not."""
    what = f"out {out.name or out}"
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LeptonError(what, f"{out} is there already", "Give a directory that is not there, or remove it")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise LeptonError(what, f"it cannot be written: {error.strerror}", "Give another directory") from None
    try:
        yield work
        work.chmod(0o755)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def import_to(call: Call, found: Found, config: Mapping[str, Any], sources: Sources, out: Path) -> OnDisk:
    """Imports a model into `out`, which must not be there. Raises LeptonError where the importer fails."""
    with _appearing(out) as work:
        run_component(call, found, config, work, sources=sources)
    return OnDisk(out)


def run_component(
    call: Call,
    found: Found,
    config: Mapping[str, Any],
    out: Path,
    *,
    model: OnDisk | None = None,
    bindings: Bindings | None = None,
    sources: Sources | None = None,
) -> None:
    """Runs one importer, pass or exporter as Bazel does, into the directory `out`.

    Raises:
        StepError: it failed; nothing is in `out`.
    """
    lines = [
        f"--plugin={found.plugin.name}",
        f"--plugin_entry={found.source.entry}",
        f"--component={found.component.name}",
        f"--config={one_line_json(config)}",
        f"--config_version={found.component.config.VERSION}",  # type: ignore[attr-defined]  # the catalog checked it
    ]
    if call.chip is not None and found.kind != "importers":
        lines.append(f"--hardware={one_line_json(call.chip.to_json())}")
    if found.kind == "passes":
        lines.append(f"--seed={call.seed}")
    if model is not None:
        lines += _model_lines("model", model)
    for name, bound in (bindings or {}).items():
        if isinstance(bound, OnDisk):
            lines.append(f"--slot={name}=model={bound.path.absolute()}")
            lines.append(f"--slot_manifest={name}={bound.manifest_path.absolute()}")
        else:
            lines.append(f"--slot={name}=dataset={bound.absolute()}")
    roots: list[Path] = []
    if sources is not None:
        lines.append(f"--allow_code={int(sources.allow_code)}")
        lines += [f"--source={path.absolute()}" for path in sources.sources]
        lines += [f"--weights={path.absolute()}" for path in sources.weights]
        roots = [root.absolute() for root in sources.roots]
    _act(call, _ACTIONS[found.kind], found.source, roots, lines, out, f"step {found.name}")


def _bind(call: Call, model: OnDisk, out: Path) -> None:
    """A recipe without steps gives the same model, whose manifest names the chip."""
    if call.chip is None:
        raise LeptonError("recipe", "it has no steps and there is no hardware", "Write a step, or give --hardware")
    lines = [f"--hardware={one_line_json(call.chip.to_json())}", *_model_lines("model", model)]
    _act(call, "bind", PluginSource(name="lepton"), [], lines, out, "bind")


def _model_lines(key: str, model: OnDisk) -> list[str]:
    return [f"--{key}={model.path.absolute()}", f"--{key}_manifest={model.manifest_path.absolute()}"]


def _act(
    call: Call, action: str, source: PluginSource, roots: Sequence[Path], lines: Sequence[str], out: Path, what: str
) -> None:
    # Bazel makes the directory of a directory output.
    (out / "model").mkdir(exist_ok=True)
    flags = [
        *lines,
        f"--output_model={out / 'model'}",
        f"--output_manifest={out / 'manifest.json'}",
        f"--output_weights_digest={out / 'weights.sha256'}",
        f"--action={action}",
        f"--label={call.label}",
        f"--threads={call.threads}",
        *([f"--isa={call.isa}"] if call.isa else []),
        *(f"--python_path={path.absolute()}" for path in source.paths),
        *(f"--python_path={path}" for path in roots),
    ]
    for flag in flags:
        if "\n" in flag or "\r" in flag:
            raise LeptonError(what, f"the line break in {flag!r} has no place in a flag", "Rename the file")
    with tempfile.TemporaryDirectory(prefix="lepton-run-") as temporary:
        flag_file = Path(temporary, "flags")
        flag_file.write_text("".join(f"{flag}\n" for flag in flags), "utf-8")
        # lepton_rules alone, and not what is installed beside it: the step may run in another Python.
        (Path(temporary, "root")).mkdir()
        package = Path(temporary, "root", "lepton_rules")
        package.symlink_to(Path(lepton_rules.__file__).absolute().parent, target_is_directory=True)
        startup = [source.python, "-s", "-P", str(package / "worker" / "main.py")]
        if source.preload:
            startup.append(f"--preload={','.join(source.preload)}")
        # Where temporary files go is the machine's own matter, and no step sees it: the worker gives each its own.
        environment = {**ENVIRONMENT, **{key: os.environ[key] for key in ("TMPDIR",) if key in os.environ}}
        try:
            done = subprocess.run(
                [*startup, f"@{flag_file}"],
                cwd=temporary,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                check=False,
            )
        except OSError as error:
            raise LeptonError(
                what, f"its Python {source.python} does not run: {error.strerror}", "Name another with --python"
            ) from None
    output = done.stderr.decode("utf-8", "replace")
    if done.returncode != 0:
        line, _, rest = output.partition("\n")
        if not line.startswith("lepton: "):
            line, rest = f"lepton: {what} in {call.label}: its process ended with {done.returncode}. See below.", output
        raise StepError(what, line, rest)
    if output.strip():
        os.write(2, output.encode())
