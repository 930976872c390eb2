"""What a hardened Compose file keeps, also under an overlay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lepton_rules.deployment.documents import table
from lepton_rules.deployment.names import has_digest


def problems(content: Mapping[str, Any], profile: str = "restricted") -> list[str]:
    """Returns all that is wrong, each as `<place>: <what>`."""
    services = table(content, "services")
    found = [] if services else ["services: there is none"]
    for name, service in services.items():
        if isinstance(service, Mapping):
            found += [f"Compose services.{name}.{line}" for line in _service(service, profile)]
    return found


def _service(service: Mapping[str, Any], profile: str) -> Iterator[str]:
    if not has_digest(service.get("image")):
        yield f"image: {service.get('image')!r} has no digest: what a tag means changes"
    if "mem_limit" not in service:
        yield "mem_limit: it is missing: the server could take the whole host's"
    if profile == "privileged":
        return
    for key in ("network_mode", "pid", "ipc", "userns_mode"):
        if str(service.get(key, "")) == "host":
            yield f"{key}: it opens the host's own"
    if service.get("privileged"):
        yield "privileged: it is true"
    if profile != "restricted":
        return
    if service.get("read_only") is not True:
        yield "read_only: it must be true"
    if service.get("cap_drop") != ["ALL"]:
        yield "cap_drop: it must be ALL"
    if service.get("cap_add"):
        yield f"cap_add: {', '.join(map(str, service['cap_add']))} is more than none"
    user = str(service.get("user", "")).partition(":")[0]
    if not user.isdigit() or int(user) == 0:
        yield f"user: {user!r} is root, or a name"
    if "no-new-privileges:true" not in (service.get("security_opt") or []):
        yield "security_opt: it must hold no-new-privileges:true"
