"""An image's configuration and manifest, from descriptors and facts. No layer is read.

https://github.com/opencontainers/image-spec/blob/main/config.md and manifest.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lepton_rules.oci.descriptor import document, public
from lepton_rules.oci.flags import compact_json
from lepton_rules.oci.media import CONFIG, CREATED, MANIFEST
from lepton_rules.plugin.errors import LeptonError

# What a packager writes where its configuration needs the layers' digests before compression.
DIFF_IDS = "${diff_ids}"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of an image.

    Args:
        descriptor: with its diff_id.
        created_by: what made it, for the image's history.
    """

    descriptor: Mapping[str, Any]
    created_by: str


@dataclass(frozen=True, kw_only=True)
class Image:
    """All that an image's documents are made from.

    Args:
        package: as `lepton_rules.plugin.packages.package_to_json` gives it.
        platform: `os`, `architecture` and optional `variant`.
        layers: lowest first, without the base's where that is a layout.
        base: what `Layout.image` found, or None.
        configs: image configurations' `config` that the package's is put on, lowest first.
        labels: of the configuration; they win over the package's.
        annotations: of the manifest; they win over the package's.
        environment: variables that win over all others.
    """

    package: Mapping[str, Any]
    platform: Mapping[str, Any]
    layers: Sequence[Layer]
    base: Mapping[str, Any] | None = None
    configs: Sequence[Mapping[str, Any]] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def documents(self) -> tuple[bytes, bytes]:
        """Returns the configuration and the manifest."""
        artifact = self.package["artifact_type"]
        descriptors = [*(self.base["layers"] if self.base else ()), *(layer.descriptor for layer in self.layers)]
        if artifact:
            config = compact_json(_filled(self.package["config"], [d["diff_id"] for d in descriptors]))
            media_type = self.package["config_media_type"]
        else:
            config, media_type = compact_json(self._config(descriptors)), CONFIG
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": document(config, media_type),
            "layers": [public(descriptor) for descriptor in descriptors],
        }
        annotations = {**self.package["annotations"], **self.annotations}
        if annotations:
            manifest["annotations"] = annotations
        if artifact:
            manifest["artifactType"] = artifact
        return config, compact_json(manifest)

    def _config(self, descriptors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        history = list(self.base["history"]) if self.base else []
        history += [{"created": CREATED, "created_by": layer.created_by} for layer in self.layers]
        return {
            **self.platform,
            "created": CREATED,
            "config": self._run_config(),
            "rootfs": {"type": "layers", "diff_ids": [descriptor["diff_id"] for descriptor in descriptors]},
            "history": history,
        }

    def _run_config(self) -> dict[str, Any]:
        """Returns how the image is run: what the base says, then the environment, the package and the target."""
        merged: dict[str, Any] = {}
        variables: dict[str, str] = {}
        labels: dict[str, str] = {}
        ports: dict[str, Any] = {}
        for config in (*([self.base["config"]] if self.base else []), *self.configs):
            for variable in config.get("Env") or ():
                name, _, value = variable.partition("=")
                variables[name] = value
            labels |= config.get("Labels") or {}
            ports |= config.get("ExposedPorts") or {}
            merged |= config
        package = self.package
        if package["entrypoint"]:
            # As in a Dockerfile: arguments belong to the program that they were written for.
            merged["Entrypoint"], merged["Cmd"] = package["entrypoint"], package["command"]
        elif package["command"]:
            merged["Cmd"] = package["command"]
        for key, name in (("user", "User"), ("working_directory", "WorkingDir"), ("stop_signal", "StopSignal")):
            if package[key]:
                merged[name] = package[key]
        variables |= package["environment"]
        variables |= self.environment
        merged["Env"] = [f"{name}={value}" for name, value in sorted(variables.items())]
        merged["Labels"] = {**labels, **package["labels"], **self.labels}
        merged["ExposedPorts"] = {**ports, **{port: {} for port in package["ports"]}}
        return {key: value for key, value in merged.items() if value}


def make_index(images: Sequence[tuple[bytes, Mapping[str, Any]]], annotations: Mapping[str, str]) -> bytes:
    """Returns the index of several images.

    Args:
        images: each manifest with the platform it is for.
        annotations: of the index.

    Raises:
        LeptonError: two images are for one platform.
    """
    entries = [document(manifest, MANIFEST, platform=dict(platform)) for manifest, platform in images]
    platforms = [tuple(sorted(platform.items())) for _, platform in images]
    for position, platform in enumerate(platforms):
        if platform in platforms[:position]:
            raise LeptonError(
                "image index",
                f"two images are for {'/'.join(str(value) for _, value in reversed(platform))}",
                "Give one a platform with a variant, or leave it out",
            )
    index: dict[str, Any] = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"}
    index["manifests"] = entries
    if annotations:
        index["annotations"] = dict(annotations)
    return compact_json(index)


def _filled(value: Any, diff_ids: list[str]) -> Any:
    """Returns a configuration with the layers' digests where the packager asked for them."""
    if value == DIFF_IDS:
        return diff_ids
    if isinstance(value, Mapping):
        return {key: _filled(element, diff_ids) for key, element in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(element, diff_ids) for element in value]
    return value
