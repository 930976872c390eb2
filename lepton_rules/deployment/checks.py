"""What the schemas of Kubernetes cannot say: quantities, names, and whether documents fit one another.

Every check gives lines `<document>: <place>: <what is wrong>`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from lepton_rules.deployment import pod_security
from lepton_rules.deployment.documents import Document, Pods, at, pods, rows, table
from lepton_rules.deployment.names import (
    has_digest,
    is_label,
    is_label_key,
    is_label_value,
    is_service_name,
    is_subdomain,
)
from lepton_rules.deployment.quantity import parse

_GRACE_S = 30  # what Kubernetes waits where nobody says
_ANNOTATIONS = 256 << 10  # bytes, all of them together


def problems(contents: Sequence[Mapping[str, Any]], profile: str = "restricted") -> list[str]:
    """Returns all that is wrong with documents that are applied together.

    Args:
        contents: the documents.
        profile: the profile of the Pod Security Standards that they must keep.
    """
    documents = [Document(content) for content in contents]
    found: list[str] = []
    for document in documents:
        for check in (_shape, _names, _pods, _autoscaler, _disruption_budget, _rolling_update):
            found += [f"{document}: {line}" for line in check(document)]
        made = pods(document)
        if made is not None:
            found += [f"{document}: {line}" for line in pod_security.problems(made, profile)]
    # Names and selectors hold within a namespace.
    for namespace in dict.fromkeys(document.namespace for document in documents):
        together = [document for document in documents if document.namespace == namespace]
        for relation in (_unique, _selectors, _service_ports, _monitors, _scaled, _accounts, _evictions):
            found += relation(together)
    return found


# --- One document ----------------------------------------------------------------------------------------------------


def _shape(document: Document) -> Iterator[str]:
    for key in ("apiVersion", "kind"):
        if not isinstance(document.content.get(key), str):
            yield f"{key}: it is missing"


def _names(document: Document) -> Iterator[str]:
    accepted = is_service_name if document.kind == "Service" else is_subdomain
    if document.kind in ("Deployment", "InferenceService"):
        # Pods and hosts are called after it.
        accepted = is_label
    if not accepted(document.name):
        yield f"metadata.name: {document.name!r} is not a name of at most 63 of a-z, 0-9 and -"
    if document.namespace and not is_label(document.namespace):
        yield f"metadata.namespace: {document.namespace!r} is not a name of at most 63 of a-z, 0-9 and -"
    places: list[tuple[str, Any]] = [("metadata", at(document.content, "metadata"))]
    if document.kind == "Deployment":
        places.append(("spec.template.metadata", at(document.content, "spec", "template", "metadata")))
    for place, metadata in places:
        for key, value in table(metadata, "labels").items():
            if not is_label_key(key):
                yield f"{place}.labels: {key!r} is no key of a label"
            if not is_label_value(value):
                yield f"{place}.labels: {key}={value!r}; a value is at most 63 letters, digits, '-', '_' and '.'"
        annotations = table(metadata, "annotations")
        for key, value in annotations.items():
            if not is_label_key(key):
                yield f"{place}.annotations: {key!r} is no key of an annotation"
            if not isinstance(value, str):
                yield f"{place}.annotations: {key} is {value!r}, and must be a string"
        if sum(len(str(key)) + len(str(value).encode()) for key, value in annotations.items()) > _ANNOTATIONS:
            yield f"{place}.annotations: they are larger than 256 KiB"


def _pods(document: Document) -> Iterator[str]:
    made = pods(document)
    if made is None:
        return
    names: list[Any] = []
    for place, container in made.containers():
        named = place != "spec.predictor.model"
        if named:
            names.append(container.get("name"))
            if not is_label(container.get("name")):
                yield f"{place}.name: {container.get('name')!r} is not a name of at most 63 of a-z, 0-9 and -"
            if names.count(container.get("name")) == 2:
                yield f"{place}.name: {container.get('name')!r} is there twice"
            yield from _image(place, container)
        yield from _resources(place, container)
        yield from _container_ports(place, container)
        yield from _probes(place, container)
    yield from _grace(made)


def _image(place: str, container: Mapping[str, Any]) -> Iterator[str]:
    found = has_digest(container.get("image"))
    if found is None:
        yield f"{place}.image: {container.get('image')!r} is no reference of an image"
    elif not found:
        yield f"{place}.image: {container['image']!r} has no digest: what a tag means changes"


def _resources(place: str, container: Mapping[str, Any]) -> Iterator[str]:
    amounts: dict[str, dict[str, Decimal]] = {"requests": {}, "limits": {}}
    for group, parsed in amounts.items():
        for name, text in table(container, "resources", group).items():
            quantity = parse(text)
            where = f"{place}.resources.{group}.{name}"
            if quantity is None:
                yield f"{where}: {text!r} is no quantity, such as 256Mi or 500m"
                continue
            parsed[name] = quantity
            if quantity < 0:
                yield f"{where}: {text} is negative"
            if name in ("memory", "ephemeral-storage") and quantity % 1:
                yield f"{where}: {text} is a fraction of a byte; m is a thousandth, Mi is a megabyte"
            if name == "memory" and 0 <= quantity < 4 << 20:
                yield f"{where}: {text} is less than 4Mi, with which no container starts"
            if "/" in name and quantity % 1:
                yield f"{where}: {text} is a part of a device"
    for name, requested in amounts["requests"].items():
        limit = amounts["limits"].get(name)
        if limit is not None and requested > limit:
            yield f"{place}.resources.requests.{name}: it is more than the limit"
    for name, limit in amounts["limits"].items():
        if "/" in name and amounts["requests"].get(name, limit) != limit:
            yield f"{place}.resources.requests.{name}: a device cannot be overcommitted: it must equal the limit"
    if "memory" not in amounts["limits"]:
        yield f"{place}.resources.limits.memory: it is missing: one container could take the whole node's"


def _is_port(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535


def _container_ports(place: str, container: Mapping[str, Any]) -> Iterator[str]:
    names: list[Any] = []
    numbers: list[Any] = []
    for index, port in enumerate(rows(container, "ports")):
        where = f"{place}.ports[{index}]"
        number = port.get("containerPort")
        if not _is_port(number):
            yield f"{where}.containerPort: {number!r} is not a port"
        numbers.append((number, port.get("protocol", "TCP")))
        if numbers.count(numbers[-1]) == 2:
            yield f"{where}.containerPort: {number} is there twice"
        name = port.get("name")
        if name is not None:
            names.append(name)
            if not is_label(name) or len(name) > 15 or not any(character.isalpha() for character in name):
                yield f"{where}.name: {name!r} is not a name of at most 15 of a-z, 0-9 and -"
            if names.count(name) == 2:
                yield f"{where}.name: {name!r} is there twice"


def _probes(place: str, container: Mapping[str, Any]) -> Iterator[str]:
    ports = rows(container, "ports")
    known = {port.get("containerPort") for port in ports} | {port.get("name") for port in ports if port.get("name")}
    serves = bool(ports)
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(name)
        where = f"{place}.{name}"
        if probe is None:
            if serves and name != "startupProbe":
                yield f"{where}: it is missing"
            continue
        for handler in ("httpGet", "tcpSocket", "grpc"):
            port = at(probe, handler, "port")
            if port is not None and ports and port not in known:
                yield f"{where}.{handler}.port: the container has no port {port!r}"
        path = at(probe, "httpGet", "path")
        if path is not None and not str(path).startswith("/"):
            yield f"{where}.httpGet.path: {path!r} does not begin with /"
        for key in ("periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold"):
            value = at(probe, key)
            if value is not None and (not isinstance(value, int) or value < 1):
                yield f"{where}.{key}: {value!r} is not at least 1"
        if name != "readinessProbe" and at(probe, "successThreshold") not in (None, 1):
            yield f"{where}.successThreshold: it must be 1"


def _grace(made: Pods) -> Iterator[str]:
    grace = made.spec.get("terminationGracePeriodSeconds", _GRACE_S)
    if not isinstance(grace, int):
        return
    for place, container in made.containers():
        slept = at(container, "lifecycle", "preStop", "sleep", "seconds") or 0
        drains = [row.get("value") for row in rows(container, "env") if row.get("name") == "LEPTON_DRAIN_S"]
        drain = parse(drains[-1]) if drains else Decimal(0)
        if isinstance(slept, int) and drain is not None and grace <= slept + drain:
            yield (
                f"{made.place}.terminationGracePeriodSeconds: {grace} s end before {place} has slept {slept} s "
                f"and drained for {drain} s"
            )


def _autoscaler(document: Document) -> Iterator[str]:
    if document.kind == "HorizontalPodAutoscaler":
        least, most = at(document.content, "spec", "minReplicas"), at(document.content, "spec", "maxReplicas")
        place = "spec"
        if not rows(document.content, "spec", "metrics"):
            yield "spec.metrics: there is none to scale on"
        for index, metric in enumerate(rows(document.content, "spec", "metrics")):
            yield from _metric(f"spec.metrics[{index}]", metric)
    elif document.kind == "InferenceService":
        least = at(document.content, "spec", "predictor", "minReplicas")
        most = at(document.content, "spec", "predictor", "maxReplicas")
        place = "spec.predictor"
    else:
        return
    least = 1 if least is None else least
    if not isinstance(least, int) or least < 1:
        yield f"{place}.minReplicas: {least!r} is not at least 1"
    elif most is not None and (not isinstance(most, int) or most < least):
        yield f"{place}.maxReplicas: {most!r} is less than minReplicas, {least}"


def _metric(place: str, metric: Mapping[str, Any]) -> Iterator[str]:
    source = {
        "Resource": "resource", "Pods": "pods", "Object": "object", "External": "external",
        "ContainerResource": "containerResource",
    }.get(str(metric.get("type")), "")  # fmt: skip
    if not isinstance(metric.get(source), Mapping):
        yield f"{place}: its type is {metric.get('type')!r} and it has no such part"
        return
    target = table(metric, source, "target")
    utilization = target.get("averageUtilization")
    if utilization is not None and (not isinstance(utilization, int) or utilization < 1):
        yield f"{place}.{source}.target.averageUtilization: {utilization!r} is not at least 1 percent"
    for key in ("averageValue", "value"):
        if key in target:
            quantity = parse(target[key])
            if quantity is None or quantity <= 0:
                yield f"{place}.{source}.target.{key}: {target[key]!r} is no quantity above 0"
    wanted = {"Utilization": "averageUtilization", "AverageValue": "averageValue", "Value": "value"}
    kind = str(target.get("type"))
    if wanted.get(kind) not in target:
        yield f"{place}.{source}.target: its type is {kind!r} and it says no {wanted.get(kind, 'such target')}"


def _percent_or_count(value: Any) -> bool:
    if isinstance(value, str):
        return value.endswith("%") and value[:-1].isdigit() and int(value[:-1]) <= 100
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _disruption_budget(document: Document) -> Iterator[str]:
    if document.kind != "PodDisruptionBudget":
        return
    spec = table(document.content, "spec")
    given = [key for key in ("minAvailable", "maxUnavailable") if key in spec]
    if len(given) != 1:
        yield "spec: it must say one of minAvailable and maxUnavailable"
    for key in given:
        if not _percent_or_count(spec[key]):
            yield f"spec.{key}: {spec[key]!r} is neither a number nor a percentage"
    if spec.get("maxUnavailable") in (0, "0%") or spec.get("minAvailable") == "100%":
        yield f"spec.{given[0]}: it lets no pod go, so no node can be drained"


def _rolling_update(document: Document) -> Iterator[str]:
    if document.kind != "Deployment":
        return
    rolling = table(document.content, "spec", "strategy", "rollingUpdate")
    for key in rolling:
        if not _percent_or_count(rolling[key]):
            yield f"spec.strategy.rollingUpdate.{key}: {rolling[key]!r} is neither a number nor a percentage"
    if rolling and all(rolling.get(key, "25%") in (0, "0%") for key in ("maxSurge", "maxUnavailable")):
        yield "spec.strategy.rollingUpdate: maxSurge and maxUnavailable are both 0, so that no update ever begins"
    replicas = at(document.content, "spec", "replicas")
    if replicas is not None and (not isinstance(replicas, int) or replicas < 0):
        yield f"spec.replicas: {replicas!r} is not a number of pods"


# --- Several documents -----------------------------------------------------------------------------------------------


def _unique(documents: Sequence[Document]) -> list[str]:
    keys = [(document.content.get("apiVersion"), document.kind, document.name) for document in documents]
    return [f"{documents[i]}: it is there twice" for i, key in enumerate(keys) if key in keys[:i]]


def _subset(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def _selectors(documents: Sequence[Document]) -> list[str]:
    """Whoever selects pods finds some: of these documents, since a file of a deployment is whole."""
    makers = [made for made in map(pods, documents) if made is not None and made.document.kind != "ServingRuntime"]
    places: Mapping[str, tuple[str, ...]] = {
        "Deployment": ("spec", "selector", "matchLabels"),
        "Service": ("spec", "selector"),
        "PodDisruptionBudget": ("spec", "selector", "matchLabels"),
        "NetworkPolicy": ("spec", "podSelector", "matchLabels"),
    }
    found = []
    for document in documents:
        if document.kind not in places:
            continue
        place = places[document.kind]
        selector = table(document.content, *place)
        # A policy of all pods is usual, and a Service may stand for something outside.
        empty = document.kind == "NetworkPolicy" or at(document.content, "spec", "type") == "ExternalName"
        if not selector and not empty and not at(document.content, *place[:-1], "matchExpressions"):
            found.append(f"{document}: {'.'.join(place)}: it selects nothing, or everything")
        candidates = [made for made in makers if document.kind != "Deployment" or made.document is document]
        if selector and not any(_subset(selector, made.labels) for made in candidates):
            labels = ", ".join(f"{key}={value}" for key, value in selector.items())
            found.append(f"{document}: {'.'.join(place)}: no pods have the labels {labels}")
    return found


def _service_ports(documents: Sequence[Document]) -> list[str]:
    found = []
    for document in documents:
        if document.kind != "Service":
            continue
        selector = table(document.content, "spec", "selector")
        matching = [made for made in map(pods, documents) if made is not None and _subset(selector, made.labels)]
        declared = [
            port for made in matching for _, container in made.containers() for port in rows(container, "ports")
        ]
        known = {port.get("name") for port in declared} | {port.get("containerPort") for port in declared}
        names = []
        for index, port in enumerate(rows(document.content, "spec", "ports")):
            place = f"{document}: spec.ports[{index}]"
            names.append(port.get("name"))
            if not _is_port(port.get("port")):
                found.append(f"{place}.port: {port.get('port')!r} is not a port")
            target = port.get("targetPort", port.get("port"))
            if matching and target not in known:
                found.append(f"{place}.targetPort: no container of its pods has a port {target!r}")
            if names.count(names[-1]) == 2:
                found.append(f"{place}.name: {names[-1]!r} is there twice")
    return found


def _monitors(documents: Sequence[Document]) -> list[str]:
    services = [document for document in documents if document.kind == "Service"]
    found = []
    for document in documents:
        if document.kind != "ServiceMonitor" or at(document.content, "spec", "namespaceSelector"):
            continue
        selector = table(document.content, "spec", "selector", "matchLabels")
        matching = [service for service in services if _subset(selector, table(service.content, "metadata", "labels"))]
        if not matching:
            found.append(f"{document}: spec.selector.matchLabels: no Service has these labels")
        known = {port.get("name") for service in matching for port in rows(service.content, "spec", "ports")}
        for index, endpoint in enumerate(rows(document.content, "spec", "endpoints")):
            if matching and endpoint.get("port") not in known:
                found.append(
                    f"{document}: spec.endpoints[{index}].port: the Service has no port {endpoint.get('port')!r}"
                )
    return found


def _scaled(documents: Sequence[Document]) -> list[str]:
    found = []
    for document in documents:
        if document.kind != "HorizontalPodAutoscaler":
            continue
        target = table(document.content, "spec", "scaleTargetRef")
        matching = [
            other
            for other in documents
            if (other.kind, other.name, other.content.get("apiVersion"))
            == (target.get("kind"), target.get("name"), target.get("apiVersion"))
        ]
        if not matching:
            found.append(f"{document}: spec.scaleTargetRef: there is no {target.get('kind')} {target.get('name')}")
        for other in matching:
            if at(other.content, "spec", "replicas") is not None:
                found.append(f"{other}: spec.replicas: {document} sets it; applying the file would set it back")
            made = pods(other)
            resources = [
                at(metric, "resource", "name")
                for metric in rows(document.content, "spec", "metrics")
                if at(metric, "resource", "target", "type") == "Utilization"
            ]
            for resource in resources:
                for place, container in made.containers() if made else ():
                    if resource not in table(container, "resources", "requests"):
                        found.append(f"{other}: {place}.resources.requests.{resource}: {document} scales on its use")
    return found


def _accounts(documents: Sequence[Document]) -> list[str]:
    """One application with one account uses it. Of several, and of accounts from elsewhere, nothing is known."""
    known = [document.name for document in documents if document.kind == "ServiceAccount"]
    # A runtime's pods have the account of the InferenceService.
    makers = [made for made in map(pods, documents) if made is not None and made.document.kind != "ServingRuntime"]
    if len(known) != 1 or len(makers) != 1:
        return []
    used = makers[0].spec.get("serviceAccountName")
    if used == known[0]:
        return []
    return [f"{makers[0].document}: {makers[0].place}.serviceAccountName: it is {used!r}, the account is {known[0]!r}"]


def _least(made: Pods, documents: Sequence[Document]) -> Any:
    """The fewest pods that a document makes, as far as it is said."""
    for document in documents:
        target = at(document.content, "spec", "scaleTargetRef")
        if document.kind == "HorizontalPodAutoscaler" and at(target, "name") == made.document.name:
            return at(document.content, "spec", "minReplicas")
    if made.document.kind == "InferenceService":
        return made.spec.get("minReplicas")
    return at(made.document.content, "spec", "replicas")


def _evictions(documents: Sequence[Document]) -> list[str]:
    """A budget that wants as many pods as there are lets none go."""
    found = []
    for document in documents:
        wanted = at(document.content, "spec", "minAvailable")
        if document.kind != "PodDisruptionBudget" or not isinstance(wanted, int):
            continue
        selector = table(document.content, "spec", "selector", "matchLabels")
        matching = [made for made in map(pods, documents) if made is not None and _subset(selector, made.labels)]
        numbers = [_least(made, documents) for made in matching]
        least = sum(number for number in numbers if isinstance(number, int))
        if numbers and all(isinstance(number, int) for number in numbers) and wanted >= least:
            found.append(
                f"{document}: spec.minAvailable: {wanted} of {least} pods must stay, so no node can be drained"
            )
    return found
