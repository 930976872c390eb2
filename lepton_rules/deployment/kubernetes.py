"""The documents of a deployment on plain Kubernetes."""

from __future__ import annotations

from typing import Any

from lepton_rules.deployment.metadata import annotations_of, labels_of, metadata, selector
from lepton_rules.deployment.pod import container, pod_spec
from lepton_rules.deployment.spec import METRICS, Facts, Spec

# What the HPA reads where it scales on requests that wait: the server's gauge, through a metrics adapter.
QUEUE_DEPTH = "lepton_queue_depth"


def deployment(spec: Spec, facts: Facts) -> dict[str, Any]:
    """Deployment: a new pod is ready before an old one goes."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(spec, facts),
        "spec": {
            # Whoever scales owns the number: applying the file again must not reset it.
            **({} if spec.autoscaled else {"replicas": spec.replicas}),
            "revisionHistoryLimit": 5,
            "progressDeadlineSeconds": spec.startup_timeout_s + 300,
            "selector": {"matchLabels": selector(spec)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels_of(spec, facts), "annotations": annotations_of(spec, facts)},
                "spec": {**pod_spec(spec), "containers": [container(spec, facts)]},
            },
        },
    }


def service(spec: Spec, facts: Facts) -> dict[str, Any]:
    """Service: one name for all pods that are ready."""
    grpc = {
        "name": "grpc",
        "port": spec.grpc_port,
        "targetPort": "grpc",
        "protocol": "TCP",
        "appProtocol": "kubernetes.io/h2c",
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(spec, facts),
        "spec": {
            "type": "ClusterIP",
            "selector": selector(spec),
            "ports": [
                {
                    "name": "http",
                    "port": spec.service_port,
                    "targetPort": "http",
                    "protocol": "TCP",
                    "appProtocol": "http",
                },
                *([grpc] if spec.grpc_port else []),
            ],
        },
    }


def horizontal_pod_autoscaler(spec: Spec, facts: Facts) -> dict[str, Any]:
    """HorizontalPodAutoscaler: on the CPU's use, or on the requests that wait in each pod."""
    if spec.target_queue_depth:
        metric: dict[str, Any] = {
            "type": "Pods",
            "pods": {
                "metric": {"name": QUEUE_DEPTH},
                "target": {"type": "AverageValue", "averageValue": str(spec.target_queue_depth)},
            },
        }
    else:
        metric = {
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": spec.target_cpu_percent},
            },
        }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(spec, facts),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.name},
            "minReplicas": spec.min_replicas,
            "maxReplicas": spec.max_replicas,
            "metrics": [metric],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
        },
    }


def pod_disruption_budget(spec: Spec, facts: Facts) -> dict[str, Any]:
    """PodDisruptionBudget: how many pods a drained node may take at once."""
    name, _, amount = spec.disruption_budget.partition("=")
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(spec, facts),
        "spec": {
            name: int(amount) if amount.isdigit() else amount,
            "selector": {"matchLabels": selector(spec)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def network_policy(spec: Spec, facts: Facts) -> dict[str, Any]:
    """NetworkPolicy: who may ask, on the server's ports alone, and Prometheus. The server itself asks nobody."""
    ports = [{"protocol": "TCP", "port": port} for port in (spec.http_port, spec.grpc_port) if port]
    peers = [dict(peer) for peer in spec.allow_from] or [{"podSelector": {}}]
    # The label that every namespace has of itself.
    monitoring = {"matchLabels": {"kubernetes.io/metadata.name": spec.monitoring_namespace}}
    scraped = {
        "from": [{"namespaceSelector": monitoring}],
        "ports": [{"protocol": "TCP", "port": spec.http_port}],
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(spec, facts),
        "spec": {
            "podSelector": {"matchLabels": selector(spec)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": peers, "ports": ports}, *([scraped] if spec.service_monitor else [])],
            "egress": [],
        },
    }


def service_account(spec: Spec, facts: Facts) -> dict[str, Any]:
    """ServiceAccount: a name of its own, without rights, whose token no pod gets."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {**metadata(spec, facts), "name": spec.service_account},
        "automountServiceAccountToken": False,
    }


def service_monitor(spec: Spec, facts: Facts) -> dict[str, Any]:
    """ServiceMonitor of the Prometheus operator: where the metrics are."""
    described = metadata(spec, facts)
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {**described, "labels": {**described["labels"], **spec.service_monitor_labels}},
        "spec": {
            "selector": {"matchLabels": selector(spec)},
            "endpoints": [
                {
                    "port": "http",
                    "path": METRICS,
                    "interval": f"{spec.scrape_interval_s}s",
                    "scrapeTimeout": f"{min(10, spec.scrape_interval_s)}s",
                }
            ],
        },
    }
