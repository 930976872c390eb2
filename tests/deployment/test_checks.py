"""Every check finds what it is for, says where, and finds nothing in what is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from samples import FACTS, KINDS, composed, spec, whole

from lepton_rules.deployment import compose_checks
from lepton_rules.deployment.checks import problems
from lepton_rules.deployment.main import documents
from lepton_rules.deployment.overlay import merge
from lepton_rules.plugin.errors import LeptonError

Documents = dict[str, dict[str, Any]]


def pod(made: Documents) -> dict[str, Any]:
    return made["Deployment"]["spec"]["template"]["spec"]


def server(made: Documents) -> dict[str, Any]:
    return pod(made)["containers"][0]


def at(*path: str, value: Any) -> Callable[[Documents], None]:
    """Sets a value at a path of a document."""

    def change(made: Documents) -> None:
        place: Any = made
        for key in path[:-1]:
            place = place[int(key)] if isinstance(place, list) else place[key]
        place[path[-1]] = value

    return change


def of_server(*path: str, value: Any) -> Callable[[Documents], None]:
    return at("Deployment", "spec", "template", "spec", "containers", "0", *path, value=value)


def of_pod(*path: str, value: Any) -> Callable[[Documents], None]:
    return at("Deployment", "spec", "template", "spec", *path, value=value)


def without(*path: str) -> Callable[[Documents], None]:
    def change(made: Documents) -> None:
        place: Any = made
        for key in path[:-1]:
            place = place[int(key)] if isinstance(place, list) else place[key]
        del place[path[-1]]

    return change


_CONTAINER = "Deployment plain: spec.template.spec.containers[0]"
_POD = "Deployment plain: spec.template.spec"
_SERVER = ("Deployment", "spec", "template", "spec", "containers", "0")

CASES: list[tuple[Callable[[Documents], None], str]] = [
    # Names.
    (at("Service", "metadata", "name", value="Plain"), "Service Plain: metadata.name: 'Plain' is not a name"),
    (at("Service", "metadata", "name", value="1plain"), "Service 1plain: metadata.name: '1plain' is not a name"),
    (at("Deployment", "metadata", "name", value="a" * 64), "metadata.name: 'aaa"),
    (at("Deployment", "metadata", "name", value="a\nb"), "metadata.name: 'a\\nb' is not a name"),
    (at("Service", "metadata", "namespace", value="a.b"), "Service plain: metadata.namespace: 'a.b'"),
    (at("Service", "metadata", "namespace", value="other"), "Service plain: spec.selector: no pods have the labels"),
    (
        at("Deployment", "metadata", "namespace", value="other"),
        "spec.scaleTargetRef: there is no Deployment plain",
    ),
    (at("Service", "metadata", "labels", value={"a b": "c"}), "metadata.labels: 'a b' is no key of a label"),
    (at("Service", "metadata", "labels", "team", value="a b"), "metadata.labels: team='a b'"),
    (at("Service", "metadata", "labels", "team", value=1), "metadata.labels: team=1"),
    (at("Service", "metadata", "annotations", "x", value=True), "metadata.annotations: x is True, and must be"),
    (at("Service", "metadata", "annotations", "x", value="y" * 300000), "they are larger than 256 KiB"),
    (without("Service", "apiVersion"), "Service plain: apiVersion: it is missing"),
    (of_server("name", value="Server"), f"{_CONTAINER}.name: 'Server' is not a name"),
    (of_server("image", value="plain:latest"), f"{_CONTAINER}.image: 'plain:latest' has no digest"),
    (of_server("image", value="Plain image"), f"{_CONTAINER}.image: 'Plain image' is no reference"),
    # Quantities.
    (of_server("resources", "limits", "memory", value="256MB"), "limits.memory: '256MB' is no quantity"),
    (of_server("resources", "limits", "memory", value="-1Gi"), "limits.memory: -1Gi is negative"),
    (of_server("resources", "limits", "memory", value="256m"), "limits.memory: 256m is a fraction of a byte"),
    (of_server("resources", "limits", "memory", value="256"), "limits.memory: 256 is less than 4Mi"),
    (of_server("resources", "limits", "memory", value=[1]), "limits.memory: [1] is no quantity"),
    (of_server("resources", "limits", "cpu", value="500m"), "requests.cpu: it is more than the limit"),
    (of_server("resources", "limits", "nvidia.com/gpu", value="0.5"), "0.5 is a part of a device"),
    (of_server("resources", "limits", value={"cpu": "1"}), "limits.memory: it is missing"),
    # Ports and probes.
    (of_server("ports", "0", "containerPort", value=0), "ports[0].containerPort: 0 is not a port"),
    (of_server("ports", "0", "containerPort", value=70000), "ports[0].containerPort: 70000 is not a port"),
    (of_server("ports", "0", "name", value="h" * 16), "ports[0].name: 'hhhhhhhhhhhhhhhh' is not a name"),
    (of_server("ports", "0", "hostPort", value=80), "ports[0].hostPort: it takes a port of the host"),
    (
        of_server("readinessProbe", "httpGet", "port", value=9),
        "readinessProbe.httpGet.port: the container has no port 9",
    ),
    (of_server("livenessProbe", "httpGet", "path", value="live"), "livenessProbe.httpGet.path: 'live' does not begin"),
    (of_server("livenessProbe", "httpGet", "host", value="x"), "livenessProbe: it names a host"),
    (of_server("livenessProbe", "periodSeconds", value=0), "livenessProbe.periodSeconds: 0 is not at least 1"),
    (of_server("startupProbe", "successThreshold", value=2), "startupProbe.successThreshold: it must be 1"),
    (without(*_SERVER, "readinessProbe"), f"{_CONTAINER}.readinessProbe: it is missing"),
    (at("Service", "spec", "ports", "0", "targetPort", value="web"), "no container of its pods has a port 'web'"),
    (at("Service", "spec", "ports", "0", "port", value=0), "Service plain: spec.ports[0].port: 0 is not a port"),
    (at("ServiceMonitor", "spec", "endpoints", "0", "port", value="web"), "the Service has no port 'web'"),
    # Selectors.
    (at("Deployment", "spec", "selector", "matchLabels", value={"a": "b"}), "no pods have the labels a=b"),
    (at("Service", "spec", "selector", "app.kubernetes.io/name", value="x"), "Service plain: spec.selector: no pods"),
    (at("Service", "spec", "selector", value={}), "Service plain: spec.selector: it selects nothing"),
    (
        at("PodDisruptionBudget", "spec", "selector", "matchLabels", value={"a": "b"}),
        "PodDisruptionBudget plain: spec.sel",
    ),
    (
        at("NetworkPolicy", "spec", "podSelector", "matchLabels", value={"a": "b"}),
        "NetworkPolicy plain: spec.podSelector",
    ),
    (at("ServiceMonitor", "spec", "selector", "matchLabels", value={"a": "b"}), "no Service has these labels"),
    (
        of_pod("serviceAccountName", value="default"),
        f"{_POD}.serviceAccountName: it is 'default', the account is 'plain'",
    ),
    # Scaling, updates, evictions.
    (at("HorizontalPodAutoscaler", "spec", "minReplicas", value=5), "spec.maxReplicas: 4 is less than minReplicas, 5"),
    (at("HorizontalPodAutoscaler", "spec", "minReplicas", value=0), "spec.minReplicas: 0 is not at least 1"),
    (at("HorizontalPodAutoscaler", "spec", "metrics", value=[]), "spec.metrics: there is none to scale on"),
    (
        at("HorizontalPodAutoscaler", "spec", "metrics", "0", "resource", "target", "averageUtilization", value=0),
        "averageUtilization: 0 is not at least 1 percent",
    ),
    (
        at("HorizontalPodAutoscaler", "spec", "metrics", "0", "type", value="Pods"),
        "its type is 'Pods' and it has no such",
    ),
    (at("HorizontalPodAutoscaler", "spec", "scaleTargetRef", "name", value="x"), "there is no Deployment x"),
    (at("Deployment", "spec", "replicas", value=2), "spec.replicas: HorizontalPodAutoscaler plain sets it"),
    (
        without(*_SERVER, "resources", "requests", "cpu"),
        "requests.cpu: HorizontalPodAutoscaler plain scales on its use",
    ),
    (
        at("Deployment", "spec", "strategy", "rollingUpdate", "maxSurge", value=0),
        "maxSurge and maxUnavailable are both 0",
    ),
    (
        at("Deployment", "spec", "strategy", "rollingUpdate", "maxSurge", value="1.5%"),
        "rollingUpdate.maxSurge: '1.5%' is neither",
    ),
    (at("PodDisruptionBudget", "spec", "maxUnavailable", value=0), "spec.maxUnavailable: it lets no pod go"),
    (at("PodDisruptionBudget", "spec", "maxUnavailable", value="x"), "spec.maxUnavailable: 'x' is neither"),
    (at("PodDisruptionBudget", "spec", "minAvailable", value=1), "it must say one of minAvailable and maxUnavailable"),
    (
        lambda made: (
            made["PodDisruptionBudget"]["spec"].update(maxUnavailable=None, minAvailable=2)
            or made["PodDisruptionBudget"]["spec"].pop("maxUnavailable")
        ),
        "spec.minAvailable: 2 of 2 pods must stay",
    ),
    (of_pod("terminationGracePeriodSeconds", value=25), f"{_POD}.terminationGracePeriodSeconds: 25 s end before"),
    (lambda made: made.update(again=whole()["Service"]), "Service plain: it is there twice"),
    # Pod Security.
    (of_pod("hostNetwork", value=True), f"{_POD}.hostNetwork: it opens the host's own"),
    (of_pod("hostPID", value=True), f"{_POD}.hostPID"),
    (of_pod("volumes", value=[{"name": "a", "hostPath": {"path": "/"}}]), "volumes[0]: a hostPath opens"),
    (of_pod("volumes", value=[{"name": "a", "nfs": {"server": "x", "path": "/"}}]), "volumes[0]: nfs is not a kind"),
    (of_pod("automountServiceAccountToken", value=True), f"{_POD}.automountServiceAccountToken: it must be false"),
    (
        of_pod("securityContext", "sysctls", value=[{"name": "kernel.x", "value": "1"}]),
        "'kernel.x' is not one of the safe",
    ),
    (of_pod("securityContext", "seLinuxOptions", value={"type": "spc_t"}), "securityContext.seLinuxOptions"),
    (of_pod("securityContext", "appArmorProfile", value={"type": "Unconfined"}), "'Unconfined' confines nothing"),
    (of_server("securityContext", "privileged", value=True), "securityContext.privileged: it is true"),
    (
        of_server("securityContext", "allowPrivilegeEscalation", value=True),
        "allowPrivilegeEscalation: it must be false",
    ),
    (of_server("securityContext", "runAsNonRoot", value=False), "securityContext.runAsNonRoot: it must be true"),
    (of_server("securityContext", "runAsUser", value=0), "securityContext.runAsUser: it is root"),
    (of_server("securityContext", "readOnlyRootFilesystem", value=False), "readOnlyRootFilesystem: it must be true"),
    (of_server("securityContext", "procMount", value="Unmasked"), "procMount: it is 'Unmasked'"),
    (of_server("securityContext", "capabilities", value={"drop": ["KILL"]}), "capabilities.drop: it must hold ALL"),
    (of_server("securityContext", "capabilities", "add", value=["SYS_ADMIN"]), "capabilities.add: SYS_ADMIN"),
    (of_server("securityContext", "capabilities", "add", value=["CHOWN"]), "CHOWN is more than NET_BIND_SERVICE"),
    (of_server("securityContext", "seccompProfile", value={"type": "Unconfined"}), "'Unconfined' filters no system"),
]


def test_what_the_rule_writes_is_right() -> None:
    assert problems(list(whole().values())) == []


@pytest.mark.parametrize(("change", "says"), CASES, ids=[says for _, says in CASES])
def test_what_is_wrong_is_found(change: Callable[[Documents], None], says: str) -> None:
    made = whole()
    change(made)
    assert [line for line in problems(list(made.values())) if says in line], problems(list(made.values()))


@pytest.mark.parametrize("content", [{}, {"kind": "Deployment"}, {"kind": "Deployment", "spec": 7, "metadata": []}])
def test_documents_of_any_shape_are_read(content: dict[str, Any]) -> None:
    assert problems([content]) != []


@pytest.mark.parametrize(
    ("change", "forbidden_by"),
    [
        (of_server("securityContext", "readOnlyRootFilesystem", value=False), {"restricted"}),
        (of_pod("automountServiceAccountToken", value=True), {"restricted"}),
        (of_server("securityContext", "privileged", value=True), {"restricted", "baseline"}),
    ],
)
def test_profiles(change: Callable[[Documents], None], forbidden_by: set[str]) -> None:
    made = whole()
    change(made)
    for profile in ("restricted", "baseline", "privileged"):
        assert bool(problems(list(made.values()), profile)) == (profile in forbidden_by), profile


def test_an_overlay_that_opens_the_pod_is_refused() -> None:
    overlay = {"spec": {"template": {"spec": {"hostNetwork": True, "hostPID": True}}}}
    with pytest.raises(LeptonError) as error:
        documents(spec(overlays={"Deployment": overlay}), FACTS, KINDS)
    assert str(error.value) == (
        "lepton: deployment in //x:y_deployment: Deployment plain: spec.template.spec.hostNetwork: it opens the host's "
        "own (and 1 more). Correct overlays."
    )
    assert documents(spec(overlays={"Deployment": overlay}, pod_security="privileged"), FACTS, KINDS)


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        ({"image": "x:latest"}, "image: 'x:latest' has no digest"),
        ({"read_only": False}, "read_only: it must be true"),
        ({"cap_drop": None}, "cap_drop: it must be ALL"),
        ({"cap_add": ["KILL"]}, "cap_add: KILL is more than none"),
        ({"user": "root"}, "user: 'root' is root, or a name"),
        ({"user": "0:0"}, "user: '0' is root"),
        ({"security_opt": None}, "security_opt: it must hold no-new-privileges:true"),
        ({"privileged": True}, "privileged: it is true"),
        ({"network_mode": "host"}, "network_mode: it opens the host's own"),
        ({"mem_limit": None}, "mem_limit: it is missing"),
    ],
)
def test_compose(patch: dict[str, Any], says: str) -> None:
    assert compose_checks.problems(composed()) == []
    found = compose_checks.problems(merge(composed(), {"services": {"server": patch}}))
    assert [line for line in found if line.startswith(f"Compose services.server.{says}")], found


def _application(name: str, namespace: str) -> list[dict[str, Any]]:
    """The documents of a second application, from elsewhere."""
    made = documents(spec(name=name, namespace=namespace, service_account=name), FACTS, KINDS)
    return list(made.values())


def test_several_applications() -> None:
    """What is right of each is right of all, with what people put beside: defaults, and things of the whole cluster."""
    beside = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "vision"}},
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "deny", "namespace": "vision"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "outside", "namespace": "vision"},
            "spec": {"type": "ExternalName", "externalName": "example.com"},
        },
    ]
    several = [*_application("a", "vision"), *_application("b", "vision"), *_application("a", "speech"), *beside]
    assert problems(several) == []
    several[3]["spec"]["selector"] = {"app.kubernetes.io/name": "c"}
    assert problems(several) == ["Service a: spec.selector: no pods have the labels app.kubernetes.io/name=c"]


def test_a_budget_is_that_of_its_own_pods() -> None:
    several = [*_application("a", "vision"), *_application("b", "vision")]
    budget = next(d for d in several if d["kind"] == "PodDisruptionBudget" and d["metadata"]["name"] == "b")
    budget["spec"] = {"minAvailable": 2, "selector": budget["spec"]["selector"]}
    assert problems(several) == [
        "PodDisruptionBudget b: spec.minAvailable: 2 of 2 pods must stay, so no node can be drained"
    ]
    next(d for d in several if d["kind"] == "Deployment" and d["metadata"]["name"] == "b")["spec"]["replicas"] = 3
    assert problems(several) == []


def test_pods_of_a_cron_job() -> None:
    template = whole()["Deployment"]["spec"]["template"]
    job = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "x"},
        "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": template}}},
    }
    assert problems([job]) == []
    template["spec"]["hostNetwork"] = True
    assert problems([job]) == ["CronJob x: spec.jobTemplate.spec.template.spec.hostNetwork: it opens the host's own"]
