"""What one profile found, as it stands in profile.json; all that advice may rest on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Node:
    """One operator of the graph that the runtime made.

    Attributes:
      seconds: the median of its time in one inference.
      share: of the time of all operators, between 0 and 1.
      roof_share: of the machine's roofline, None where nobody knows what it moves.
      roof_seconds: the least time that it could take; None likewise.
      bound: "compute" or "memory", "" likewise.
      The others are as in `protocol.Event`.
    """

    name: str
    layer: str
    operator: str
    place: str
    precision: str
    seconds: float
    share: float
    operations: int | None
    moved_bytes: int
    constant_bytes: int
    roof_seconds: float | None
    roof_share: float | None
    bound: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """Nodes of one operator, precision and place together; figures as in `Node`."""

    operator: str
    precision: str
    place: str
    nodes: int
    seconds: float
    share: float
    roof_share: float | None


@dataclass(frozen=True, kw_only=True)
class LayerFacts:
    """A layer with weights.

    Attributes:
      precision: what its product is made in.
      seconds, share: of its own node; 0 where the runtime's graph does not tell which that is.
      sqnr_db: of the model's outputs when this layer alone is quantized; None where that was not measured.
    """

    name: str
    operator: str
    weights: int
    precision: str
    seconds: float
    share: float
    sqnr_db: float | None


@dataclass(frozen=True, kw_only=True)
class Step:
    """The model after one step of its lineage.

    Attributes:
      latencies_ns: of single inferences, measured in turns with those of the other steps; empty where it does not run
        on the chip.
    """

    number: int
    name: str
    format: str
    digest: str
    bytes: int
    latencies_ns: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The whole of it.

    Attributes:
      label, digest: of the artifact.
      target, capabilities, threads: its chip.
      cores: of this machine that the process may use.
      batch: samples in one inference.
      dimensions: the symbolic dimensions of the inputs, and their lengths in what was profiled.
      passes: the lineage: {"pass", "config"}, the oldest first.
      latencies_ns: of single inferences without the profiler, in the order in which they ran.
      kernel_seconds: all operators of one inference together, with the profiler on.
      peaks: {"operations": {precision: a second}, "bandwidth": [[bytes, bytes a second]]}; None without a profiler.
      roof_share: of all operators together.
      memory: bytes by name, see `memory.Memory`.
      float_digest: the model that sensitivity was measured on; "" where there is none.
      output_sqnr_db: of the artifact's outputs against that model's, the worst of them.
      parity: the same output by output, see `parity.parity`.
      samples: that both were measured on.
      threads_seconds: median inference by number of threads.
      environment: the machine, as in measurement.json.
    """

    label: str
    digest: str
    target: str
    capabilities: Sequence[str]
    threads: int
    cores: int
    batch: int
    passes: Sequence[Mapping[str, Any]]
    latencies_ns: Sequence[int]
    dimensions: Mapping[str, int] = field(default_factory=dict)
    kernel_seconds: float = 0.0
    nodes: Sequence[Node] = ()
    groups: Sequence[Group] = ()
    peaks: Mapping[str, Any] | None = None
    roof_share: float | None = None
    memory: Mapping[str, int] = field(default_factory=dict)
    layers: Sequence[LayerFacts] = ()
    float_digest: str = ""
    output_sqnr_db: float | None = None
    parity: Sequence[Mapping[str, Any]] = ()
    samples: int = 0
    steps: Sequence[Step] = ()
    threads_seconds: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)

    def ran(self, name: str) -> bool:
        """Whether the lineage has a pass of this name."""
        return any(step["pass"] == name for step in self.passes)

    def config(self, name: str) -> Mapping[str, Any] | None:
        """The configuration of the last pass of this name, or None."""
        found = [step["config"] for step in self.passes if step["pass"] == name]
        return found[-1] if found else None

    def share(self, *operators: str) -> float:
        """Of the time of all operators, those of these types."""
        return sum(node.share for node in self.nodes if node.operator in operators)

    def to_json(self) -> dict[str, Any]:
        """JSON types only."""
        content = dataclasses.asdict(self)
        content["latencies_ns"] = list(self.latencies_ns)
        return {"schema_version": SCHEMA_VERSION, "kind": "profile", **content}
