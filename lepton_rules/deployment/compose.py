"""A Compose file for one host, as hardened as the pod.

Source: the Compose specification, https://github.com/compose-spec/compose-spec.
"""

from __future__ import annotations

from typing import Any

from lepton_rules.deployment.metadata import annotations_of
from lepton_rules.deployment.pod import environment
from lepton_rules.deployment.quantity import parse
from lepton_rules.deployment.spec import READY, UID, Facts, Spec

_PYTHON = "/usr/bin/python3.11"


def compose(spec: Spec, facts: Facts) -> dict[str, Any]:
    """One service, reachable from this host alone; an overlay opens it to others."""
    cores, memory = parse(spec.cpu), parse(spec.memory)
    assert cores is not None and memory is not None, "the rule checks quantities"
    ask = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{spec.http_port}{READY}', timeout=2)"
    ports = [f"127.0.0.1:{spec.http_port}:{spec.http_port}"]
    if spec.grpc_port:
        ports.append(f"127.0.0.1:{spec.grpc_port}:{spec.grpc_port}")
    served: dict[str, Any] = {
        "image": facts.image,
        **({"platform": f"linux/{spec.architectures[0]}"} if len(spec.architectures) == 1 else {}),
        "init": True,
        "restart": "unless-stopped",
        "user": f"{UID}:{UID}",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "privileged": False,
        "cpus": str(cores.normalize().__format__("f")),
        "mem_limit": f"{int(memory)}b",
        "memswap_limit": f"{int(memory)}b",
        "pids_limit": 64,
        "ports": ports,
        "environment": {entry["name"]: entry["value"] for entry in environment(spec)},
        "labels": annotations_of(spec, facts),
        # The image has no shell and no curl; it has Python.
        "healthcheck": {
            "test": ["CMD", _PYTHON, "-c", ask],
            "interval": "10s",
            "timeout": "5s",
            "retries": 3,
            "start_period": f"{spec.startup_timeout_s}s",
        },
        "stop_grace_period": f"{spec.grace_s}s",
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
    }
    return {"name": spec.name, "services": {"server": served}}
