"""Where this machine gets Python packages from, as pip's configuration says, and the same for uv.

uv does not read pip's configuration, and a company's mirrors, local wheels and certificates are set there. The rules
are pip's ("Configuration" in pip's documentation): files first (global, user, site, or the one file of
PIP_CONFIG_FILE), then `PIP_*` variables; the section of a command wins over `[global]`.

Nothing read here ends in a file or a key: the lock's hashes decide what is installed, and this only where it comes
from.
"""

from __future__ import annotations

import configparser
import os
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_SECTIONS = ("global", "install")


@dataclass(frozen=True)
class PipConfiguration:
    """pip's settings that decide where packages come from. URLs may hold credentials: never print one without
    `redact`.
    """

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    certificates: str = ""
    system_certificates: bool = False
    client_certificate: str = ""
    trusted_hosts: tuple[str, ...] = ()
    proxy: str = ""
    timeout_s: str = ""

    @property
    def urls(self) -> tuple[str, ...]:
        """Every place that may hold credentials, for `redact`."""
        return tuple(url for url in (self.index_url, *self.extra_index_urls, *self.find_links, self.proxy) if url)

    @property
    def uv_options(self) -> tuple[str, ...]:
        """What uv has no variable for."""
        return ("--no-index",) if self.no_index else ()

    def for_uv(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The variables that tell uv the same. What is set for uv itself already wins, and is left alone.

        Variables rather than options, so that no credential shows in the list of processes.
        """
        chosen: dict[str, str] = {}
        own_index = any(environment.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"))
        own_extra = any(environment.get(name) for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL"))
        if self.index_url and not own_index:
            chosen["UV_DEFAULT_INDEX"] = self.index_url
        if self.extra_index_urls and not own_extra:
            chosen["UV_INDEX"] = " ".join(self.extra_index_urls)
        if self.find_links:
            chosen["UV_FIND_LINKS"] = ",".join(self.find_links)
        if self.certificates:
            chosen["SSL_CERT_FILE"] = self.certificates
        elif self.system_certificates and not environment.get("SSL_CERT_FILE"):
            # uv brings certificates of its own; a company's authority is among the system's.
            chosen["UV_SYSTEM_CERTS"] = "true"
        if self.client_certificate:
            chosen["SSL_CLIENT_CERT"] = self.client_certificate
        if self.trusted_hosts:
            chosen["UV_INSECURE_HOST"] = " ".join(self.trusted_hosts)
        if self.proxy:
            chosen.update({"HTTP_PROXY": self.proxy, "HTTPS_PROXY": self.proxy})
        if self.timeout_s:
            chosen["UV_HTTP_TIMEOUT"] = self.timeout_s
        return {name: value for name, value in chosen.items() if not environment.get(name)}


def read(environment: Mapping[str, str], prefix: Path, etc: Path = Path("/etc")) -> PipConfiguration:
    """pip's configuration on this machine for the interpreter whose prefix is `prefix`. A file that cannot be read
    counts as empty.
    """
    settings: dict[str, str] = {}
    for file in configuration_files(environment, prefix, etc):
        settings.update(_read_file(file))
    for name, value in environment.items():
        # An empty variable takes back what a file says.
        if name.startswith("PIP_"):
            settings[name[len("PIP_") :].lower().replace("_", "-")] = value
    links = (_as_location(link) for link in settings.get("find-links", "").split())
    return PipConfiguration(
        index_url=settings.get("index-url", ""),
        extra_index_urls=tuple(settings.get("extra-index-url", "").split()),
        find_links=tuple(links),
        no_index=settings.get("no-index", "").strip().lower() in ("1", "true", "yes", "on", "y", "t"),
        certificates=settings.get("cert", ""),
        system_certificates=has_system_certificates(),
        client_certificate=settings.get("client-cert", ""),
        trusted_hosts=tuple(settings.get("trusted-host", "").split()),
        proxy=settings.get("proxy", ""),
        timeout_s=settings.get("default-timeout", settings.get("timeout", "")),
    )


def configuration_files(environment: Mapping[str, str], prefix: Path, etc: Path) -> list[Path]:
    """pip's files, the weakest first; those that do not exist included."""
    chosen = environment.get("PIP_CONFIG_FILE", "")
    if chosen == os.devnull:
        return []
    home = Path(environment.get("HOME") or Path.home())
    if sys.platform == "darwin":
        shared = [Path("/Library/Application Support/pip/pip.conf")]
        library = home / "Library/Application Support/pip"
        user = (library if library.is_dir() else home / ".config/pip") / "pip.conf"
    else:
        folders = (environment.get("XDG_CONFIG_DIRS") or str(etc / "xdg")).split(os.pathsep)
        shared = [Path(folder) / "pip/pip.conf" for folder in folders if folder] + [etc / "pip.conf"]
        user = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"
    files = list(shared)
    if not (chosen and Path(chosen).is_file()):
        files += [home / ".pip/pip.conf", user]
    files.append(prefix / "pip.conf")
    if chosen:
        files.append(Path(chosen))
    return files


def _read_file(file: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(file.read_text(encoding="utf-8", errors="replace"))
    except (OSError, configparser.Error):
        return {}
    settings: dict[str, str] = {}
    for section in _SECTIONS:
        if parser.has_section(section):
            settings.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    return settings


def has_system_certificates() -> bool:
    """Whether the system has a store of certificates that OpenSSL finds."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile is not None or (paths.capath is not None and any(Path(paths.capath).glob("*.0")))


def _as_location(link: str) -> str:
    """A path relative to the home directory in full; a URL or any other path as it is."""
    return str(Path(link).expanduser()) if link.startswith("~") else link
