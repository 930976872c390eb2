"""What a model takes and gives, as its manifest says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lepton_rules.plugin.facts import TensorSpec
from lepton_server.datatypes import datatype

_PLATFORMS = {"onnx": "onnx_onnxv1"}  # the protocol's names


@dataclass(frozen=True)
class Tensor:
    """One input or output. A dimension that is known only at run time is its name.

    Args:
        name: the tensor's name.
        dtype: numpy's name of its element type; `str` is an array of Python strings.
        datatype: the protocol's name of it.
        shape: lengths and names.
    """

    name: str
    dtype: str
    datatype: str
    shape: tuple[int | str, ...]

    def metadata(self) -> dict[str, Any]:
        """Returns the tensor as the protocol's metadata has it: -1 where a dimension varies."""
        shape = [-1 if isinstance(length, str) else length for length in self.shape]
        return {"name": self.name, "datatype": self.datatype, "shape": shape}


@dataclass(frozen=True)
class Signature:
    """A model's name, version, inputs and outputs.

    Args:
        name: what paths call the model.
        version: what paths call its version.
        platform: the protocol's name of its format.
        digest: the manifest's digest of the model's files.
        inputs: in the model's order.
        outputs: in the model's order.
        batched: whether all inputs and outputs share a first dimension that varies, so that rows of several requests
            can be run at once.
    """

    name: str
    version: str
    platform: str
    digest: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    batched: bool

    @classmethod
    def of(cls, manifest: Mapping[str, Any], name: str, version: str) -> Signature:
        """Returns the signature that a valid manifest describes. LeptonError for a type that cannot be served."""
        sides = []
        for side in ("inputs", "outputs"):
            specs = [TensorSpec.from_json(spec) for spec in manifest[side]]
            sides.append(
                tuple(Tensor(spec.name, spec.dtype, datatype(spec.dtype, spec.name), spec.shape) for spec in specs)
            )
        inputs, outputs = sides
        first = {tensor.shape[0] if tensor.shape else None for tensor in inputs + outputs}
        batched = len(first) == 1 and isinstance(next(iter(first)), str)
        platform = _PLATFORMS.get(manifest["format"], manifest["format"])
        return cls(name, version, platform, manifest["digest"], inputs, outputs, batched)

    def metadata(self) -> dict[str, Any]:
        """Returns the protocol's model metadata."""
        return {
            "name": self.name,
            "versions": [self.version],
            "platform": self.platform,
            "inputs": [tensor.metadata() for tensor in self.inputs],
            "outputs": [tensor.metadata() for tensor in self.outputs],
            # Not the protocol's, which lets a server add what it likes. Clients tell by the digest whether this is the
            # model that they know.
            "properties": {"digest": self.digest},
        }

    def config(self, max_batch: int) -> dict[str, Any]:
        """Returns the model's configuration as Triton's extension model_configuration has it.

        https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_configuration.md
        """

        def tensor(one: Tensor) -> dict[str, Any]:
            dims = one.metadata()["shape"][1 if self.batched else 0 :]
            kind = "STRING" if one.datatype == "BYTES" else one.datatype
            return {"name": one.name, "data_type": f"TYPE_{kind}", "dims": dims}

        return {
            "name": self.name,
            "platform": self.platform,
            "max_batch_size": max_batch if self.batched else 0,
            "input": [tensor(one) for one in self.inputs],
            "output": [tensor(one) for one in self.outputs],
        }
