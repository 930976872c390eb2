"""What the rule writes: golden files, the same bytes in every order, and the files of a build."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from samples import FACTS, SCALED, spec

from lepton_rules.deployment import main
from lepton_rules.deployment.yaml_text import dump

HERE = Path(__file__).parent


def documents(name: str) -> dict[str, Any]:
    return {d["kind"]: d for d in yaml.safe_load_all((HERE / f"{name}.yaml").read_text("utf-8"))}


def server(name: str) -> dict[str, Any]:
    (container,) = documents(name)["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


@pytest.mark.parametrize("suffix", [".yaml", ".compose.yaml"])
def test_golden(suffix: str) -> None:
    built, golden = HERE / f"plain_deployment{suffix}", HERE / "golden" / f"plain{suffix}"
    command = f"cp bazel-bin/tests/deployment/plain_deployment{suffix} tests/deployment/golden/plain{suffix}"
    assert built.read_text("utf-8") == golden.read_text("utf-8"), f"If the change is meant: {command}"


def test_hash_seeds_change_nothing() -> None:
    made = main.documents(spec(max_replicas=4, env={"B": "1", "A": "2"}), FACTS, SCALED)
    assert list(made) == [kind for kind in main._DOCUMENTS if kind in SCALED]
    assert list(next(iter(made.values()))) == ["apiVersion", "kind", "metadata", "automountServiceAccountToken"]
    text = dump(list(made.values()), "# x\n")
    assert text.index(b"name: A") < text.index(b"name: B")


def test_every_document_is_a_file() -> None:
    folder = HERE / "full"
    files = sorted(path.name for path in folder.glob("*.yaml"))
    assert files == [
        "deployment.yaml", "horizontal-pod-autoscaler.yaml", "network-policy.yaml", "pod-disruption-budget.yaml",
        "service-account.yaml", "service-monitor.yaml", "service.yaml",
    ]  # fmt: skip
    apart = [yaml.safe_load((folder / name).read_text("utf-8")) for name in files]
    assert {d["kind"]: d for d in apart} == documents("full")


def test_attributes_reach_the_documents() -> None:
    made, container = documents("full"), server("full")
    pod = made["Deployment"]["spec"]["template"]["spec"]
    assert {d["metadata"]["namespace"] for d in made.values()} == {"vision"}
    assert {d["metadata"]["name"] for kind, d in made.items() if kind != "ServiceAccount"} == {"full-model"}
    assert container["image"] == "registry.example.com:5000/team/full@sha256:" + "b" * 64
    assert container["resources"]["limits"] == {"cpu": "1500m", "memory": "1.5Gi", "nvidia.com/gpu": "1"}
    assert container["resources"]["requests"] == container["resources"]["limits"]
    assert {e["name"]: e["value"] for e in container["env"]} == {
        "LEPTON_DRAIN_S": "30", "LEPTON_GRPC_PORT": "8081", "LEPTON_MAX_BATCH": "8", "LEPTON_PORT": "8080", "TZ": "UTC",
    }  # fmt: skip
    assert pod["terminationGracePeriodSeconds"] == 40
    assert pod["serviceAccountName"] == made["ServiceAccount"]["metadata"]["name"] == "models"
    assert "kubernetes.io/arch" not in pod["nodeSelector"] and pod["nodeSelector"]["pool"] == "gpu"
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["amd64", "arm64"]
    assert "topologySpreadConstraints" not in pod
    assert "replicas" not in made["Deployment"]["spec"]
    scaler = made["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 8)
    assert scaler["metrics"][0]["pods"]["metric"] == {"name": "lepton_queue_depth"}
    assert made["PodDisruptionBudget"]["spec"]["minAvailable"] == "50%"
    web, scraped = made["NetworkPolicy"]["spec"]["ingress"]
    assert web["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "web"}}}]
    assert [port["port"] for port in web["ports"]] == [8080, 8081]
    assert scraped["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "metrics"}}}]
    assert [port["port"] for port in scraped["ports"]] == [8080]
    assert made["ServiceMonitor"]["metadata"]["labels"]["release"] == "prometheus"
    annotations = pod_annotations(made)
    assert annotations["lepton/memory-budget"] == "1.5Gi"
    assert annotations["lepton/memory-test"] == "//tests/deployment:full_memory_test"
    assert annotations["example.com/owner"] == "vision"
    assert annotations["lepton/hardware"] == "cpu_vnni"


def pod_annotations(made: dict[str, Any]) -> dict[str, str]:
    annotations = made["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert isinstance(annotations, dict)
    return annotations


def test_compose() -> None:
    content = yaml.safe_load((HERE / "full.compose.yaml").read_text("utf-8"))
    served = content["services"]["server"]
    assert served["environment"]["TZ"] == "UTC"
    assert (served["cpus"], served["mem_limit"]) == ("1.5", "1610612736b")
    assert served["ports"] == ["127.0.0.1:8080:8080", "127.0.0.1:8081:8081"]


def test_the_variables_are_those_of_the_server() -> None:
    """A variable that the server does not read is refused, so the rule knows all that it reads."""
    options = importlib.util.spec_from_file_location("options", HERE.parents[1] / "server/lepton_server/options.py")
    assert options is not None and options.loader is not None
    module = importlib.util.module_from_spec(options)
    sys.modules["options"] = module
    options.loader.exec_module(module)
    read = sorted(f"LEPTON_{field.name.upper()}" for field in dataclasses.fields(module.Options))
    assert (HERE / "server_variables.txt").read_text("utf-8").split() == read, "Mend SERVER_VARIABLES in deployment.bzl"


def test_kserve() -> None:
    predictor = documents("kserve")["InferenceService"]["spec"]["predictor"]
    assert (predictor["minReplicas"], predictor["maxReplicas"], predictor["scaleMetric"]) == (2, 4, "cpu")
    assert predictor["containers"][0]["name"] == "kserve-container"
    made = documents("modelcar_deployment")
    model = made["InferenceService"]["spec"]["predictor"]["model"]
    assert model["storageUri"] == "oci://registry.example.com/team/model@sha256:" + "c" * 64
    assert model["runtime"] == made["ServingRuntime"]["metadata"]["name"] == "modelcar"
    assert made["ServingRuntime"]["spec"]["containers"][0]["args"] == [
        "--model=/mnt/models",
        "--name=modelcar",
        "--version=1",
        "--runtime_plugin=onnxruntime",
        "--max_batch=8",
    ]
