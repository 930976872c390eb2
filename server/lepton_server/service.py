"""The model behind the server: loaded, checked, warmed up, and asked."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_rules import manifest as manifests
from lepton_rules.plugin.config import parse_config
from lepton_rules.plugin.contexts import ModelDirectory, RuntimeContext
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.manager import load
from lepton_server import cgroup
from lepton_server.batching import Arrays, Batcher
from lepton_server.logs import log
from lepton_server.metrics import Metrics
from lepton_server.options import Options
from lepton_server.signature import Signature, Tensor

if TYPE_CHECKING:
    from lepton_server.tensors import Array


class Model:
    """The artifact in its runtime.

    Raises:
        LeptonError: the manifest is not valid, the files are not those that it names, or the runtime refuses them.
    """

    def __init__(self, options: Options) -> None:
        manifest = _read_manifest(options)
        self.signature = Signature.of(manifest, options.name, options.version)
        self.threads = options.threads or cgroup.cpus()
        plugin = load(options.runtime_plugin, options.runtime_entry)
        descriptor: Any = plugin.find("runtimes", options.runtime)
        if manifest["format"] not in descriptor.consumes:
            raise LeptonError(
                f"runtime {options.runtime}",
                f"the model's format is {manifest['format']}, and it runs {', '.join(descriptor.consumes)}",
                "Export the model to such a format, or name another runtime",
            )
        context = RuntimeContext(
            label=options.name,
            config=parse_config(descriptor.config, {}),
            model=ModelDirectory(options.model, manifest),
            hardware=None,
            threads=self.threads,
        )
        self._runtime = plugin.resolve(descriptor)(context)
        # Whether `run` may be called by several threads at once: a runtime says so by this attribute.
        concurrent = getattr(self._runtime, "concurrent", False) is True
        if options.workers > 1 and not concurrent:
            why = f"--workers is {options.workers}, and it runs one inference at a time"
            raise LeptonError(f"runtime {options.runtime}", why, "Leave --workers out")
        self.workers = options.workers or (self.threads if concurrent and options.max_batch == 1 else 1)

    def run(self, inputs: Arrays) -> Arrays:
        """Returns the outputs by name. LeptonError where the runtime refuses the inputs."""
        outputs: Arrays = self._runtime.run(inputs)
        return outputs

    def warm_up(self, rows: Sequence[int]) -> None:
        """Runs zeros in batches of `rows` rows, so that the first request meets a model that ran before."""
        for count in rows:
            try:
                self.run({tensor.name: _zeros(tensor, count) for tensor in self.signature.inputs})
            except LeptonError as error:
                log(logging.WARNING, "warm-up failed", rows=count, error=str(error))


class Service:
    """A model that is ready, with its queue."""

    def __init__(self, model: Model, options: Options, metrics: Metrics) -> None:
        self.signature = model.signature
        self._batcher = Batcher(
            model.run,
            workers=model.workers,
            batched=model.signature.batched,
            max_batch=options.max_batch,
            delay_s=options.max_batch_delay_ms / 1000,
            capacity=options.queue,
            observer=metrics,
        )
        metrics.signature = model.signature
        metrics.queue_depth = self._batcher.depth

    def admit(self) -> None:
        """RequestError 503 where the queue is full."""
        self._batcher.admit()

    async def infer(self, inputs: Mapping[str, Array], gone: Callable[[], bool]) -> Arrays:
        """Returns the model's outputs by name; see `Batcher.submit`."""
        return await self._batcher.submit(inputs, gone)


def _read_manifest(options: Options) -> dict[str, Any]:
    if not options.model.is_dir():
        raise LeptonError(f"model {options.model}", "there is no such directory", "Mend --model")
    manifest = manifests.read(options.model / "manifest.json")
    for name, entry in manifest["files"].items():
        path = options.model / name
        what = f"model file {name}"
        try:
            size = path.stat().st_size
            if size != entry["bytes"]:
                raise LeptonError(what, f"it has {size} bytes, the manifest says {entry['bytes']}", "Copy it again")
            if options.verify and _sha256(path) != entry["sha256"]:
                raise LeptonError(what, "its bytes are not those that the manifest names", "Copy it again")
        except OSError as error:
            raise LeptonError(what, f"it cannot be read: {error.strerror}", "Copy the whole model") from None
    return manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _zeros(tensor: Tensor, rows: int) -> Array:
    shape = [length if isinstance(length, int) else 1 for length in tensor.shape]
    if tensor.shape and isinstance(tensor.shape[0], str):
        shape[0] = rows
    if tensor.dtype == "str":
        return np.full(shape, "", object)
    return np.zeros(shape, tensor.dtype)
