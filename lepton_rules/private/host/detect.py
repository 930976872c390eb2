"""Tells what this machine is, as one JSON object: {"identity": {…}, "chips": {…}}.

Run by the host's Python, whichever it is, with the path of lepton_rules/worker/isa.py. A chip counts as here when its
driver answers: a device node, not a program on PATH, which a container image may have without the device.
"""

from __future__ import annotations

import json
import os
import platform
import runpy
import sys
from pathlib import Path
from typing import Any


def identity(isa: dict[str, Any]) -> dict[str, Any]:
    """What a measured time depends on: CPU, its number of usable cores, its memory rounded to GiB, architecture,
    ISA class, GPUs.
    """
    return {
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cpu": isa["cpu_name"](),
        "gpus": _nvidia_names(),
        "isa": isa["detect"](),
        "system": platform.system(),
    }


def chips(isa: dict[str, Any]) -> dict[str, bool]:
    """Which of the chips that first-party hardware targets name are here."""
    name = isa["detect"]()
    cuda = Path("/dev/nvidiactl").exists() and bool(_nvidia_names())
    return {
        "cpu": True,
        "cpu_vnni": "vnni" in name or name == "x86_64_amx",
        "cuda": cuda,
        "tensorrt": cuda,
    }


def _nvidia_names() -> list[str]:
    """Models of the NVIDIA GPUs that the kernel's driver knows, sorted."""
    names = []
    for information in Path("/proc/driver/nvidia/gpus").glob("*/information"):
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "Model":
                names.append(value.strip())
    return sorted(names)


def main(path: str) -> None:
    """Prints the facts; `path` is that of isa.py."""
    isa = runpy.run_path(path)
    print(json.dumps({"identity": identity(isa), "chips": chips(isa)}, sort_keys=True))


if __name__ == "__main__":
    main(sys.argv[1])
