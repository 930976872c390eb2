"""Which machine measures: what a latency means nothing without."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_rules.manifest import parse_json
from lepton_rules.measure import process
from lepton_rules.measure.faults import InfrastructureError
from lepton_rules.worker import isa


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine that the build knows, which is this one.

    Attributes:
      cpu: what the CPU calls itself.
      isa: its instruction set class.
      gpus: models of its GPUs, sorted.
      chips: chip flags that its detection found, such as {"cuda": False}.
    """

    cpu: str
    isa: str
    gpus: tuple[str, ...]
    chips: Mapping[str, bool]

    def environment(self, threads: int) -> dict[str, Any]:
        """The `environment` of measurement.json. `cpus` are those that this process is on, all of its threads,
        where the system says."""
        libraries = {dist.metadata["Name"]: dist.version for dist in importlib.metadata.distributions()}
        cpus = process.cpus()
        return ({} if cpus is None else {"cpus": cpus}) | {
            "cpu": self.cpu,
            "isa": self.isa,
            "gpus": list(self.gpus),
            "threads": threads,
            "libraries": dict(sorted(libraries.items())),
        }


def machine(identity: Path) -> Machine:
    """Reads the identity that the build detected, an input of the test, so that no other machine's verdict is reused.

    Args:
      identity: identity.json of @lepton_rules_host: JSON with "cpu", "isa", "gpus" and "chips".

    Raises:
      InfrastructureError: it cannot be read, or this is another machine.
    """
    try:
        found = parse_json(identity.read_text("utf-8"))
        cpu, isa_class = found["cpu"], found["isa"]
        gpus, chips = tuple(found.get("gpus", ())), found.get("chips", {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InfrastructureError(
            "machine identity", f"{identity.name} cannot be read ({error})", "Fetch @lepton_rules_host again"
        ) from error
    here = (isa.cpu_name(), isa.detect())
    if here != (cpu, isa_class):
        raise InfrastructureError(
            "machine",
            f"this is {here[0]} ({here[1]}), and the build knows {cpu} ({isa_class})",
            "Run the test on the machine that the build detected, or fetch @lepton_rules_host again on this one",
        )
    return Machine(cpu=cpu, isa=isa_class, gpus=gpus, chips=chips)
