"""The process that runs a plugin's components for the kit, with its libraries: `driver.py <job.json> <result.json>`.

The kit starts one for each hash seed. Where there is fork, each run has a child of its own, as in the worker, with its
own working directory and home: what a pass leaves behind, or takes from there, shows.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import math
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lepton_rules.plugin.arrays import read_npz
from lepton_rules.plugin.config import NoConfig, parse_config
from lepton_rules.plugin.contexts import (
    DatasetFile,
    ExportContext,
    HardwareFacts,
    ImportContext,
    MetricContext,
    ModelDirectory,
    PackageContext,
    PassContext,
    RuntimeContext,
    RuntimeFacts,
)
from lepton_rules.plugin.descriptors import Exporter, Importer, Metric, Packager, Pass, Runtime, Target
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.facts import ModelFacts
from lepton_rules.plugin.packages import check_package, layer_to_json, package_to_json

LABEL = "//contract:sample"


def _function(reference: str) -> Callable[..., Any]:
    """Returns the attribute that `module:attribute` names."""
    module, _, attribute = reference.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return found


def _loaded_lazily(job: Mapping[str, Any]) -> dict[str, Any]:
    """Loads the plugin and tells which top-level modules came with it."""
    from lepton_rules.plugin.manager import load

    before = {name.partition(".")[0] for name in sys.modules}
    plugin = load(job["name"], job["entry"])
    after = {name.partition(".")[0] for name in sys.modules}
    own = {plugin.entry.partition(".")[0]} | before | sys.stdlib_module_names
    return {"foreign": sorted(after - own)}


def _samples(job: Mapping[str, Any]) -> dict[str, Any]:
    """Calls the author's function."""
    from lepton_rules.plugin.contract.samples import to_json

    directory = Path(job["directory"])
    directory.mkdir()
    return to_json(_function(job["samples"])(directory))


class _Runner:
    """Runs cases of one plugin on its samples."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        from lepton_rules.plugin.capabilities import CAPABILITIES
        from lepton_rules.plugin.contract.samples import facts_from_json
        from lepton_rules.plugin.manager import load

        self.plugin = load(job["name"], job["entry"])
        self.samples = job["samples"]
        self.capabilities = frozenset(CAPABILITIES)
        self.facts = {key: facts_from_json(m["facts"]) for key, m in self.samples["models"].items()}

    def _model(self, key: str, format: str, hardware: HardwareFacts | None = None) -> ModelDirectory:
        from lepton_rules import manifest

        path = Path(self.samples["models"][key]["path"])
        step = manifest.step(
            component="contract.sample", config=NoConfig(), plugin="contract", version="1.0.0", libraries={}
        )
        facts = self.facts[key]
        built = manifest.build(format=format, facts=facts, directory=path, step=step, hardware=hardware)
        manifest.validate(built)
        return ModelDirectory(path=path, manifest=built)

    def _dataset(self, key: str) -> DatasetFile | None:
        path = self.samples["models"][key]["dataset"]
        return DatasetFile(Path(path)) if path else None

    def run(self, case: Mapping[str, Any], output: Path) -> dict[str, Any]:
        """Runs one case with `output` as its directory, and tells what came of it."""
        descriptor = self.plugin.find(case["kind"], case["name"])
        what = f"configuration of {self.plugin.name}.{case['name']}"
        if isinstance(descriptor, Target):
            raise TypeError("a target has no code to run")
        config: Any = parse_config(descriptor.config, case["config"], what=what)
        implementation = self.plugin.resolve(descriptor)
        if isinstance(descriptor, Metric):
            return self._metric(descriptor, implementation, config)
        if isinstance(descriptor, Runtime):
            return self._runtime(descriptor, case["format"], implementation, config)
        if isinstance(descriptor, Packager):
            return self._package(descriptor, case["format"], implementation, config)
        return self._written(case["kind"], descriptor, implementation, config, output)

    def _metric(self, metric: Metric, implementation: Any, config: Any) -> dict[str, Any]:
        sample = self.samples["metrics"][metric.name]
        baseline = read_npz(Path(sample["baseline"])) if metric.needs_baseline else None
        value = implementation(
            MetricContext(
                config=config,
                outputs=read_npz(Path(sample["outputs"])),
                arrays=read_npz(Path(sample["arrays"])),
                baseline=baseline,
            )
        )
        if not isinstance(value, float) or not math.isfinite(value):
            raise LeptonError(
                f"metric {self.plugin.name}.{metric.name}",
                f"it returned {value!r} ({type(value).__name__}), accepted is a finite float",
                "Return float(…)",
            )
        return {"value": value.hex()}

    def _hardware(self, runtime: Runtime, format: str) -> HardwareFacts | None:
        """Returns the first chip of the plugin that runs `format` with `runtime`: a runtime may refuse any other."""
        for name, target in sorted(self.plugin.targets.items()):
            if target.runtime == runtime.name and format in target.accepts:
                return HardwareFacts(
                    target=name,
                    runtime=runtime.name,
                    capabilities=frozenset(target.capabilities),
                    options=target.options,
                )
        return None

    def _runtime(self, runtime: Runtime, format: str, implementation: Any, config: Any) -> dict[str, Any]:
        """Runs a sample model on its dataset and returns a digest of the outputs and their signature."""
        hardware = self._hardware(runtime, format)
        model = self._model(format, format, hardware)
        dataset = self._dataset(format)
        if dataset is None:
            raise LeptonError("samples of the contract", f"the {format} model has no dataset", "Give SampleModel one")
        arrays = dataset.arrays()
        inputs = {t["name"]: arrays[t["name"]] for t in model.manifest["inputs"]}
        running = implementation(
            RuntimeContext(label=LABEL, config=config, model=model, hardware=hardware, threads=1, reference=True)
        )
        try:
            outputs = running.run(inputs)
        finally:
            running.close()
        digest = hashlib.sha256()
        for name in sorted(outputs):
            digest.update(f"{name} {outputs[name].dtype} {outputs[name].shape}\n".encode())
            digest.update(outputs[name].tobytes())
        return {
            "digest": digest.hexdigest(),
            "outputs": [{"name": n, "dtype": a.dtype.name, "shape": list(a.shape)} for n, a in sorted(outputs.items())],
        }

    def _package(self, packager: Packager, format: str, implementation: Any, config: Any) -> dict[str, Any]:
        """Asks for a package of the sample model, for a chip where it serves, and returns what it holds."""
        model = self._model(format, format).manifest
        hardware = runtime = None
        if packager.serves:
            hardware = HardwareFacts(target="contract", runtime="contract", capabilities=self.capabilities)
            runtime = RuntimeFacts(plugin="contract", entry="lepton_plugin_contract", name="contract")
        returned = implementation(
            PackageContext(
                label=LABEL,
                config=config,
                model=model,
                hardware=hardware,
                runtime=runtime,
                name="sample",
                version="1",
                sources=packager.sources,
            )
        )
        package = check_package(
            f"packager {self.plugin.name}.{packager.name}",
            returned,
            layers=packager.layers,
            model_files=sorted(model["files"]),
        )
        return {
            "package": package_to_json(package),
            "layers": {name: layer_to_json(name, layer) for name, layer in package.layers.items()},
        }

    def _written(
        self, kind: str, component: Importer | Pass | Exporter, implementation: Any, config: Any, output: Path
    ) -> dict[str, Any]:
        """Runs what writes a model and returns the facts, the files' table and the model's true signature."""
        from lepton_rules import manifest
        from lepton_rules.plugin.contract.samples import facts_to_json, model_key

        subject = f"{type(component).__name__.lower()} {self.plugin.name}.{component.name}"
        output.mkdir(parents=True)
        before: ModelDirectory | None = None
        key = ""
        context: ImportContext | PassContext | ExportContext
        if isinstance(component, Importer):
            sample = self.samples["imports"][component.name]
            sources, weights = (tuple(Path(p) for p in sample[key]) for key in ("sources", "weights"))
            context = ImportContext(
                label=LABEL,
                config=config,
                sources=sources,
                weights=weights,
                allow_code=sample["allow_code"],
                output=output,
            )
        else:
            key = model_key(self.samples["models"], kind, component.name, component.consumes)
            before = model = self._model(key, component.consumes)
            hardware = None
            if isinstance(component, Pass) and component.requires:
                hardware = HardwareFacts(target="contract", runtime="contract", capabilities=self.capabilities)
            if isinstance(component, Exporter):
                context = ExportContext(label=LABEL, config=config, model=model, hardware=hardware, output=output)
            else:
                slots = {}
                for slot in component.slots:
                    bound = model if slot.kind == "model" else self._dataset(key)
                    if bound is None:
                        raise LeptonError(
                            subject,
                            f"its slot {slot.name!r} takes a dataset, and the sample model has none",
                            f"Give SampleModel of {key!r} a dataset",
                        )
                    slots[slot.name] = bound
                context = PassContext(
                    label=LABEL, config=config, model=model, slots=slots, hardware=hardware, output=output
                )
        facts = implementation(context)
        if not isinstance(facts, ModelFacts):
            raise LeptonError(
                subject, f"it returned {type(facts).__name__}, accepted is ModelFacts", "Return ModelFacts(…)"
            )
        step = manifest.step(
            component=f"{self.plugin.name}.{component.name}",
            config=config,
            plugin=self.plugin.name,
            version=self.plugin.version,
            libraries={},
        )
        written = manifest.build(format=component.produces, facts=facts, directory=output, step=step)
        manifest.validate(written)
        changed = False
        if before is not None:
            changed = before.manifest["files"] != self._model(key, before.manifest["format"]).manifest["files"]
        result: dict[str, Any] = {
            "facts": facts_to_json(facts),
            "files": written["files"],
            "changed_model": changed,
        }
        if self.samples["signature"]:
            inputs, outputs = _function(self.samples["signature"])(component.produces, output)
            result["true_inputs"] = [t.to_json() for t in inputs]
            result["true_outputs"] = [t.to_json() for t in outputs]
        return result


def _attempt(function: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Returns what `function` returns, or what it raised: {"error", "refused", "traceback"}."""
    try:
        return function()
    except LeptonError as error:
        return {"error": str(error), "refused": True, "traceback": traceback.format_exc()}
    except (Exception, SystemExit) as error:
        return {
            "error": f"{type(error).__name__}: {error}",
            "refused": False,
            "traceback": traceback.format_exc(),
        }


def _isolated(function: Callable[[], dict[str, Any]], directory: Path, timeout_s: float) -> dict[str, Any]:
    """Runs `function` in a forked child whose working directory and home are new and empty, where there is fork."""
    scratch = directory / "scratch"
    scratch.mkdir(parents=True)

    def body() -> dict[str, Any]:
        os.chdir(scratch)
        os.environ["HOME"] = str(scratch)
        return _attempt(function)

    if not hasattr(os, "fork"):
        result = body()
    else:
        answer = directory / "answer.json"
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.setsid()
                answer.write_text(json.dumps(body()), "utf-8")
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        result = _await(pid, answer, timeout_s)
    result["stray"] = sorted(str(p.relative_to(scratch)) for p in scratch.rglob("*"))
    return result


def _await(pid: int, answer: Path, timeout_s: float) -> dict[str, Any]:
    """Waits for a child, ends it after `timeout_s` seconds, and ends whatever it has left running."""
    deadline = time.monotonic() + timeout_s
    late = False
    while True:
        done, status = os.waitpid(pid, 0 if late else os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            late = True
            os.kill(pid, signal.SIGKILL)
        else:
            time.sleep(0.005)
    # The child leads a session of its own, whose other processes outlive it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if late:
        return {"error": f"it did not end within {timeout_s:g} s", "refused": False, "traceback": ""}
    if status == 0 and answer.is_file():
        found: dict[str, Any] = json.loads(answer.read_text("utf-8"))
        return found
    code = os.waitstatus_to_exitcode(status)
    died = f"its process was killed by signal {-code}" if code < 0 else f"its process exited with status {code}"
    return {"error": died, "refused": False, "traceback": ""}


def _run(job: Mapping[str, Any]) -> dict[str, Any]:
    runner = _Runner(job)
    for case in job["cases"]:
        # Imported before the fork, as the worker's preload does; what fails here fails again, and is told, in the run.
        _attempt(lambda case=case: {"": str(runner.plugin.resolve(runner.plugin.find(case["kind"], case["name"])))})  # type: ignore[misc,arg-type]
    results = []
    for number, case in enumerate(job["cases"]):
        runs = []
        for run in range(case["runs"]):
            directory = Path(job["directory"]) / f"case{number}" / f"run{run}"
            output = directory / "model"
            runs.append(_isolated(lambda c=case, o=output: runner.run(c, o), directory, job["timeout_s"]))  # type: ignore[misc]
        results.append(runs)
    return {"results": results}


_MODES: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "lazy": _loaded_lazily,
    "samples": _samples,
    "run": _run,
}


def main(job_file: str, result_file: str) -> None:
    """Does the job and writes its result, or what it raised."""
    job = json.loads(Path(job_file).read_text("utf-8"))
    result = _attempt(lambda: _MODES[job["mode"]](job))
    Path(result_file).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
