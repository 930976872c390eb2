"""Reading documents that may hold anything: what is not there, or of another type, is empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


def at(value: Any, *path: str) -> Any:
    """The value at a path of keys, or None."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def table(value: Any, *path: str) -> Mapping[str, Any]:
    """The object at a path, or an empty one."""
    found = at(value, *path)
    return found if isinstance(found, Mapping) else {}


def rows(value: Any, *path: str) -> Sequence[Mapping[str, Any]]:
    """The objects in the list at a path."""
    found = at(value, *path)
    return [element for element in found if isinstance(element, Mapping)] if isinstance(found, list) else []


@dataclass(frozen=True)
class Document:
    """One document and how messages call it, such as `Service resnet`."""

    content: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Its kind; empty where it says none."""
        return str(at(self.content, "kind") or "")

    @property
    def name(self) -> str:
        """Its name; empty where it says none."""
        return str(at(self.content, "metadata", "name") or "")

    @property
    def namespace(self) -> str:
        """Its namespace; empty where it says none."""
        return str(at(self.content, "metadata", "namespace") or "")

    def __str__(self) -> str:
        return f"{self.kind or 'document'} {self.name or 'without a name'}"


@dataclass(frozen=True)
class Pods:
    """The pods that a document makes: their labels, their specification, and where it stands."""

    document: Document
    place: str
    labels: Mapping[str, Any]
    spec: Mapping[str, Any]

    def containers(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every container with its place."""
        for group in ("initContainers", "containers", "ephemeralContainers"):
            for index, container in enumerate(rows(self.spec, group)):
                yield f"{self.place}.{group}[{index}]", container
        if isinstance(self.spec.get("model"), Mapping):
            yield f"{self.place}.model", self.spec["model"]


_TEMPLATES = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"}


def pods(document: Document) -> Pods | None:
    """The pods of a document that makes some."""
    content = document.content
    if document.kind in _TEMPLATES:
        template = table(content, "spec", "template")
        return Pods(document, "spec.template.spec", table(template, "metadata", "labels"), table(template, "spec"))
    if document.kind == "CronJob":
        template = table(content, "spec", "jobTemplate", "spec", "template")
        place = "spec.jobTemplate.spec.template.spec"
        return Pods(document, place, table(template, "metadata", "labels"), table(template, "spec"))
    if document.kind == "Pod":
        return Pods(document, "spec", table(content, "metadata", "labels"), table(content, "spec"))
    if document.kind == "InferenceService":
        predictor = table(content, "spec", "predictor")
        # KServe labels a predictor's pods as the predictor says, and with the service's name.
        labels = {**table(predictor, "labels"), "serving.kserve.io/inferenceservice": document.name}
        return Pods(document, "spec.predictor", labels, predictor)
    if document.kind == "ServingRuntime":
        return Pods(document, "spec", {}, table(content, "spec"))
    return None
