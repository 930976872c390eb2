"""What a model is, said without its weights: its tensors, its size, its cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.names import suggestion

# numpy's names, then those that ml_dtypes adds to numpy.
DTYPES = frozenset(
    (
        "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128 str "
        "bfloat16 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn int4 uint4 "
        "int2 uint2"
    ).split()
)


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a model.

    Args:
        name: the tensor's name in the model; what a dataset's array is called.
        dtype: numpy's name of the element type, such as `float32`.
        shape: one entry for each dimension: its length, or a name where it is known only at run time, such as
            `"batch"`.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    def __post_init__(self) -> None:
        what = f"tensor {self.name!r}"
        if not isinstance(self.name, str) or not self.name:
            raise LeptonError(what, "its name is not a string of at least one character", "Name every input and output")
        if self.dtype not in DTYPES:
            raise LeptonError(what, f"its dtype is {self.dtype!r}", suggestion(str(self.dtype), DTYPES))
        shape = tuple(self.shape)
        for length in shape:
            known = isinstance(length, int) and not isinstance(length, bool) and length >= 0
            if not known and not (isinstance(length, str) and length):
                raise LeptonError(
                    what,
                    f"its shape has the dimension {length!r}, accepted is a length from 0 on or a name",
                    "Name a dimension that is known only at run time",
                )
        object.__setattr__(self, "shape", shape)

    def to_json(self) -> dict[str, Any]:
        """Returns the tensor as a manifest writes it."""
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TensorSpec:
        """Returns the tensor that a (validated) manifest describes."""
        return cls(value["name"], value["dtype"], tuple(value["shape"]))


@dataclass(frozen=True)
class ModelFacts:
    """What an importer, a pass or an exporter says of the model that it wrote.

    Args:
        inputs: in the model's order.
        outputs: in the model's order.
        parameters: number of learned values, whatever their width.
        macs: multiply-accumulate operations for one sample, or None where they are not known.
        notes: deterministic facts for the manifest, JSON types only: no time, no duration, no host name, no absolute
            path.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parameters: int
    macs: int | None
    notes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any], notes: Mapping[str, Any] | None = None) -> ModelFacts:
        """Returns the facts of a model that is there, with other notes: what a pass that keeps them all returns."""
        return cls(
            inputs=tuple(map(TensorSpec.from_json, manifest["inputs"])),
            outputs=tuple(map(TensorSpec.from_json, manifest["outputs"])),
            parameters=manifest["parameters"],
            macs=manifest["macs"],
            notes=notes or {},
        )

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        for side in ("inputs", "outputs"):
            tensors = getattr(self, side)
            if not all(isinstance(t, TensorSpec) for t in tensors):
                raise LeptonError(
                    f"model's {side}", "they are not all TensorSpec", "Return TensorSpec(name, dtype, shape)"
                )
            names = [t.name for t in tensors]
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise LeptonError(f"model's {side}", f"{twice[0]!r} is there twice", "Name every tensor once")
        for name, value in (("parameters", self.parameters), ("macs", self.macs)):
            counted = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            if not counted and not (name == "macs" and value is None):
                raise LeptonError(
                    f"model's {name}", f"got {value!r}, accepted is a whole number from 0 on", "Return a count"
                )
