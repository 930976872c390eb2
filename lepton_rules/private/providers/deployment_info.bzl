"""DeploymentInfo: the documents of one deployment."""

def _init(*, label, name, documents, combined, compose, memory, memory_test, model_manifest, pod_security):
    return {
        "combined": combined,
        "compose": compose,
        "documents": documents,
        "label": label,
        "memory": memory,
        "memory_test": memory_test,
        "model_manifest": model_manifest,
        "name": name,
        "pod_security": pod_security,
    }

DeploymentInfo, _new_deployment_info = provider(
    doc = "Kubernetes documents and a Compose file of one image.",
    init = _init,
    fields = {
        "combined": "File: all documents in one YAML stream.",
        "compose": "File: the Compose file for one host.",
        "documents": "dict of string to File: each document by its kind.",
        "label": "string: the label of the target that made it, as messages show it.",
        "memory": "string: the memory that a pod may take, a quantity such as `256Mi`.",
        "memory_test": "string: the label of the test that proves it; empty where none is named.",
        "model_manifest": "File: manifest.json of the model that is served.",
        "name": "string: what everything in the cluster is called.",
        "pod_security": "string: the profile of the Pod Security Standards that its pods keep.",
    },
)
