"""The Pod Security Standards, checked on documents rather than by an admission controller.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ (policy version 1.34): the controls of the
profiles "baseline" and "restricted". Ours beside "restricted": a read-only root, and no token of the API server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lepton_rules.deployment.documents import Pods, at, rows, table

PROFILES = ("restricted", "baseline", "privileged")

_BASELINE_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
_SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_SECCOMP = {"RuntimeDefault", "Localhost"}
_SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip
_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret", "image",
}  # fmt: skip


def problems(pods: Pods, profile: str) -> Iterator[str]:
    """What a profile forbids, each as `<place>: <what>`."""
    if profile == "privileged":
        return
    yield from _baseline_pod(pods)
    for place, container in pods.containers():
        yield from _baseline_container(place, container)
    if profile == "restricted":
        yield from _restricted_volumes(pods)
        served = pods.document.kind != "InferenceService" or "model" not in pods.spec
        for place, container in pods.containers():
            if served:
                yield from _restricted_container(place, pods, container)
        if pods.document.kind != "ServingRuntime" and pods.spec.get("automountServiceAccountToken") is not False:
            yield f"{pods.place}.automountServiceAccountToken: it must be false: a model's server asks no API server"


def _baseline_pod(pods: Pods) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pods.spec.get(key):
            yield f"{pods.place}.{key}: it opens the host's own"
    for index, volume in enumerate(rows(pods.spec, "volumes")):
        if "hostPath" in volume:
            yield f"{pods.place}.volumes[{index}]: a hostPath opens the host's files"
    for sysctl in rows(pods.spec, "securityContext", "sysctls"):
        if sysctl.get("name") not in _SYSCTLS:
            yield f"{pods.place}.securityContext.sysctls: {sysctl.get('name')!r} is not one of the safe ones"
    yield from _contexts(f"{pods.place}.securityContext", table(pods.spec, "securityContext"))


def _baseline_container(place: str, container: Mapping[str, Any]) -> Iterator[str]:
    context = table(container, "securityContext")
    if context.get("privileged"):
        yield f"{place}.securityContext.privileged: it is true"
    for capability in at(context, "capabilities", "add") or []:
        if capability not in _BASELINE_CAPABILITIES:
            yield f"{place}.securityContext.capabilities.add: {capability} is not among those of a container's default"
    for index, port in enumerate(rows(container, "ports")):
        if port.get("hostPort"):
            yield f"{place}.ports[{index}].hostPort: it takes a port of the host"
    if context.get("procMount") not in (None, "Default"):
        yield f"{place}.securityContext.procMount: it is {context['procMount']!r}, and must be 'Default'"
    for handler in ("startupProbe", "readinessProbe", "livenessProbe"):
        if at(container, handler, "httpGet", "host") or at(container, handler, "tcpSocket", "host"):
            yield f"{place}.{handler}: it names a host, which makes the kubelet ask others"
    yield from _contexts(f"{place}.securityContext", context)


def _contexts(place: str, context: Mapping[str, Any]) -> Iterator[str]:
    """What the contexts of pods and containers have in common."""
    selinux = table(context, "seLinuxOptions")
    if selinux.get("type") not in _SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield f"{place}.seLinuxOptions: a user, a role or this type is not allowed"
    if at(context, "seccompProfile", "type") not in (None, *_SECCOMP):
        yield f"{place}.seccompProfile: {context['seccompProfile']['type']!r} filters no system calls"
    if at(context, "appArmorProfile", "type") not in (None, "RuntimeDefault", "Localhost"):
        yield f"{place}.appArmorProfile: {context['appArmorProfile']['type']!r} confines nothing"


def _restricted_volumes(pods: Pods) -> Iterator[str]:
    for index, volume in enumerate(rows(pods.spec, "volumes")):
        kinds = set(volume) - {"name"} - _VOLUMES - {"hostPath"}
        if kinds:
            yield f"{pods.place}.volumes[{index}]: {', '.join(sorted(kinds))} is not a kind that pods may mount"


def _restricted_container(place: str, pods: Pods, container: Mapping[str, Any]) -> Iterator[str]:
    context = table(container, "securityContext")
    of_pod = table(pods.spec, "securityContext")

    def effective(key: str) -> Any:
        return context[key] if key in context else of_pod.get(key)

    where = f"{place}.securityContext"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{where}.allowPrivilegeEscalation: it must be false"
    if effective("runAsNonRoot") is not True:
        yield f"{where}.runAsNonRoot: it must be true"
    if effective("runAsUser") == 0:
        yield f"{where}.runAsUser: it is root"
    if at(effective("seccompProfile"), "type") not in _SECCOMP:
        yield f"{where}.seccompProfile: it must be RuntimeDefault or Localhost"
    if "ALL" not in (at(context, "capabilities", "drop") or []):
        yield f"{where}.capabilities.drop: it must hold ALL"
    added = set(at(context, "capabilities", "add") or []) - {"NET_BIND_SERVICE"}
    for capability in sorted(added & _BASELINE_CAPABILITIES):
        yield f"{where}.capabilities.add: {capability} is more than NET_BIND_SERVICE"
    if context.get("readOnlyRootFilesystem") is not True:
        yield f"{where}.readOnlyRootFilesystem: it must be true: the server writes no file"
