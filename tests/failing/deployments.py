"""Mistakes in deployments that are found before anything runs."""

from __future__ import annotations

import json

from case import Case

_LOAD = 'load("@lepton_rules//lepton_rules:defs.bzl", "lepton_deployment", "lepton_deployment_test")\n'
_RIGHT = {
    "image": '"//images:plain"',
    "memory": '"256Mi"',
    "name": '"x"',
    "repository": '"registry.example.com/team/x"',
}


def _deployment(name: str, says: str, /, **attributes: object) -> Case:
    """A deployment with these attributes, whose mistake is told as `lepton: <says>`."""
    texts = {**_RIGHT, **{key: json.dumps(value) for key, value in attributes.items()}}
    # What JSON and Starlark write differently.
    lines = [f"    {key} = {text.replace('true', 'True')},\n" for key, text in texts.items()]
    return Case(name, f"{_LOAD}lepton_deployment(\n{''.join(lines)})\n", f"lepton: {says}")


def _test(name: str, attributes: str, says: str) -> Case:
    return Case(name, f'{_LOAD}lepton_deployment_test(name = "x", {attributes})\n', f"lepton: {says}")


def _memory(
    name: str,
    says: str,
    *,
    image: str = "right",
    memory_test: str = ":m",
    budget: str = "max_inference_rss_bytes = 100000000",
) -> Case:
    """A deployment, the test of its memory, and what is wrong between them."""
    named = f'memory_test = "{memory_test}"' if memory_test else ""
    build = f"""
load("@lepton_rules//lepton_rules:defs.bzl", "lepton_memory_test")
lepton_memory_test(name = "m", artifact = "//gates:right", {budget})
lepton_deployment(name = "d", image = "//images:{image}", memory = "64Mi", repository = "r.example.com/d", {named})
lepton_deployment_test(name = "x_test", deployment = ":d", memory_test = ":m")
"""
    return Case(name, _LOAD + build, f"lepton: memory_test in {{here}}:x_memory_test: {says}")


_LONG = "x" * 64
_KEY = "Write a name of at most 63 letters, digits, ., _ and -, after a domain and / where it has one."

DEPLOYMENTS = [
    _deployment(
        "name_for_a_cluster",
        'name in {here}:a.b: "a.b" is not a name for Kubernetes: at most 63 of a-z, 0-9 and -, beginning with a '
        "letter. Give app_name.",
        name="a.b",
    ),
    _deployment(
        "name_too_long",
        f'name in {{here}}:{_LONG}: "{_LONG}" is not a name for Kubernetes: at most 63 of a-z, 0-9 and -, '
        "beginning with a letter. Give app_name.",
        name=_LONG,
    ),
    _deployment(
        "app_name",
        'app_name in {here}:x: "1-x" is not a name for Kubernetes: at most 63 of a-z, 0-9 and -, beginning with a '
        "letter. Give another.",
        app_name="1-x",
    ),
    _deployment(
        "namespace",
        'namespace in {here}:x: "a.b" is not at most 63 of a-z, 0-9 and -. Correct it.',
        namespace="a.b",
    ),
    _deployment(
        "service_account",
        'service_account in {here}:x: "a_b" is not a name of a-z, 0-9, . and -. Correct it.',
        service_account="a_b",
    ),
    _deployment(
        "image_pull_secret",
        'image_pull_secrets in {here}:x: "A" is not a name of a-z, 0-9, . and -. Correct it.',
        image_pull_secrets=["A"],
    ),
    _deployment(
        "repository_with_a_tag",
        'repository in {here}:x: "registry.example.com/team/x:latest" is not a repository, such as '
        "registry.example.com/team/model; the digest comes from the image. Write it without tag and digest.",
        repository="registry.example.com/team/x:latest",
    ),
    _deployment(
        "part_of",
        'part_of in {here}:x: "a b" is not at most 63 letters, digits, ., _ and -. Correct it.',
        part_of="a b",
    ),
    _deployment(
        "key_of_a_label",
        f'app_labels in {{here}}:x: "a b" is no key of a label. {_KEY}',
        app_labels={"a b": "c"},
    ),
    _deployment(
        "value_of_a_label",
        'app_labels in {here}:x: team has the value "a b". Write at most 63 letters, digits, ., _ and -.',
        app_labels={"team": "a b"},
    ),
    _deployment(
        "label_of_the_rule",
        "app_labels in {here}:x: app.kubernetes.io/name is the rule's own. Remove it; app_name and part_of set them.",
        app_labels={"app.kubernetes.io/name": "y"},
    ),
    _deployment(
        "key_of_an_annotation",
        f'annotations in {{here}}:x: "/x" is no key of an annotation. {_KEY}',
        annotations={"/x": "y"},
    ),
    _deployment(
        "variable",
        'env in {here}:x: "A-B" is no name of a variable. Write letters, digits and _.',
        env={"A-B": "1"},
    ),
    _deployment(
        "variable_misspelled",
        'env in {here}:x: the server reads no LEPTON_MAX_BACTH; did you mean "LEPTON_MAX_BATCH"? '
        "Correct its name, or remove it.",
        env={"LEPTON_MAX_BACTH": "8"},
    ),
    _deployment(
        "variable_of_an_attribute",
        "env in {here}:x: LEPTON_DRAIN_S goes with ports, probes and grace. Set drain_s.",
        env={"LEPTON_DRAIN_S": "1"},
    ),
    _deployment(
        "memory_of_no_unit",
        'memory in {here}:x: "256MB" is no quantity; did you mean "M"? Write for example 256Mi.',
        memory="256MB",
    ),
    _deployment(
        "memory_too_small",
        'memory in {here}:x: "256" is less than a server can start with. Write for example 256Mi.',
        memory="256",
    ),
    _deployment("cpu", 'cpu in {here}:x: "0" is less than a server can start with. Write for example 500m.', cpu="0"),
    _deployment(
        "device_without_a_domain",
        'extended_resources in {here}:x: "gpu" is no name of a device. Write its domain, such as nvidia.com/gpu.',
        extended_resources={"gpu": "1"},
    ),
    _deployment(
        "half_a_device",
        'extended_resources in {here}:x: nvidia.com/gpu = "500m" is no number of devices. Write for example 1.',
        extended_resources={"nvidia.com/gpu": "500m"},
    ),
    _deployment("no_replicas", "replicas in {here}:x: 0 is less than 1. Raise it.", replicas=0),
    _deployment("negative_pre_stop", "pre_stop_s in {here}:x: -1 is less than 0. Raise it.", pre_stop_s=-1),
    _deployment(
        "fewest_without_most",
        "min_replicas in {here}:x: there is no autoscaler. Set max_replicas, or remove it.",
        min_replicas=2,
    ),
    _deployment(
        "most_below_fewest",
        "max_replicas in {here}:x: 3 is less than min_replicas, 4. Raise it.",
        max_replicas=3,
        min_replicas=4,
    ),
    _deployment(
        "most_below_replicas",
        "max_replicas in {here}:x: 1 is less than replicas, 2. Raise it.",
        max_replicas=1,
    ),
    _deployment(
        "two_aims",
        "target_queue_depth in {here}:x: target_cpu_percent is set, too. Remove one of the two.",
        max_replicas=3,
        target_cpu_percent=50,
        target_queue_depth=4,
    ),
    _deployment(
        "budget_of_no_form",
        'disruption_budget in {here}:x: "1" is no budget. Write maxUnavailable=1, minAvailable=50%, or "" for none.',
        disruption_budget="1",
    ),
    _deployment(
        "budget_that_lets_none_go",
        'disruption_budget in {here}:x: "maxUnavailable=0" lets no pod go, so that no node can be drained. '
        "Write for example maxUnavailable=1.",
        disruption_budget="maxUnavailable=0",
    ),
    _deployment(
        "budget_of_all",
        "disruption_budget in {here}:x: 2 of at least 2 pods must stay, so that no node can be drained. "
        "Write a smaller one, or raise replicas.",
        disruption_budget="minAvailable=2",
    ),
    _deployment(
        "port_of_root",
        "http_port in {here}:x: 80 is below 1024, which only root may open. "
        "Take a higher one; service_port is what clients see.",
        http_port=80,
    ),
    _deployment(
        "port_out_of_range",
        "service_port in {here}:x: 65536 is not from 1 to 65535. Correct it.",
        service_port=65536,
    ),
    _deployment(
        "port_twice",
        "grpc_port in {here}:x: 8080 is http_port, too. Take another.",
        grpc_port=8080,
    ),
    _deployment(
        "runtime_without_kserve",
        'kserve_runtime in {here}:x: it is for KServe. Set platform = "kserve", or remove it.',
        kserve_runtime="triton",
    ),
    _deployment(
        "queue_on_kserve",
        "target_queue_depth in {here}:x: KServe's own autoscaler knows no metric of pods. "
        'Use target_cpu_percent, or platform = "kubernetes".',
        max_replicas=3,
        platform="kserve",
        target_queue_depth=4,
    ),
    _deployment(
        "monitor_on_kserve",
        "service_monitor in {here}:x: KServe makes the Service, whose labels are not this file's. Remove it.",
        platform="kserve",
        service_monitor=True,
    ),
    _deployment(
        "model_image_without_repository",
        "model_repository in {here}:x: model_image and model_repository go together. Set it.",
        model_image="//images:plain",
        platform="kserve",
    ),
    _deployment(
        "peer_of_no_kind",
        'allow_from in {here}:x: there is no podSelectr; did you mean "podSelector"? Correct its name, or remove it.',
        allow_from=[{"podSelectr": {}}],
    ),
    _deployment(
        "toleration_that_is_no_dict",
        'tolerations in {here}:x: "gpu" is no dict with one of key, operator, value, effect, tolerationSeconds. '
        "Write for example key.",
        tolerations=["gpu"],
    ),
    _deployment(
        "overlay_of_nothing",
        'overlays in {here}:x: there is no document "Deploiment"; did you mean "Deployment"? '
        "Correct its kind, or remove it.",
        overlays={"Deploiment": {}},
    ),
    _deployment(
        "overlay_of_a_document_that_is_not_made",
        'overlays in {here}:x: there is no document "HorizontalPodAutoscaler"; accepted are Compose, Deployment, '
        "NetworkPolicy, PodDisruptionBudget, Service, ServiceAccount. Correct its kind, or remove it.",
        overlays={"HorizontalPodAutoscaler": {}},
    ),
    _deployment(
        "overlay_that_is_no_object",
        "overlays in {here}:x: that of Service is no JSON object. Write a dict.",
        overlays={"Service": ["spec"]},
    ),
    _deployment(
        "overlay_of_the_kind",
        "overlays in {here}:x: that of Service sets kind, which makes it another document. Remove it.",
        overlays={"Service": {"kind": "Ingress"}},
    ),
    _memory(
        "memory_that_the_test_does_not_prove",
        "{here}:m lets the process take 100000000 bytes, and a pod of {here}:d is killed at 64Mi, 67108864 bytes. "
        "Raise memory, or lower max_inference_rss_bytes.",
    ),
    _memory(
        "memory_test_of_another_budget",
        "{here}:m has no budget max_inference_rss_bytes. Set it, to at most 64Mi.",
        budget="max_load_rss_bytes = 100000000",
    ),
    _memory(
        "memory_test_of_another_model",
        "{here}:m runs another model than {here}:d serves. Name the test of the artifact in the image.",
        image="plain",
    ),
    _memory(
        "memory_test_that_is_not_named",
        "{here}:d names no memory_test, not {here}:m. Give both the same.",
        memory_test="",
    ),
    _test("test_of_nothing", "", "deployment in {here}:x: it and files are both missing. Set one of the two."),
    _test(
        "test_of_no_version",
        'files = ["x.yaml"], kubernetes_versions = ["latest"]',
        'kubernetes_versions in {here}:x: "latest" is no version. Write for example 1.30.',
    ),
]
