"""A client of a registry: asks for blobs, sends blobs and manifests.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md and
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lepton_rules.oci.credentials import Credentials, find_credentials
from lepton_rules.plugin.errors import LeptonError

_REPOSITORY = re.compile(
    r"(?P<host>[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:]+\](?::[0-9]{1,5})?)"
    r"/(?P<path>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)",
    re.ASCII,
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_CHALLENGE = re.compile(r'([a-z_]+)="([^"]*)"')
_ATTEMPTS = 4
_TIMEOUT_S = 300
# An answer of a registry is small.
_ANSWER_LIMIT = 1 << 20


@dataclass(frozen=True)
class Answer:
    """What a registry answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _NoRedirectOfWrites(urllib.request.HTTPRedirectHandler):
    """Follows a redirection of a question, to wherever blobs are stored; never one of what is sent."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.get_method() not in ("GET", "HEAD") or not newurl.startswith(("https://", f"{req.type}://")):
            return None
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None:
            new.method = req.get_method()
        return new


class Registry:
    """One repository of a registry."""

    def __init__(
        self, repository: str, *, plain_http: bool = False, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Takes `host[:port]/path`.

        Args:
            repository: without a tag or a digest.
            plain_http: whether to speak HTTP without TLS, to this machine alone.
            pause: waits so many seconds before another attempt.

        Raises:
            LeptonError: it is no repository, or plain HTTP would leave this machine.
        """
        self.repository = repository
        found = _REPOSITORY.fullmatch(repository)
        if not found or not _is_host(found["host"]):
            raise LeptonError(
                f"repository {repository!r}",
                "accepted is host[:port]/path, the path in lower case, without a tag",
                "Write for example registry.example.com/team/resnet",
            )
        self._host, self._path = found["host"], found["path"]
        if plain_http and not _is_loopback(self._host):
            raise LeptonError(
                f"repository {repository}", "--plain_http is for a registry on this machine alone", "Use HTTPS"
            )
        # What users call Docker Hub is not the machine that speaks the protocol.
        host = "registry-1.docker.io" if self._host == "docker.io" else self._host
        self._base = f"{'http' if plain_http else 'https'}://{host}"
        self._plain_http = plain_http
        self._pause = pause
        self._authorization = ""
        handlers: list[Any] = [_NoRedirectOfWrites()]
        if plain_http:
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def has_blob(self, digest: str) -> bool:
        """Asks whether the repository has a blob."""
        return self._exists(f"blobs/{digest}")

    def send_blob(self, digest: str, size: int, source: bytes | Path) -> None:
        """Sends a blob, in one piece.

        Raises:
            LeptonError: the registry refuses it.
        """
        what = f"blob {digest}"

        def attempt() -> Answer:
            started = self._request("POST", self._url("blobs/uploads/"), body=b"")
            if started.status != 202:
                return started
            place = started.headers.get("location")
            if not place:
                raise self._error(what, "the registry does not say where to send it", "Ask who runs the registry")
            url = urllib.parse.urljoin(self._url("blobs/uploads/"), place)
            url += f"{'&' if urllib.parse.urlsplit(url).query else '?'}digest={urllib.parse.quote(digest)}"
            headers = {"Content-Type": "application/octet-stream"}
            if isinstance(source, bytes):
                return self._request("PUT", url, body=source, headers=headers)
            with source.open("rb") as file:
                return self._request("PUT", url, body=file, size=size, headers=headers)

        self._expect(what, self._again(what, attempt), 201)

    def send_manifest(self, reference: str, data: bytes, media_type: str) -> None:
        """Sends a manifest or an index under a digest or a tag.

        Raises:
            LeptonError: the registry refuses it.
        """
        url = self._url(f"manifests/{reference}")
        what = f"manifest {reference}"
        answer = self._again(what, lambda: self._request("PUT", url, body=data, headers={"Content-Type": media_type}))
        self._expect(what, answer, 201)

    def _url(self, rest: str) -> str:
        return f"{self._base}/v2/{self._path}/{rest}"

    def _exists(self, rest: str) -> bool:
        answer = self._again(rest, lambda: self._request("HEAD", self._url(rest)))
        if answer.status in (200, 404):
            return answer.status == 200
        raise self._refusal(rest, answer)

    def _expect(self, what: str, answer: Answer, status: int) -> None:
        if answer.status != status:
            raise self._refusal(what, answer)

    def _refusal(self, what: str, answer: Answer) -> LeptonError:
        said = f"the registry answered {answer.status}"
        with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):
            first = json.loads(answer.body)["errors"][0]
            said += f" {first['code']}: {str(first.get('message', ''))[:300]}"
        fix = {
            401: "Log in with docker login or podman login",
            403: "Ask for the right to push to the repository",
            404: "Make the repository, or correct its name",
            413: "Raise the registry's limit on the size of a request",
        }.get(answer.status, "Try again, or ask who runs the registry")
        return self._error(what, said, fix)

    def _error(self, what: str, why: str, fix: str) -> LeptonError:
        return LeptonError(f"{what} for {self.repository}", why, fix)

    def _again(self, what: str, attempt: Callable[[], Answer]) -> Answer:
        """Tries several times where the network or the registry fails, and not where it refuses."""
        for number in range(1, _ATTEMPTS + 1):
            try:
                answer = attempt()
                if answer.status not in (429, 500, 502, 503, 504) or number == _ATTEMPTS:
                    return answer
            except (OSError, http.client.HTTPException) as error:
                if number == _ATTEMPTS:
                    reason = getattr(error, "reason", error)
                    raise self._error(
                        what,
                        f"the connection failed {_ATTEMPTS} times, at last with {type(error).__name__}: {reason}",
                        "See whether the registry can be reached, and push again: what it has is not sent again",
                    ) from error
            self._pause(0.5 * 2**number)
        raise AssertionError("the loop returns or raises")

    def _request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | BinaryIO | None = None,
        size: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Asks once, and once more with a token where the registry wants one."""
        answer = self._send(method, url, body, size, headers or {})
        if answer.status != 401 or not self._authorize(answer.headers.get("www-authenticate", "")):
            return answer
        if body is not None and not isinstance(body, bytes):
            body.seek(0)
        return self._send(method, url, body, size, headers or {})

    def _send(
        self, method: str, url: str, body: bytes | BinaryIO | None, size: int | None, headers: Mapping[str, str]
    ) -> Answer:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" and not (self._plain_http and _is_loopback(parts.netloc)):
            raise self._error("upload", f"the registry leads to {parts.scheme}://{parts.netloc}", "Use HTTPS")
        accept = ", ".join(f"application/vnd.oci.image.{kind}.v1+json" for kind in ("manifest", "index"))
        request = urllib.request.Request(url, data=body, method=method, headers={"Accept": accept, **headers})
        request.add_header("User-Agent", "lepton_rules")
        if body is not None:
            request.add_header("Content-Length", str(len(body) if isinstance(body, bytes) else size))
        if self._authorization and parts.netloc == urllib.parse.urlsplit(self._base).netloc:
            # Unredirected: it is for this host, and not for where a registry keeps its blobs.
            request.add_unredirected_header("Authorization", self._authorization)
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as response:
                return _answer(response.status, response.headers, response)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.headers, error)

    def _authorize(self, challenge: str) -> bool:
        """Does what a registry asks for. Returns whether there is something new to try."""
        scheme, _, rest = challenge.partition(" ")
        values = dict(_CHALLENGE.findall(rest))
        credentials = find_credentials(self._host)
        before = self._authorization
        if scheme.lower() == "basic" and credentials:
            self._authorization = credentials.basic()
        elif scheme.lower() == "bearer" and values.get("realm"):
            self._authorization = f"Bearer {self._token(values, credentials)}"
        return self._authorization != before

    def _token(self, challenge: Mapping[str, str], credentials: Credentials | None) -> str:
        realm = challenge["realm"]
        parts = urllib.parse.urlsplit(realm)
        if parts.scheme != "https" and not (self._plain_http and _is_loopback(parts.netloc)):
            raise self._error("login", f"the registry asks for the password over {parts.scheme}", "Use HTTPS")
        fields = {"service": challenge.get("service", "")}
        fields["scope"] = challenge.get("scope") or f"repository:{self._path}:pull,push"
        fields = {key: value for key, value in fields.items() if value}
        if credentials and credentials.is_token:
            fields |= {"grant_type": "refresh_token", "refresh_token": credentials.secret, "client_id": "lepton_rules"}
            request = urllib.request.Request(realm, data=urllib.parse.urlencode(fields).encode(), method="POST")
        else:
            query = "&".join(part for part in (parts.query, urllib.parse.urlencode(fields)) if part)
            request = urllib.request.Request(urllib.parse.urlunsplit(parts._replace(query=query)))
            if credentials:
                request.add_unredirected_header("Authorization", credentials.basic())
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as response:
                answer = json.loads(response.read(_ANSWER_LIMIT))
        except urllib.error.HTTPError as error:
            error.close()
            raise self._error(
                "login", f"{parts.netloc} answered {error.code}", "Log in with docker login or podman login"
            ) from None
        except ValueError:
            answer = {}
        token = answer.get("token") or answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise self._error("login", f"{parts.netloc} gave no token", "Ask who runs the registry")
        return token


def check_tag(tag: str) -> str:
    """Returns a tag. Raises LeptonError where it is none."""
    if not _TAG.fullmatch(tag):
        raise LeptonError(
            f"tag {tag!r}",
            "accepted are 128 letters, digits, '_', '.' and '-', a letter, a digit or '_' first",
            "Write for example v1.2",
        )
    return tag


def _answer(status: int, headers: Any, body: Any) -> Answer:
    return Answer(status, {key.lower(): value for key, value in headers.items()}, body.read(_ANSWER_LIMIT))


def _is_host(host: str) -> bool:
    """Tells a registry's host from the first part of a path, as Docker does."""
    return "." in host or ":" in host or host == "localhost"


def _is_loopback(host: str) -> bool:
    name = urllib.parse.urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
