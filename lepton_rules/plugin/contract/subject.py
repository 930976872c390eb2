"""A plugin under the contract: what was declared of it, its samples, and the processes that run its components."""

from __future__ import annotations

import functools
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from lepton_rules.plugin.config import config_schema
from lepton_rules.plugin.descriptors import KINDS, Component, Exporter, Importer, Metric, Packager, Pass, Runtime
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.manager import LoadedPlugin, load

# Two seeds under which the same set of short strings iterates in another order.
HASH_SEEDS = (0, 4242)


class Contract:
    """A plugin, and what the checks need to try it.

    Use it as a context manager, or call `close`: it holds a temporary directory.

    Args:
        name: the plugin's name.
        entry: its entry module; empty for a distribution's entry point.
        samples: `module:function`, see `lepton_rules.plugin.contract.samples`; empty for a plugin of targets alone.
        descriptors: what the `lepton_plugin` target declares, a mapping or the path of a JSON file. None where there is
            no such target.
        passes: path of the generated `passes.bzl`, or None.
        passes_label: the label that it gives the `lepton_plugin` target, such as `//plugins/onnx`.
        mend: the command that writes `passes.bzl` anew, for the message.
        timeout_s: seconds that one run of a component may take.
    """

    def __init__(
        self,
        name: str,
        entry: str = "",
        samples: str = "",
        descriptors: Mapping[str, Any] | Path | str | None = None,
        passes: Path | str | None = None,
        passes_label: str = "",
        mend: str = "",
        timeout_s: float = 120.0,
    ) -> None:
        self.name = name
        self.entry = entry
        self.samples = samples
        self.mend = mend or shlex.join(
            [
                *("python", "-m", "lepton_rules.plugin.generate", "--name", name),
                *(["--entry", entry] if entry else []),
                *("--label", passes_label or f"//plugins/{name}", "--output", str(passes or "passes.bzl")),
            ]
        )
        self.timeout_s = timeout_s
        self.passes = Path(passes) if passes else None
        self.passes_label = passes_label
        self._descriptors = descriptors
        # Bazel gives every test a directory of its own.
        self._directory = tempfile.TemporaryDirectory(prefix="lepton-contract-", dir=os.environ.get("TEST_TMPDIR"))
        self._jobs = 0
        self._samples_failure: LeptonError | None = None

    def __enter__(self) -> Contract:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Removes the temporary directory."""
        self._directory.cleanup()

    @functools.cached_property
    def plugin(self) -> LoadedPlugin:
        """The plugin, loaded in this process; none of its libraries is."""
        return load(self.name, self.entry)

    @property
    def what(self) -> str:
        """How an error calls it."""
        return f"contract of {self.plugin}"

    def failure(self, why: str, fix: str) -> LeptonError:
        """Returns the error of a check."""
        return LeptonError(self.what, why, fix)

    @functools.cached_property
    def declared(self) -> Mapping[str, Any] | None:
        """What the `lepton_plugin` target declares, or None where nothing was handed in."""
        if self._descriptors is None or isinstance(self._descriptors, Mapping):
            return self._descriptors
        declared: Mapping[str, Any] = json.loads(Path(self._descriptors).read_text("utf-8"))
        return declared

    def drive(self, mode: str, seed: int = 0, runs: int = 1, **job: Any) -> Any:
        """Runs the driver in a process of its own.

        Args:
            mode: of the driver.
            seed: PYTHONHASHSEED.
            runs: number of runs of components, each of which may take `timeout_s`, as the rest may.
            **job: what else the mode takes.

        Returns:
            What it returned, as JSON types.

        Raises:
            LeptonError: it raised or died; the traceback is printed.
        """
        self._jobs += 1
        # Of another length each time, so that a path that goes into an output shows.
        directory = Path(self._directory.name) / ("job" + "x" * self._jobs)
        directory.mkdir()
        (directory / "job.json").write_text(
            json.dumps(
                {"mode": mode, "name": self.name, "entry": self.entry, **job, "directory": str(directory / "work")}
            ),
            "utf-8",
        )
        environment = {
            **os.environ,
            "PYTHONHASHSEED": str(seed),
            "PYTHONPATH": os.pathsep.join(str(Path(p).absolute()) for p in sys.path if p),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONSAFEPATH": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "LC_ALL": "C.UTF-8",
        }
        driver = Path(__file__).with_name("driver.py")
        process = subprocess.Popen(
            [sys.executable, "-s", "-P", str(driver), str(directory / "job.json"), str(directory / "result.json")],
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
        )
        try:
            status = process.wait(self.timeout_s * (1 + runs))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise self.failure(
                f"the process that runs its components did not end within {self.timeout_s * (1 + runs):g} s",
                f"See what {self.samples or 'it'} waits for",
            ) from None
        result_file = directory / "result.json"
        if status or not result_file.is_file():
            raise self.failure(
                f"the process that runs its components ended with status {status}", "See its output above"
            )
        result = json.loads(result_file.read_text("utf-8"))
        if "error" in result:
            print(result["traceback"], file=sys.stderr)
            who = f"{self.samples} fails: " if mode == "samples" else ""
            raise self.failure(who + result["error"].removeprefix("lepton: "), "See the traceback above")
        return result

    @functools.cached_property
    def written_samples(self) -> Mapping[str, Any]:
        """The author's samples, written once. Raises LeptonError where a component has none."""
        from lepton_rules.plugin.contract.samples import Samples, model_key, to_json

        samples: Mapping[str, Any] = to_json(Samples())
        if self._samples_failure:
            raise self._samples_failure
        if self.samples:
            try:
                samples = self.drive("samples", samples=self.samples)
            except LeptonError as error:
                # Every check that follows needs the samples: they are tried once, and fail them all.
                self._samples_failure = error
                raise
        for kind, name, component in self.components():
            if isinstance(component, Importer):
                table, key = "imports", name
            elif isinstance(component, Metric):
                table, key = "metrics", name
            elif isinstance(component, Runtime | Packager):
                formats = _formats(component, samples)
                table, key = "models", formats[0] if formats else next(iter(component.consumes), "onnx")
            else:
                table, key = "models", model_key(samples["models"], kind, name, component.consumes)
            if key not in samples[table]:
                raise self.failure(
                    f"there is no sample for {kind}.{name}",
                    f"Give Samples.{table} an entry {key!r} in the function {self.samples or 'named by samples'}",
                )
        for table in ("configs", "models", "refused"):
            for key in samples[table]:
                kind, _, name = key.partition(".")
                if table == "models" and kind not in KINDS:
                    continue  # a format
                if kind not in KINDS or name not in getattr(self.plugin, kind):
                    raise self.failure(
                        f"Samples.{table} has the key {key!r}", "Write <kind>.<name>, such as passes.quantize"
                    )
        return samples

    def components(self) -> list[tuple[str, str, Component]]:
        """Returns (kind, name, descriptor) of everything that has code."""
        return [
            (kind, name, component)
            for kind in KINDS
            if kind != "targets"
            for name, component in sorted(getattr(self.plugin, kind).items())
        ]

    def configurations(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Returns the configurations to try a component with: the author's, and the default where there is one.

        Raises:
            LeptonError: an option has no default and the author gave no configuration.
        """
        component: Component = getattr(self.plugin, kind)[name]
        given: list[dict[str, Any]] = list(self.written_samples["configs"].get(f"{kind}.{name}", []))
        if kind == "importers":
            own = self.written_samples["imports"][name]["config"]
            given = [{**own, **config} for config in given] or [dict(own)]
        needed = [f for f, s in config_schema(component.config)["fields"].items() if "default" not in s]
        if not needed:
            return [{}, *given] if {} not in given and kind != "importers" else given
        if not given:
            raise self.failure(
                f"{kind}.{name} has the option {needed[0]!r} without a default, and the samples give no configuration",
                f"Give Samples.configs an entry '{kind}.{name}'",
            )
        return given

    @functools.cached_property
    def cases(self) -> list[dict[str, Any]]:
        """Every component, configuration and, for a runtime, format: {"kind", "name", "config", "format"}."""
        cases = []
        for kind, name, component in self.components():
            for config in self.configurations(kind, name):
                formats: list[str | None] = [None]
                if isinstance(component, Runtime | Packager):
                    formats = list(_formats(component, self.written_samples))
                cases += [{"kind": kind, "name": name, "config": config, "format": format} for format in formats]
        return cases

    @functools.cached_property
    def runs(self) -> list[list[dict[str, Any]]]:
        """The outcomes of two runs of each case, in the order of `cases`, under the first hash seed."""
        self._ran = time.monotonic()
        return self._run(HASH_SEEDS[0], 2)

    @functools.cached_property
    def later_runs(self) -> list[list[dict[str, Any]]]:
        """The outcomes of one more run of each case, later, elsewhere and under the second hash seed."""
        _ = self.runs
        # A time that goes into an output has most often the resolution of a second.
        time.sleep(max(0.0, 1.1 - (time.monotonic() - self._ran)))
        return self._run(HASH_SEEDS[1], 1)

    def _run(self, seed: int, runs: int) -> list[list[dict[str, Any]]]:
        results: list[list[dict[str, Any]]] = self.drive(
            "run",
            seed,
            runs * len(self.cases),
            samples=self.written_samples,
            timeout_s=self.timeout_s,
            cases=[{**case, "runs": runs} for case in self.cases],
        )["results"]
        return results

    @functools.cached_property
    def refusals(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Every configuration that the author says is refused, with the outcome of one run."""
        cases: list[dict[str, Any]] = []
        for key, configs in self.written_samples["refused"].items():
            kind, _, name = key.partition(".")
            component: Component = getattr(self.plugin, kind)[name]
            format = None
            if isinstance(component, Runtime | Packager):
                format = _formats(component, self.written_samples)[0]
            base = self.configurations(kind, name)[-1]
            cases += [
                {"kind": kind, "name": name, "config": {**base, **c}, "format": format, "runs": 1} for c in configs
            ]
        if not cases:
            return []
        answer = self.drive("run", runs=len(cases), samples=self.written_samples, timeout_s=self.timeout_s, cases=cases)
        return [(case, results[0]) for case, results in zip(cases, answer["results"], strict=True)]


def _formats(component: Runtime | Packager, samples: Mapping[str, Any]) -> list[str]:
    """Returns the formats that a component which changes no model is tried on: what it consumes, for a packager of any
    format each sample that is one."""
    there = [key for key in samples["models"] if key.partition(".")[0] not in KINDS]
    return [f for f in component.consumes if f in there] if component.consumes else there


def writes_model(component: Component) -> bool:
    """Tells whether a component writes a model."""
    return isinstance(component, Importer | Pass | Exporter)
