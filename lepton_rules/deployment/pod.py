"""The pod that serves a model, under the profile "restricted" of the Pod Security Standards.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

from __future__ import annotations

from typing import Any

from lepton_rules.deployment.metadata import selector
from lepton_rules.deployment.spec import LIVE, READY, UID, Facts, Spec

_PROBE_PERIOD_S = 5


def container_security() -> dict[str, Any]:
    """Nothing but reading the image and answering."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": UID,
        "runAsGroup": UID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def pod_security() -> dict[str, Any]:
    """The same for whatever container is added to the pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": UID,
        "runAsGroup": UID,
        "fsGroup": UID,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def environment(spec: Spec) -> list[dict[str, str]]:
    """What the server is told that differs from its defaults in the image, sorted by name."""
    told = {
        "LEPTON_DRAIN_S": str(spec.drain_s),
        "LEPTON_PORT": str(spec.http_port),
        **({"LEPTON_GRPC_PORT": str(spec.grpc_port)} if spec.grpc_port else {}),
        **spec.env,
    }
    return [{"name": name, "value": value} for name, value in sorted(told.items())]


def resources(spec: Spec) -> dict[str, Any]:
    """Requests equal limits: the class Guaranteed, and as many threads as there are cores (the server follows them)."""
    amounts = {"cpu": spec.cpu, "memory": spec.memory, **spec.extended_resources}
    return {"requests": dict(amounts), "limits": dict(amounts)}


def probes(spec: Spec) -> dict[str, Any]:
    """Started once it has answered ready; live while its loop turns; ready while it takes requests.

    Ports are numbers: podman's `play kube` takes a named one for 0.
    """

    def probe(path: str, period_s: int, failures: int) -> dict[str, Any]:
        return {
            "httpGet": {"path": path, "port": spec.http_port, "scheme": "HTTP"},
            "periodSeconds": period_s,
            "timeoutSeconds": 2,
            "failureThreshold": failures,
        }

    return {
        "startupProbe": probe(READY, 1, spec.startup_timeout_s),
        "readinessProbe": probe(READY, _PROBE_PERIOD_S, 2),
        "livenessProbe": probe(LIVE, 2 * _PROBE_PERIOD_S, 3),
    }


def container(spec: Spec, facts: Facts, name: str = "server") -> dict[str, Any]:
    """The server's container."""
    grpc = [{"name": "grpc", "containerPort": spec.grpc_port, "protocol": "TCP"}] if spec.grpc_port else []
    return {
        "name": name,
        "image": facts.image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": "http", "containerPort": spec.http_port, "protocol": "TCP"}, *grpc],
        "env": environment(spec),
        "resources": resources(spec),
        **probes(spec),
        # Until every proxy knows that the pod goes, requests still come. The image has no shell to sleep in.
        **({"lifecycle": {"preStop": {"sleep": {"seconds": spec.pre_stop_s}}}} if spec.pre_stop_s else {}),
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def placement(spec: Spec) -> dict[str, Any]:
    """Where the pod may run: on the image's kind of machine, and on several of them."""
    one = {"kubernetes.io/arch": spec.architectures[0]} if len(spec.architectures) == 1 else {}
    several = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {"key": "kubernetes.io/arch", "operator": "In", "values": list(spec.architectures)}
                        ]
                    }
                ]
            }
        }
    }
    return {
        "nodeSelector": {"kubernetes.io/os": "linux", **one, **dict(sorted(spec.node_selector.items()))},
        **({} if one else {"affinity": several}),
        **({"tolerations": [dict(toleration) for toleration in spec.tolerations]} if spec.tolerations else {}),
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector(spec)},
            }
        ],
    }


def pod_spec(spec: Spec) -> dict[str, Any]:
    """The pod without its containers."""
    return {
        **({"serviceAccountName": spec.service_account} if spec.service_account else {}),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
        "terminationGracePeriodSeconds": spec.grace_s,
        **({"priorityClassName": spec.priority_class} if spec.priority_class else {}),
        **(
            {"imagePullSecrets": [{"name": name} for name in spec.image_pull_secrets]}
            if spec.image_pull_secrets
            else {}
        ),
        **placement(spec),
    }
