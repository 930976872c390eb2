"""What a deployment's rule knows, and what its action learns from the image."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from lepton_rules.plugin.errors import LeptonError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

# The user of every image of ours.
UID = 65532
# What is left after the last answer, before the kernel kills the server.
MARGIN_S = 5
# The server's paths, as the Open Inference Protocol has them.
LIVE = "/v2/health/live"
READY = "/v2/health/ready"
METRICS = "/metrics"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """The attributes of a lepton_deployment, checked by its rule; see there for what they mean."""

    label: str
    image_label: str
    name: str
    namespace: str
    part_of: str
    repository: str
    architectures: Sequence[str]
    platform: str
    replicas: int
    min_replicas: int
    max_replicas: int
    target_cpu_percent: int
    target_queue_depth: int
    cpu: str
    memory: str
    memory_test: str
    extended_resources: Mapping[str, str]
    http_port: int
    grpc_port: int
    service_port: int
    drain_s: int
    pre_stop_s: int
    startup_timeout_s: int
    env: Mapping[str, str]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    node_selector: Mapping[str, str]
    tolerations: Sequence[Mapping[str, Any]]
    image_pull_secrets: Sequence[str]
    priority_class: str
    service_account: str
    disruption_budget: str
    network_policy: bool
    allow_from: Sequence[Mapping[str, Any]]
    service_monitor: bool
    service_monitor_labels: Mapping[str, str]
    scrape_interval_s: int
    monitoring_namespace: str
    kserve_runtime: str
    model_repository: str
    pod_security: str
    overlays: Mapping[str, Any]

    @property
    def grace_s(self) -> int:
        """Seconds from the request to end until the kernel ends the server."""
        return self.pre_stop_s + self.drain_s + MARGIN_S

    @property
    def autoscaled(self) -> bool:
        """Whether the number of replicas is not the deployment's own."""
        return self.max_replicas > 0


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What only the built image tells.

    Attributes:
      image: the image's reference with its digest.
      model: the reference of the model as an image of its own with its digest; empty where there is none.
      model_digest: of the model's files.
      weights_digest: of its weights.
      format: the model's format, such as onnx.
      target: the chip that it was made for; empty for a model that is for none.
      command: what the image tells its server, its `Cmd`.
    """

    image: str
    model: str
    model_digest: str
    weights_digest: str
    format: str
    target: str
    command: Sequence[str]


def read_spec(path: Path) -> Spec:
    """Reads what the rule wrote."""
    values = json.loads(path.read_text("utf-8"))
    return Spec(**{field.name: values[field.name] for field in fields(Spec)})


def read_digest(path: Path) -> str:
    """Returns the digest of an image from its file.

    Raises:
        LeptonError: the file holds no digest.
    """
    text = path.read_text("utf-8").strip()
    if _DIGEST.fullmatch(text) is None:
        raise LeptonError(f"digest {path.name}", f"it is {text[:80]!r}, and must be sha256:<64 hex>", "Build the image")
    return text


def read_command(path: Path) -> tuple[str, ...]:
    """Returns an image's `Cmd` from the file of its configuration."""
    configured = json.loads(path.read_text("utf-8")).get("config", {})
    return tuple(configured.get("Cmd") or ())
