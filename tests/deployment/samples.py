"""A deployment as its action makes it, to be made wrong."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from typing import Any

from lepton_rules.deployment.compose import compose
from lepton_rules.deployment.main import documents
from lepton_rules.deployment.spec import Facts, Spec

PLAIN: Mapping[str, Any] = {
    "label": "//x:y_deployment",
    "image_label": "//x:y_image",
    "name": "plain",
    "namespace": "",
    "part_of": "plain",
    "repository": "registry.example.com/team/plain",
    "architectures": ["amd64"],
    "platform": "kubernetes",
    "replicas": 2,
    "min_replicas": 2,
    "max_replicas": 0,
    "target_cpu_percent": 70,
    "target_queue_depth": 0,
    "cpu": "1",
    "memory": "256Mi",
    "memory_test": "",
    "extended_resources": {},
    "http_port": 8080,
    "grpc_port": 0,
    "service_port": 80,
    "drain_s": 20,
    "pre_stop_s": 5,
    "startup_timeout_s": 60,
    "env": {},
    "labels": {},
    "annotations": {},
    "node_selector": {},
    "tolerations": [],
    "image_pull_secrets": [],
    "priority_class": "",
    "service_account": "plain",
    "disruption_budget": "maxUnavailable=1",
    "network_policy": True,
    "allow_from": [],
    "service_monitor": False,
    "service_monitor_labels": {},
    "scrape_interval_s": 30,
    "monitoring_namespace": "monitoring",
    "kserve_runtime": "",
    "model_repository": "",
    "pod_security": "restricted",
    "overlays": {},
}
FACTS = Facts(
    image="registry.example.com/team/plain@sha256:" + "a" * 64,
    model="",
    model_digest="sha256:" + "b" * 64,
    weights_digest="sha256:" + "c" * 64,
    format="onnx",
    target="cpu_vnni",
    command=("--model=/models/plain/1", "--name=plain", "--version=1", "--runtime=onnxruntime", "--max_batch=8"),
)
KINDS = ("ServiceAccount", "NetworkPolicy", "Deployment", "Service", "PodDisruptionBudget")
SCALED = (*KINDS, "HorizontalPodAutoscaler", "ServiceMonitor")


def spec(**changes: Any) -> Spec:
    """The attributes of a plain deployment, some of them changed."""
    return Spec(**{**PLAIN, **changes})


@functools.cache
def _whole() -> dict[str, dict[str, Any]]:
    return documents(spec(max_replicas=4, service_monitor=True), FACTS, SCALED)


def whole() -> dict[str, dict[str, Any]]:
    """Every kind of a plain deployment that scales, to be changed by the caller."""
    return copy.deepcopy(_whole())


def composed(**changes: Any) -> dict[str, Any]:
    """The Compose file of a plain deployment."""
    return compose(spec(**changes), FACTS)
