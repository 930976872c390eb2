"""Names, labels and annotations that all documents of one deployment share."""

from __future__ import annotations

from typing import Any

from lepton_rules.deployment.spec import Facts, Spec


def selector(spec: Spec) -> dict[str, str]:
    """The labels that find the pods. They never change: a Deployment's selector cannot."""
    return {"app.kubernetes.io/name": spec.name, "app.kubernetes.io/instance": spec.name}


def labels_of(spec: Spec, facts: Facts) -> dict[str, str]:
    """The recommended labels, and the user's. The version is the model's: a label cannot hold a whole digest."""
    return {
        **selector(spec),
        "app.kubernetes.io/version": facts.model_digest.removeprefix("sha256:")[:12],
        "app.kubernetes.io/component": "model-server",
        "app.kubernetes.io/part-of": spec.part_of,
        "app.kubernetes.io/managed-by": "lepton_rules",
        **spec.labels,
    }


def annotations_of(spec: Spec, facts: Facts) -> dict[str, str]:
    """Where it comes from, and what memory was promised and by which test it is held."""
    facts_and_origin = {
        "lepton/deployment": spec.label,
        "lepton/image": spec.image_label,
        "lepton/model-digest": facts.model_digest,
        "lepton/weights-digest": facts.weights_digest,
        "lepton/hardware": facts.target,
        "lepton/memory-budget": spec.memory,
        "lepton/memory-test": spec.memory_test,
    }
    return {**{key: value for key, value in facts_and_origin.items() if value}, **spec.annotations}


def metadata(spec: Spec, facts: Facts) -> dict[str, Any]:
    """The metadata of a document."""
    return {
        "name": spec.name,
        **({"namespace": spec.namespace} if spec.namespace else {}),
        "labels": labels_of(spec, facts),
        "annotations": annotations_of(spec, facts),
    }
