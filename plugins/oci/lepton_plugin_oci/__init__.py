"""The plugin of packages in OCI registries: a server in an image, and the model alone as ModelPack and as modelcar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import Packager, hookimpl, option

__version__ = "1.0.0"


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """An image that serves the model over the Open Inference Protocol. What is not given is the server's default."""

    VERSION: ClassVar[int] = 1
    python: str = option("/usr/bin/python3.11", doc="The interpreter in the base.")
    port: int = option(8080, doc="HTTP port.", minimum=1, maximum=65535)
    grpc_port: int = option(0, doc="gRPC port; 0 for none.", minimum=0, maximum=65535)
    threads: int = option(0, doc="Threads of one inference; 0: the hardware's, else the cgroup's.", minimum=0)
    max_batch: int | None = option(None, doc="Rows that are run at once; requests are joined up to it.", minimum=1)
    max_batch_delay_ms: float | None = option(None, doc="How long a batch that is not full waits.", minimum=0)
    queue: int | None = option(None, doc="Requests that may wait; more get 503.", minimum=1)
    max_body_bytes: int | None = option(None, doc="The largest request.", minimum=1)
    drain_s: float | None = option(None, doc="How long requests in flight may take after SIGTERM.", minimum=0)

    def __post_init__(self) -> None:
        if not self.python.startswith("/"):
            raise ValueError(f"'python' is {self.python!r}, accepted is an absolute path in the image")
        if self.port == self.grpc_port:
            raise ValueError(f"'port' and 'grpc_port' are both {self.port}")


@dataclass(frozen=True, kw_only=True)
class ModelPackConfig:
    """The model as a CNCF ModelPack artifact."""

    VERSION: ClassVar[int] = 1
    family: str | None = option(None, doc="The model's family, such as resnet.")
    architecture: str | None = option(None, doc="The model's architecture, such as cnn or transformer.")
    license: str | None = option(None, doc="Its license, an SPDX expression.")
    vendor: str | None = option(None, doc="Who publishes it.")
    source_url: str | None = option(None, doc="Where its sources are.")
    doc_url: str | None = option(None, doc="Where its documentation is.")
    description: str | None = option(None, doc="A sentence about it.")


@dataclass(frozen=True, kw_only=True)
class ModelCarConfig:
    """The model as an image whose one directory KServe, or a volume of kind image, mounts."""

    VERSION: ClassVar[int] = 1
    directory: str = option("/models", doc="Where the model's files are.")

    def __post_init__(self) -> None:
        if not self.directory.startswith("/"):
            raise ValueError(f"'directory' is {self.directory!r}, accepted is an absolute path in the image")


@hookimpl
def lepton_packagers() -> Sequence[Packager]:
    """The three packages."""
    return [
        Packager(
            name="server",
            layers={"server": ("server",), "model": ("model", "manifest")},
            serves=True,
            config=ServerConfig,
            implementation="lepton_plugin_oci.server:server",
        ),
        Packager(
            name="modelpack",
            layers={"weights": ("model",), "manifest": ("manifest",)},
            config=ModelPackConfig,
            implementation="lepton_plugin_oci.modelpack:modelpack",
        ),
        Packager(
            name="modelcar",
            layers={"model": ("model", "manifest")},
            config=ModelCarConfig,
            implementation="lepton_plugin_oci.modelcar:modelcar",
        ),
    ]
