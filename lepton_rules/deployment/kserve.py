"""The documents of a deployment on KServe.

Source: the API serving.kserve.io/v1beta1 (InferenceService) and v1alpha1 (ServingRuntime).
"""

from __future__ import annotations

from typing import Any

from lepton_rules.deployment.metadata import annotations_of, labels_of, metadata
from lepton_rules.deployment.pod import container, pod_spec, resources
from lepton_rules.deployment.spec import Facts, Spec

# The name that KServe asks a predictor's container to have.
CONTAINER = "kserve-container"
# Where KServe puts a model that an image of its own brings.
MODELS = "/mnt/models"


def inference_service(spec: Spec, facts: Facts) -> dict[str, Any]:
    """InferenceService: the image as it is, or the model as an OCI image on a runtime that serves it."""
    described = metadata(spec, facts)
    described["annotations"] = {
        "serving.kserve.io/deploymentMode": "RawDeployment",
        "serving.kserve.io/autoscalerClass": "hpa" if spec.autoscaled else "none",
        **described["annotations"],
    }
    scale: dict[str, Any] = {"minReplicas": spec.replicas, "maxReplicas": spec.replicas}
    if spec.autoscaled:
        scale = {
            "minReplicas": spec.min_replicas,
            "maxReplicas": spec.max_replicas,
            "scaleMetric": "cpu",
            "scaleTarget": spec.target_cpu_percent,
        }
    if facts.model:
        serving: dict[str, Any] = {
            "model": {
                "modelFormat": {"name": facts.format},
                "protocolVersion": "v2",
                "runtime": spec.kserve_runtime or spec.name,
                "storageUri": f"oci://{facts.model}",
                "resources": resources(spec),
            }
        }
    else:
        serving = {"containers": [container(spec, facts, CONTAINER)]}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": described,
        "spec": {
            "predictor": {
                **scale,
                "labels": labels_of(spec, facts),
                "annotations": annotations_of(spec, facts),
                **pod_spec(spec),
                **serving,
            }
        },
    }


def serving_runtime(spec: Spec, facts: Facts) -> dict[str, Any]:
    """ServingRuntime: this image's server for a model that comes as an image of its own."""
    served = container(spec, facts, CONTAINER)
    # Arguments take the place of the image's own: what it serves with stays, what it serves does not.
    kept = [word for word in facts.command if not word.startswith(("--model=", "--name="))]
    served["args"] = [f"--model={MODELS}", f"--name={spec.name}", *kept]
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        "metadata": metadata(spec, facts),
        "spec": {
            "supportedModelFormats": [{"name": facts.format, "version": "1", "autoSelect": False}],
            "protocolVersions": ["v2"],
            "multiModel": False,
            "containers": [served],
        },
    }
