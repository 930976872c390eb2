"""lepton_deployment: Kubernetes documents and a Compose file from one image."""

load("//lepton_rules/private/providers:deployment_info.bzl", "DeploymentInfo")
load("//lepton_rules/private/providers:environment_info.bzl", "EnvironmentInfo")
load("//lepton_rules/private/providers:image_info.bzl", "ImageIndexInfo", "ImageInfo")
load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(
    ":kubernetes_values.bzl",
    "is_dns_label",
    "is_dns_subdomain",
    "is_environment_name",
    "is_label_key",
    "is_label_value",
    "is_repository",
    "is_service_name",
    "quantity",
)
load(":messages.bzl", "display_label", "message", "near_miss")
load(":run.bzl", "RUN_ATTRS")

_DOC = """Kubernetes documents of an image, each a file and all of them `<name>.yaml`, and `<name>.compose.yaml` for one host.

The image is named by its digest, so that a file says exactly what runs. Pods keep the profile "restricted" of the Pod Security
Standards. What the attributes do not say, `overlays` do; the result is checked when it is built, whoever wrote it.
"""

_KUBERNETES = "kubernetes"
_KSERVE = "kserve"

_ATTRS = RUN_ATTRS | {
    "allow_from": attr.string_list(doc = "Set by the macro: JSON of peers."),
    "annotations": attr.string_dict(doc = "Annotations of every document and of the pods."),
    "app_labels": attr.string_dict(doc = "Labels of every document and of the pods, beside app.kubernetes.io's."),
    "app_name": attr.string(doc = "What everything in the cluster is called. Default: the target's name with `-` for `_`, without a trailing `_deployment`."),
    "cpu": attr.string(default = "1", doc = "Cores of a pod, requested and limit: the server starts as many threads as it has cores."),
    "create_service_account": attr.bool(default = True, doc = "Whether there is a ServiceAccount among the documents."),
    "disruption_budget": attr.string(default = "maxUnavailable=1", doc = "PodDisruptionBudget: `maxUnavailable=N`, `minAvailable=N` or percentages; empty for none."),
    "drain_s": attr.int(default = 20, doc = "Seconds in which the server answers what it has taken before it ends."),
    "env": attr.string_dict(doc = "The server's environment variables, such as `{\"LEPTON_MAX_BATCH\": \"8\"}`."),
    "extended_resources": attr.string_dict(doc = "Devices, such as `{\"nvidia.com/gpu\": \"1\"}`."),
    "grpc_port": attr.int(default = 0, doc = "The port for gRPC; 0 for none."),
    "http_port": attr.int(default = 8080, doc = "The container's port for HTTP."),
    "image": attr.label(mandatory = True, providers = [[ImageInfo], [ImageIndexInfo]], doc = "The lepton_image, or a lepton_image_index."),
    "image_pull_secrets": attr.string_list(doc = "Names of Secrets with which nodes pull the image."),
    "kserve_runtime": attr.string(doc = "KServe's (Cluster)ServingRuntime for `model_image`. Default: one of this image among the documents."),
    "max_replicas": attr.int(default = 0, doc = "The most pods that a HorizontalPodAutoscaler starts; 0 for none, and `replicas` pods."),
    "memory": attr.string(mandatory = True, doc = "Memory of a pod, requested and limit: a budget that `memory_test` proves."),
    "memory_test": attr.string(doc = "Set by the macro."),
    "min_replicas": attr.int(default = 0, doc = "The fewest pods of the autoscaler. Default: `replicas`."),
    "model_image": attr.label(providers = [ImageInfo], doc = "KServe: the model as an OCI image of its own, a lepton_model_oci (modelcar)."),
    "model_repository": attr.string(doc = "Where `model_image` is pushed to."),
    "monitoring_namespace": attr.string(default = "monitoring", doc = "With `service_monitor`: the namespace of Prometheus, which the NetworkPolicy lets in."),
    "namespace": attr.string(doc = "The namespace. Default: that of whoever applies the file."),
    "network_policy": attr.bool(default = True, doc = "Whether there is a NetworkPolicy: only `allow_from` reaches the pods, and they reach nobody."),
    "node_selector": attr.string_dict(doc = "Labels of the nodes, beside those of the image's platform."),
    "overlays": attr.string_dict(doc = "Set by the macro: JSON by kind."),
    "part_of": attr.string(doc = "app.kubernetes.io/part-of. Default: the name."),
    "platform": attr.string(default = _KUBERNETES, values = [_KUBERNETES, _KSERVE], doc = "`kubernetes` for a Deployment and a Service, or `kserve` for an InferenceService."),
    "pod_security": attr.string(default = "restricted", values = ["restricted", "baseline", "privileged"], doc = "The profile of the Pod Security Standards that the documents must keep, overlays included."),
    "pre_stop_s": attr.int(default = 5, doc = "Seconds in which a pod that ends still takes requests: until every proxy knows."),
    "priority_class": attr.string(doc = "The pods' PriorityClass."),
    "replicas": attr.int(default = 2, doc = "Pods."),
    "repository": attr.string(mandatory = True, doc = "Where the image is pushed to, without tag and digest."),
    "scrape_interval_s": attr.int(default = 30, doc = "Seconds between two readings of the metrics."),
    "service_account": attr.string(doc = "The ServiceAccount. Default: one of the deployment's name."),
    "service_monitor": attr.bool(default = False, doc = "Whether there is a ServiceMonitor for the Prometheus operator."),
    "service_monitor_labels": attr.string_dict(doc = "Labels that the operator looks for, such as `{\"release\": \"prometheus\"}`."),
    "service_port": attr.int(default = 80, doc = "The Service's port for HTTP."),
    "startup_timeout_s": attr.int(default = 60, doc = "Seconds in which the model must be loaded."),
    "target_cpu_percent": attr.int(default = 0, doc = "The autoscaler's aim: CPU in use, in percent of `cpu`. Default: 70."),
    "target_queue_depth": attr.int(default = 0, doc = "The autoscaler's aim instead: requests that wait in each pod, by the metric `lepton_queue_depth`."),
    "tolerations": attr.string_list(doc = "Set by the macro: JSON of tolerations."),
    "_environment": attr.label(default = "@lepton_rules_core//:environment", cfg = "exec", providers = [EnvironmentInfo]),
    "_program": attr.label(default = "//lepton_rules/deployment:main.py", allow_single_file = True),
    "_sources": attr.label(default = "//lepton_rules/deployment:sources"),
}

_COMPOSE = "Compose"

# What the server is told by its environment: the fields of lepton_server.options.Options. tests/deployment holds this list to them.
SERVER_VARIABLES = ["LEPTON_" + name for name in [
    "BODY_TIMEOUT_S",
    "DRAIN_S",
    "GRPC_PORT",
    "HEADER_TIMEOUT_S",
    "HOST",
    "IDLE_TIMEOUT_S",
    "LINGER_S",
    "LOG_LEVEL",
    "MAX_BATCH",
    "MAX_BATCH_DELAY_MS",
    "MAX_BODY_BYTES",
    "MAX_CONNECTIONS",
    "MAX_PENDING_BYTES",
    "MODEL",
    "NAME",
    "PORT",
    "QUEUE",
    "RUNTIME",
    "RUNTIME_ENTRY",
    "RUNTIME_PLUGIN",
    "THREADS",
    "VERIFY",
    "VERSION",
    "WORKERS",
]]

def _refuse(ctx, attribute, why, fix):
    fail(message(attribute, ctx.label, why, fix))

def _app_name(ctx):
    if ctx.attr.app_name:
        name, attribute, fix = ctx.attr.app_name, "app_name", "Give another"
    else:
        name = ctx.label.name.removesuffix("_deployment").removesuffix("-deployment").replace("_", "-")
        attribute, fix = "name", "Give app_name"
    if not is_service_name(name):
        _refuse(ctx, attribute, "{} is not a name for Kubernetes: at most 63 of a-z, 0-9 and -, beginning with a letter".format(repr(name)), fix)
    return name

def _check_names(ctx):
    if ctx.attr.namespace and not is_dns_label(ctx.attr.namespace):
        _refuse(ctx, "namespace", "{} is not at most 63 of a-z, 0-9 and -".format(repr(ctx.attr.namespace)), "Correct it")
    if not is_dns_label(ctx.attr.monitoring_namespace):
        _refuse(ctx, "monitoring_namespace", "{} is not at most 63 of a-z, 0-9 and -".format(repr(ctx.attr.monitoring_namespace)), "Correct it")
    for attribute in ["service_account", "priority_class"]:
        value = getattr(ctx.attr, attribute)
        if value and not is_dns_subdomain(value):
            _refuse(ctx, attribute, "{} is not a name of a-z, 0-9, . and -".format(repr(value)), "Correct it")
    for secret in ctx.attr.image_pull_secrets:
        if not is_dns_subdomain(secret):
            _refuse(ctx, "image_pull_secrets", "{} is not a name of a-z, 0-9, . and -".format(repr(secret)), "Correct it")
    for attribute in ["repository", "model_repository"]:
        value = getattr(ctx.attr, attribute)
        if value and not is_repository(value):
            _refuse(ctx, attribute, "{} is not a repository, such as registry.example.com/team/model; the digest comes from the image".format(repr(value)), "Write it without tag and digest")
    if ctx.attr.part_of and not is_label_value(ctx.attr.part_of):
        _refuse(ctx, "part_of", "{} is not at most 63 letters, digits, ., _ and -".format(repr(ctx.attr.part_of)), "Correct it")
    for attribute in ["app_labels", "service_monitor_labels", "node_selector"]:
        for key, value in getattr(ctx.attr, attribute).items():
            if not is_label_key(key):
                _refuse(ctx, attribute, "{} is no key of a label".format(repr(key)), "Write a name of at most 63 letters, digits, ., _ and -, after a domain and / where it has one")
            if not is_label_value(value):
                _refuse(ctx, attribute, "{} has the value {}".format(key, repr(value)), "Write at most 63 letters, digits, ., _ and -")
            if attribute != "node_selector" and key.startswith("app.kubernetes.io/"):
                _refuse(ctx, attribute, "{} is the rule's own".format(key), "Remove it; app_name and part_of set them")
    for key in ctx.attr.annotations:
        if not is_label_key(key):
            _refuse(ctx, "annotations", "{} is no key of an annotation".format(repr(key)), "Write a name of at most 63 letters, digits, ., _ and -, after a domain and / where it has one")
    for key in ctx.attr.env:
        if not is_environment_name(key):
            _refuse(ctx, "env", "{} is no name of a variable".format(repr(key)), "Write letters, digits and _")
        if key.startswith("LEPTON_") and key not in SERVER_VARIABLES:
            _refuse(ctx, "env", "the server reads no {}; {}".format(key, near_miss(key, SERVER_VARIABLES)), "Correct its name, or remove it")
        if key in ["LEPTON_DRAIN_S", "LEPTON_PORT", "LEPTON_GRPC_PORT"]:
            attribute = {"LEPTON_DRAIN_S": "drain_s", "LEPTON_GRPC_PORT": "grpc_port", "LEPTON_PORT": "http_port"}[key]
            _refuse(ctx, "env", "{} goes with ports, probes and grace".format(key), "Set {}".format(attribute))

def _check_quantities(ctx):
    for attribute, least, example in [("cpu", 1, "500m"), ("memory", 4000 << 20, "256Mi")]:
        text = getattr(ctx.attr, attribute)
        value = quantity(text)
        if value == None:
            _refuse(ctx, attribute, "{} is no quantity; {}".format(repr(text), near_miss(text[len(text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")):], ["Ki", "Mi", "Gi", "Ti", "k", "M", "G", "T", "m"], listing = "suffixes are")), "Write for example {}".format(example))
        if value < least:
            _refuse(ctx, attribute, "{} is less than a server can start with".format(repr(text)), "Write for example {}".format(example))
    for name, text in ctx.attr.extended_resources.items():
        if "/" not in name or not is_label_key(name):
            _refuse(ctx, "extended_resources", "{} is no name of a device".format(repr(name)), "Write its domain, such as nvidia.com/gpu")
        value = quantity(text)
        if value == None or value % 1000 or value == 0:
            _refuse(ctx, "extended_resources", "{} = {} is no number of devices".format(name, repr(text)), "Write for example 1")

def _check_budget(ctx):
    text = ctx.attr.disruption_budget
    if not text:
        return
    name, _, amount = text.partition("=")
    number = amount.removesuffix("%")
    if name not in ["maxUnavailable", "minAvailable"] or not number.isdigit() or len(number) > 6 or (amount != number and int(number, 10) > 100):
        _refuse(ctx, "disruption_budget", "{} is no budget".format(repr(text)), "Write maxUnavailable=1, minAvailable=50%, or \"\" for none")
    if (name == "maxUnavailable" and int(number, 10) == 0) or (name == "minAvailable" and amount == "100%"):
        _refuse(ctx, "disruption_budget", "{} lets no pod go, so that no node can be drained".format(repr(text)), "Write for example maxUnavailable=1")
    least = _least(ctx)
    if name == "minAvailable" and amount == number and int(number, 10) >= least:
        _refuse(ctx, "disruption_budget", "{} of at least {} pods must stay, so that no node can be drained".format(number, least), "Write a smaller one, or raise {}".format("min_replicas" if ctx.attr.max_replicas else "replicas"))

def _least(ctx):
    return (ctx.attr.min_replicas or ctx.attr.replicas) if ctx.attr.max_replicas else ctx.attr.replicas

def _check_scale(ctx):
    for attribute, least in [("replicas", 1), ("min_replicas", 0), ("max_replicas", 0), ("target_cpu_percent", 0), ("target_queue_depth", 0), ("startup_timeout_s", 1), ("drain_s", 1), ("pre_stop_s", 0), ("scrape_interval_s", 1)]:
        if getattr(ctx.attr, attribute) < least:
            _refuse(ctx, attribute, "{} is less than {}".format(getattr(ctx.attr, attribute), least), "Raise it")
    if not ctx.attr.max_replicas:
        for attribute in ["min_replicas", "target_cpu_percent", "target_queue_depth"]:
            if getattr(ctx.attr, attribute):
                _refuse(ctx, attribute, "there is no autoscaler", "Set max_replicas, or remove it")
        return
    if ctx.attr.max_replicas < _least(ctx):
        _refuse(ctx, "max_replicas", "{} is less than {}, {}".format(ctx.attr.max_replicas, "min_replicas" if ctx.attr.min_replicas else "replicas", _least(ctx)), "Raise it")
    if ctx.attr.target_cpu_percent and ctx.attr.target_queue_depth:
        _refuse(ctx, "target_queue_depth", "target_cpu_percent is set, too", "Remove one of the two")
    if ctx.attr.target_queue_depth and ctx.attr.platform == _KSERVE:
        _refuse(ctx, "target_queue_depth", "KServe's own autoscaler knows no metric of pods", "Use target_cpu_percent, or platform = \"kubernetes\"")

def _check_ports(ctx):
    ports = {}
    for attribute in ["http_port", "grpc_port", "service_port"]:
        port = getattr(ctx.attr, attribute)
        if port == 0 and attribute == "grpc_port":
            continue
        if port < 1 or port > 65535:
            _refuse(ctx, attribute, "{} is not from 1 to 65535".format(port), "Correct it")
        if attribute != "service_port":
            if port < 1024:
                _refuse(ctx, attribute, "{} is below 1024, which only root may open".format(port), "Take a higher one; service_port is what clients see")
            if port in ports:
                _refuse(ctx, attribute, "{} is {}, too".format(port, ports[port]), "Take another")
            ports[port] = attribute
    if ctx.attr.grpc_port and ctx.attr.grpc_port == ctx.attr.service_port:
        _refuse(ctx, "service_port", "{} is grpc_port, too".format(ctx.attr.service_port), "Take another")

def _check_kserve(ctx):
    if ctx.attr.platform == _KUBERNETES:
        for attribute in ["model_image", "model_repository", "kserve_runtime"]:
            if getattr(ctx.attr, attribute):
                _refuse(ctx, attribute, "it is for KServe", "Set platform = \"kserve\", or remove it")
        return
    if ctx.attr.service_monitor:
        _refuse(ctx, "service_monitor", "KServe makes the Service, whose labels are not this file's", "Remove it")
    if bool(ctx.attr.model_image) != bool(ctx.attr.model_repository):
        missing = "model_image" if ctx.attr.model_repository else "model_repository"
        _refuse(ctx, missing, "model_image and model_repository go together", "Set it")
    if ctx.attr.kserve_runtime and not ctx.attr.model_image:
        _refuse(ctx, "kserve_runtime", "the image brings its own server", "Set model_image, or remove it")

def _kinds(ctx):
    kinds = []
    if ctx.attr.create_service_account:
        kinds.append("ServiceAccount")
    if ctx.attr.network_policy:
        kinds.append("NetworkPolicy")
    if ctx.attr.platform == _KSERVE:
        if ctx.attr.model_image and not ctx.attr.kserve_runtime:
            kinds.append("ServingRuntime")
        kinds.append("InferenceService")
    else:
        kinds += ["Deployment", "Service"]
        if ctx.attr.max_replicas:
            kinds.append("HorizontalPodAutoscaler")
    if ctx.attr.disruption_budget:
        kinds.append("PodDisruptionBudget")
    if ctx.attr.service_monitor:
        kinds.append("ServiceMonitor")
    return kinds

def _overlays(ctx, kinds):
    overlays = {}
    for kind, text in ctx.attr.overlays.items():
        if kind not in kinds + [_COMPOSE]:
            _refuse(ctx, "overlays", "there is no document {}; {}".format(repr(kind), near_miss(kind, kinds + [_COMPOSE])), "Correct its kind, or remove it")
        overlay = json.decode(text, default = None)
        if type(overlay) != "dict":
            _refuse(ctx, "overlays", "that of {} is no JSON object".format(kind), "Write a dict")
        for key in ["apiVersion", "kind"]:
            if key in overlay and kind != _COMPOSE:
                _refuse(ctx, "overlays", "that of {} sets {}, which makes it another document".format(kind, key), "Remove it")
        overlays[kind] = overlay
    return overlays

def _objects(ctx, attribute, keys):
    """A list of objects that the macro wrote as JSON, whose keys are known."""
    objects = []
    for text in getattr(ctx.attr, attribute):
        element = json.decode(text)
        if type(element) != "dict" or not element:
            _refuse(ctx, attribute, "{} is no dict with one of {}".format(text, ", ".join(keys)), "Write for example {}".format(keys[0]))
        for key in element:
            if key not in keys:
                _refuse(ctx, attribute, "there is no {}; {}".format(key, near_miss(key, keys)), "Correct its name, or remove it")
        objects.append(element)
    return objects

def _file_name(kind):
    """`PodDisruptionBudget` to `pod-disruption-budget`."""
    return "".join([("-" if character.isupper() and position else "") + character.lower() for position, character in enumerate(kind.elems())])

def _spec(ctx, name, architectures, overlays):
    values = {
        attribute: getattr(ctx.attr, attribute)
        for attribute in [
            "annotations",
            "cpu",
            "disruption_budget",
            "drain_s",
            "env",
            "extended_resources",
            "grpc_port",
            "http_port",
            "image_pull_secrets",
            "kserve_runtime",
            "max_replicas",
            "memory",
            "memory_test",
            "model_repository",
            "monitoring_namespace",
            "namespace",
            "network_policy",
            "node_selector",
            "platform",
            "pod_security",
            "pre_stop_s",
            "priority_class",
            "replicas",
            "repository",
            "scrape_interval_s",
            "service_monitor",
            "service_monitor_labels",
            "service_port",
            "startup_timeout_s",
            "target_queue_depth",
        ]
    }
    return values | {
        "allow_from": _objects(ctx, "allow_from", ["namespaceSelector", "podSelector", "ipBlock"]),
        "architectures": architectures,
        "image_label": display_label(ctx.attr.image.label),
        "label": display_label(ctx.label),
        "labels": ctx.attr.app_labels,
        "min_replicas": _least(ctx),
        "name": name,
        "overlays": overlays,
        "part_of": ctx.attr.part_of or name,
        "service_account": ctx.attr.service_account or (name if ctx.attr.create_service_account else ""),
        "target_cpu_percent": ctx.attr.target_cpu_percent or 70,
        "tolerations": _objects(ctx, "tolerations", ["key", "operator", "value", "effect", "tolerationSeconds"]),
    }

def _lepton_deployment_impl(ctx):
    name = _app_name(ctx)
    _check_names(ctx)
    _check_quantities(ctx)
    _check_scale(ctx)
    _check_budget(ctx)
    _check_ports(ctx)
    _check_kserve(ctx)
    kinds = _kinds(ctx)
    overlays = _overlays(ctx, kinds)
    if ImageIndexInfo in ctx.attr.image:
        index = ctx.attr.image[ImageIndexInfo]
        digest, images = index.digest, index.images
    else:
        digest, images = ctx.attr.image[ImageInfo].digest, [ctx.attr.image[ImageInfo]]
    architectures = {image.platform["architecture"]: None for image in images}.keys()
    spec = ctx.actions.declare_file(ctx.label.name + "/spec.json")
    ctx.actions.write(spec, json.encode(_spec(ctx, name, architectures, overlays)))
    documents = {kind: ctx.actions.declare_file("{}/{}.yaml".format(ctx.label.name, _file_name(kind))) for kind in kinds}
    combined = ctx.actions.declare_file(ctx.label.name + ".yaml")
    compose = ctx.actions.declare_file(ctx.label.name + ".compose.yaml")
    args = ctx.actions.args()
    args.add(ctx.file._program)
    args.add(spec, format = "--spec=%s")
    args.add(digest, format = "--digest=%s")
    args.add(images[0].config, format = "--image_config=%s")
    inputs = [spec, digest, images[0].config, images[0].model_manifest]
    args.add(images[0].model_manifest, format = "--model_manifest=%s")
    if ctx.attr.model_image:
        model_digest = ctx.attr.model_image[ImageInfo].digest
        args.add(model_digest, format = "--model_digest=%s")
        inputs.append(model_digest)
    for kind, file in documents.items():
        args.add(file, format = "--document={}=%s".format(kind))
    args.add(combined, format = "--combined=%s")
    args.add(compose, format = "--compose=%s")
    environment = ctx.attr._environment[EnvironmentInfo]
    settings = ctx.attr._run[RunSettingsInfo]
    ctx.actions.run(
        executable = environment.launcher,
        arguments = [args],
        tools = [environment.key, environment.launcher],
        inputs = depset(inputs + [environment.directory], transitive = [settings.action_sources, ctx.attr._sources[DefaultInfo].files]),
        outputs = documents.values() + [combined, compose],
        env = settings.environment,
        mnemonic = "LeptonDeployment",
        progress_message = "Lepton deployment %{label}",
        toolchain = None,
    )
    return [
        DefaultInfo(files = depset([combined, compose])),
        OutputGroupInfo(
            compose = depset([compose]),
            documents = depset(documents.values()),
            kubernetes = depset([combined]),
        ),
        DeploymentInfo(
            combined = combined,
            compose = compose,
            documents = documents,
            label = display_label(ctx.label),
            memory = ctx.attr.memory,
            memory_test = ctx.attr.memory_test,
            model_manifest = images[0].model_manifest,
            name = name,
            pod_security = ctx.attr.pod_security,
        ),
    ]

_lepton_deployment = rule(
    implementation = _lepton_deployment_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [DeploymentInfo],
)

def lepton_deployment(
        name,
        image,
        repository,
        memory,
        memory_test = None,
        overlays = {},
        tolerations = [],
        allow_from = [],
        **kwargs):
    """Kubernetes documents and a Compose file from one image.

    Made are `<name>.yaml`, to be applied as it is; each of its documents as a file of its own, in the output group
    `documents`; and `<name>.compose.yaml` for one host. Which documents there are follows from the attributes:
    ServiceAccount, NetworkPolicy, Deployment, Service, HorizontalPodAutoscaler (`max_replicas`), PodDisruptionBudget,
    ServiceMonitor; with `platform = "kserve"` an InferenceService instead of the middle three.

    `overlays` changes what no attribute does: a dict by kind (`Compose` for the Compose file) that is merged into the
    document as RFC 7396 says, where None removes a key; lists of objects with a `name` are merged by name.

        overlays = {"Deployment": {"spec": {"template": {"spec": {"containers": [
            {"name": "server", "env": [{"name": "TZ", "value": "UTC"}]},
        ]}}}}}

    Args:
      name: the target's name, by custom `<artifact>_deployment`.
      image: a lepton_image, or a lepton_image_index.
      repository: where the image is pushed to, without tag and digest.
      memory: the memory of a pod, such as `256Mi`: requested, and the limit at which it is killed.
      memory_test: the label of the lepton_memory_test that proves `memory`. It stands in an annotation.
      overlays: dict of dicts by kind.
      tolerations: list of dicts, as a pod has them.
      allow_from: list of dicts: the peers of the NetworkPolicy that may ask. Default: the pods of the same namespace.
      **kwargs: Bazel's common attributes, and
        `app_name`: what everything in the cluster is called (the target's name with `-` for `_`, without a trailing `_deployment`);
        `namespace`: that of whoever applies the file, if not set;
        `part_of`: app.kubernetes.io/part-of (the name);
        `app_labels`, `annotations`: of every document and of the pods, dicts;
        `replicas`: pods (2);
        `max_replicas`: the most of a HorizontalPodAutoscaler (none), `min_replicas`: its fewest (`replicas`), `target_cpu_percent`: its aim (70),
        `target_queue_depth`: its aim instead, requests that wait in each pod;
        `cpu`: cores of a pod, requested and limit (`1`); `extended_resources`: devices, such as `{"nvidia.com/gpu": "1"}`;
        `env`: the server's variables, such as `{"LEPTON_MAX_BATCH": "8"}`;
        `http_port` (8080), `grpc_port` (none), `service_port` (80);
        `drain_s`: in which the server answers what it has taken (20), `pre_stop_s`: in which a pod that ends still takes requests (5),
        `startup_timeout_s`: in which the model must be loaded (60);
        `disruption_budget`: `maxUnavailable=N`, `minAvailable=N`, percentages, or empty for none (`maxUnavailable=1`);
        `network_policy`: whether there is one (True);
        `service_account`: its name (that of the deployment), `create_service_account`: whether it is among the documents (True);
        `service_monitor`: whether there is one (False), `service_monitor_labels`: that the operator looks for, `scrape_interval_s` (30),
        `monitoring_namespace`: of Prometheus, which the NetworkPolicy lets in (`monitoring`);
        `node_selector`: beside the image's platform; `priority_class`; `image_pull_secrets`: list;
        `platform`: `kubernetes`, or `kserve` for an InferenceService; then `model_image`: a lepton_model_oci, `model_repository`: where that is
        pushed to, `kserve_runtime`: the cluster's own ServingRuntime for it;
        `pod_security`: the profile that the pods must keep, overlays included (`restricted`, or `baseline`, `privileged`).
    """
    test = "" if memory_test == None else display_label(native.package_relative_label(memory_test))
    _lepton_deployment(
        name = name,
        allow_from = [json.encode(peer) for peer in allow_from],
        image = image,
        memory = memory,
        memory_test = test,
        overlays = {
            kind: overlay if type(overlay) == "string" else json.encode(overlay)
            for kind, overlay in overlays.items()
        },
        repository = repository,
        tolerations = [json.encode(toleration) for toleration in tolerations],
        **kwargs
    )
