"""Schemas of the custom resources that deployments hold, for which Kubernetes itself publishes none.

As strict as those of Kubernetes: a field that is not known is an error. What a pod's specification or a container holds
is taken from the schemas of Kubernetes. Sources: the CustomResourceDefinitions ServiceMonitor of prometheus-operator
0.80, InferenceService (v1beta1) and ServingRuntime (v1alpha1) of KServe 0.15.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

_STRING: Schema = {"type": "string", "minLength": 1}
_BOOL: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_STRINGS: Schema = {"type": "array", "items": _STRING}
_LABELS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_ANY: Schema = {"type": "object"}
_DURATION: Schema = {"type": "string", "pattern": "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"}  # fmt: skip # noqa: E501


def schema(kind: str, definitions: Mapping[str, Any]) -> Schema | None:
    """Returns the schema of a kind, or None where there is none.

    Args:
        kind: such as ServiceMonitor.
        definitions: the `$defs` of a version of Kubernetes.
    """
    specs = {
        "ServiceMonitor": ("monitoring.coreos.com/v1", _service_monitor),
        "InferenceService": ("serving.kserve.io/v1beta1", _inference_service),
        "ServingRuntime": ("serving.kserve.io/v1alpha1", _serving_runtime),
    }
    if kind not in specs:
        return None
    version, spec = specs[kind]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": definitions,
        **_closed(
            {
                "apiVersion": {"const": version},
                "kind": {"const": kind},
                "metadata": {"$ref": "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
                "spec": spec(definitions),
            },
            ("apiVersion", "kind", "metadata", "spec"),
        ),
    }


def _closed(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _properties(definitions: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(definitions[f"io.k8s.api.core.v1.{name}"]["properties"])


def _service_monitor(definitions: Mapping[str, Any]) -> Schema:
    relabelings: Schema = {"type": "array", "items": _ANY}
    endpoint = _closed(
        {
            "port": _STRING,
            "targetPort": {"type": ["integer", "string"]},
            "path": {"type": "string", "pattern": "^/"},
            "scheme": {"enum": ["http", "https", "HTTP", "HTTPS"]},
            "params": {"type": "object", "additionalProperties": _STRINGS},
            "interval": _DURATION,
            "scrapeTimeout": _DURATION,
            "tlsConfig": _ANY,
            "basicAuth": _ANY,
            "oauth2": _ANY,
            "authorization": _ANY,
            "bearerTokenFile": _STRING,
            "bearerTokenSecret": _ANY,
            "honorLabels": _BOOL,
            "honorTimestamps": _BOOL,
            "trackTimestampsStaleness": _BOOL,
            "metricRelabelings": relabelings,
            "relabelings": relabelings,
            "proxyUrl": _STRING,
            "followRedirects": _BOOL,
            "enableHttp2": _BOOL,
            "filterRunning": _BOOL,
        }
    )
    limits = (
        "sampleLimit",
        "targetLimit",
        "labelLimit",
        "labelNameLengthLimit",
        "labelValueLengthLimit",
        "keepDroppedTargets",
    )
    return _closed(
        {
            "selector": {"$ref": "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector"},
            "namespaceSelector": _closed({"any": _BOOL, "matchNames": _STRINGS}),
            "endpoints": {"type": "array", "items": endpoint, "minItems": 1},
            "jobLabel": _STRING,
            "targetLabels": _STRINGS,
            "podTargetLabels": _STRINGS,
            "attachMetadata": _closed({"node": _BOOL}),
            "scrapeProtocols": _STRINGS,
            "scrapeClass": _STRING,
            "bodySizeLimit": _STRING,
            **dict.fromkeys(limits, _COUNT),
        },
        ("selector", "endpoints"),
    )


def _extension() -> dict[str, Any]:
    """What KServe adds to each component of an InferenceService."""
    return {
        "minReplicas": {"type": "integer", "minimum": 0},
        "maxReplicas": {"type": "integer", "minimum": 0},
        "scaleTarget": {"type": "integer", "minimum": 1},
        "scaleMetric": {"enum": ["cpu", "memory", "concurrency", "rps"]},
        "scaleMetricType": {"enum": ["Utilization", "AverageValue"]},
        "autoScaling": _ANY,
        "containerConcurrency": _COUNT,
        "timeout": _COUNT,
        "canaryTrafficPercent": {"type": "integer", "minimum": 0, "maximum": 100},
        "logger": _ANY,
        "batcher": _ANY,
        "labels": _LABELS,
        "annotations": _LABELS,
        "deploymentStrategy": {"$ref": "#/$defs/io.k8s.api.apps.v1.DeploymentStrategy"},
    }


def _inference_service(definitions: Mapping[str, Any]) -> Schema:
    pod = _properties(definitions, "PodSpec")
    model = _closed(
        {
            **_properties(definitions, "Container"),
            "modelFormat": _closed({"name": _STRING, "version": _STRING}, ("name",)),
            "runtime": _STRING,
            "runtimeVersion": _STRING,
            "protocolVersion": {"enum": ["v1", "v2", "grpc-v1", "grpc-v2"]},
            "storageUri": {"type": "string", "pattern": "^[a-z0-9]+://"},
            "storage": _ANY,
        },
        ("modelFormat",),
    )
    component = {**pod, **_extension()}
    predictor = _closed({**component, "model": model, "workerSpec": _ANY})
    predictor["oneOf"] = [{"required": ["model"]}, {"required": ["containers"]}]
    other = _closed(component)
    return _closed({"predictor": predictor, "transformer": other, "explainer": other}, ("predictor",))


def _serving_runtime(definitions: Mapping[str, Any]) -> Schema:
    pod = _properties(definitions, "PodSpec")
    carried = (
        "containers", "volumes", "nodeSelector", "affinity", "tolerations", "imagePullSecrets", "hostIPC",
    )  # fmt: skip
    model_format = _closed(
        {"name": _STRING, "version": _STRING, "autoSelect": _BOOL, "priority": {"type": "integer", "minimum": 1}},
        ("name",),
    )
    return _closed(
        {
            **{name: pod[name] for name in carried},
            "supportedModelFormats": {"type": "array", "items": model_format, "minItems": 1},
            "protocolVersions": {"type": "array", "items": {"enum": ["v1", "v2", "grpc-v1", "grpc-v2"]}},
            "multiModel": _BOOL,
            "disabled": _BOOL,
            "replicas": _COUNT,
            "labels": _LABELS,
            "annotations": _LABELS,
            "grpcEndpoint": _STRING,
            "grpcDataEndpoint": _STRING,
            "httpDataEndpoint": _STRING,
            "storageHelper": _ANY,
            "builtInAdapter": _ANY,
            "workerSpec": _ANY,
        },
        ("containers", "supportedModelFormats"),
    )
