"""Who the user is at a registry, from where Docker and podman keep it.

https://github.com/docker/cli/blob/master/docs/reference/commandline/login.md and containers-auth.json(5)
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lepton_rules.plugin.errors import LeptonError

# What a helper answers as user where the secret is a token for OAuth2.
_TOKEN_USER = "<token>"
_DOCKER_HUB = "https://index.docker.io/v1/"


@dataclass(frozen=True)
class Credentials:
    """A user and their password, or a token that stands for both. Neither is ever printed."""

    user: str
    secret: str

    def __repr__(self) -> str:
        return "Credentials(…)"

    @property
    def is_token(self) -> bool:
        """Whether the secret is an identity token."""
        return self.user == _TOKEN_USER

    def basic(self) -> str:
        """Returns the value of a header Authorization."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode("ascii")


def find_credentials(host: str, environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """Returns what the first of the user's files says of `host`, or None.

    Args:
        host: of the registry, with its port where that is written.
        environment: of the process.

    Raises:
        LeptonError: a file is no JSON, or a credential helper is missing or fails.
    """
    keys = [host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/"]
    if host in ("docker.io", "registry-1.docker.io", "index.docker.io"):
        keys.insert(0, _DOCKER_HUB)
    for path in _files(environment):
        if path.is_file():
            found = _from_file(path, keys)
            if found:
                return found
    return None


def _files(environment: Mapping[str, str]) -> list[Path]:
    if named := environment.get("REGISTRY_AUTH_FILE"):
        return [Path(named)]
    home = Path(environment.get("HOME") or "~").expanduser()
    docker = Path(environment["DOCKER_CONFIG"]) if environment.get("DOCKER_CONFIG") else home / ".docker"
    files = [docker / "config.json"]
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        files.append(Path(runtime) / "containers" / "auth.json")
    return [*files, home / ".config" / "containers" / "auth.json"]


def _from_file(path: Path, keys: list[str]) -> Credentials | None:
    what = f"credentials in {path}"
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        # The parser's message quotes nothing of the file.
        raise LeptonError(what, f"it is no JSON: {type(error).__name__}", "Mend the file, or log in again") from None
    if not isinstance(config, dict):
        raise LeptonError(what, "it is no object", "Mend the file, or log in again")
    helpers, auths = config.get("credHelpers") or {}, config.get("auths") or {}
    for key in keys:
        helper = helpers.get(key)
        if helper:
            return _from_helper(helper, key)
    for key in keys:
        entry = auths.get(key)
        if entry:
            return _from_entry(what, entry)
    if config.get("credsStore"):
        for key in keys:
            found = _from_helper(config["credsStore"], key)
            if found:
                return found
    return None


def _from_entry(what: str, entry: Mapping[str, Any]) -> Credentials | None:
    if entry.get("identitytoken"):
        return Credentials(_TOKEN_USER, entry["identitytoken"])
    if entry.get("auth"):
        try:
            user, colon, secret = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            colon = ""
        if not colon:
            raise LeptonError(what, "an auth in it is not base64 of user:password", "Log in again")
        return Credentials(user, secret.rstrip("\0"))
    if entry.get("username") and entry.get("password"):
        return Credentials(entry["username"], entry["password"])
    return None


def _from_helper(name: str, key: str) -> Credentials | None:
    """Asks `docker-credential-<name>`; one that knows nothing of the registry exits with an error."""
    program = f"docker-credential-{name}"
    try:
        done = subprocess.run([program, "get"], input=key, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError as error:
        raise LeptonError(
            f"credential helper {program}", "it is not on PATH", "Install it, or take it out of Docker's config.json"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise LeptonError(f"credential helper {program}", "it did not answer within 60 s", "Log in again") from error
    if done.returncode:
        return None
    try:
        answer = json.loads(done.stdout)
        return Credentials(answer["Username"], answer["Secret"])
    except (ValueError, KeyError, TypeError):
        raise LeptonError(f"credential helper {program}", "its answer is not understood", "Log in again") from None
