"""The server's flags. Each is also an environment variable: --max_batch is LEPTON_MAX_BATCH."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lepton_rules.plugin.errors import LeptonError

_MIB = 1 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What the server was told; `None` where a flag has to be given. The metadata holds each flag's help and bounds."""

    model: Path = dataclasses.field(metadata={"help": "directory of the model, manifest.json in it"})
    name: str = dataclasses.field(metadata={"help": "the model's name in paths"})
    version: str = dataclasses.field(default="1", metadata={"help": "the model's version in paths"})
    runtime_plugin: str = dataclasses.field(default="onnxruntime", metadata={"help": "the plugin with the runtime"})
    runtime_entry: str = dataclasses.field(
        default="", metadata={"help": "the plugin's entry module; empty: the distribution with its entry point"}
    )
    runtime: str = dataclasses.field(default="onnxruntime", metadata={"help": "the plugin's runtime"})
    host: str = dataclasses.field(default="0.0.0.0", metadata={"help": "address to listen on"})
    port: int = dataclasses.field(default=8080, metadata={"help": "HTTP port; 0: any", "least": 0, "most": 65535})
    grpc_port: int = dataclasses.field(default=0, metadata={"help": "gRPC port; 0: off", "least": 0, "most": 65535})
    threads: int = dataclasses.field(
        default=0, metadata={"help": "threads of one inference; 0: the CPUs that the cgroup gives", "least": 0}
    )
    workers: int = dataclasses.field(
        default=0,
        metadata={
            "help": "inferences at once; 0: as many as threads where the runtime allows it and max_batch is 1, else 1",
            "least": 0,
        },
    )
    max_batch: int = dataclasses.field(
        default=1, metadata={"help": "rows that are run at once; requests are joined up to it", "least": 1}
    )
    max_batch_delay_ms: float = dataclasses.field(
        default=0.0, metadata={"help": "how long a batch that is not full waits for more", "least": 0, "most": 10_000}
    )
    queue: int = dataclasses.field(default=64, metadata={"help": "requests that may wait; more get 503", "least": 1})
    max_body_bytes: int = dataclasses.field(
        default=0,
        metadata={"help": "largest body, compressed or not; 0: 1/64 of the cgroup's memory, 1 to 64 MiB", "least": 0},
    )
    max_pending_bytes: int = dataclasses.field(
        default=0,
        metadata={"help": "bodies held at once; more get 503; 0: four times the largest body", "least": 0},
    )
    max_connections: int = dataclasses.field(
        default=1024, metadata={"help": "open connections; more get 503", "least": 1}
    )
    header_timeout_s: float = dataclasses.field(
        default=10.0, metadata={"help": "how long the headers of a request may take", "least": 0.01}
    )
    body_timeout_s: float = dataclasses.field(
        default=30.0, metadata={"help": "how long the body of a request may take", "least": 0.01}
    )
    idle_timeout_s: float = dataclasses.field(
        default=75.0, metadata={"help": "how long a connection may be idle between requests", "least": 0.01}
    )
    drain_s: float = dataclasses.field(
        default=20.0, metadata={"help": "how long requests in flight may take after SIGTERM", "least": 0}
    )
    linger_s: float = dataclasses.field(
        default=0.0,
        metadata={"help": "how long new requests are still taken after SIGTERM, while ready is false", "least": 0},
    )
    verify: bool = dataclasses.field(
        default=True, metadata={"help": "compare the model's files with the manifest's digests at the start"}
    )
    log_level: str = dataclasses.field(
        default="info", metadata={"help": "debug also logs each request", "choices": ("debug", "info", "warning")}
    )


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Returns the options that flags and environment give, flags first.

    Raises:
        LeptonError: a flag is unknown, missing, or its value is not accepted.
    """
    parser = _Parser(prog="lepton_server", description="Serves a model over the Open Inference Protocol v2.")
    fields = dataclasses.fields(Options)
    for field in fields:
        parser.add_argument(f"--{field.name}", metavar=field.name.upper(), help=field.metadata["help"])
    given = vars(parser.parse_args(list(arguments)))
    values: dict[str, Any] = {}
    for field in fields:
        source, text = f"--{field.name}", given[field.name]
        if text is None:
            source = f"LEPTON_{field.name.upper()}"
            text = environment.get(source)
        if text is not None:
            values[field.name] = _value(field, text, source)
        elif field.default is dataclasses.MISSING:
            raise LeptonError("the server's flags", f"--{field.name} is not given", f"Give --{field.name}")
    return Options(**values)


def _value(field: dataclasses.Field[Any], text: str, source: str) -> Any:
    kind = str(field.type)
    least, most, choices = (field.metadata.get(key) for key in ("least", "most", "choices"))
    try:
        if kind == "bool":
            return {"1": True, "true": True, "0": False, "false": False}[text.lower()]
        value: Any = {"int": int, "float": float, "str": str, "Path": Path}[kind](text)
        if choices and value not in choices:
            raise ValueError
        if kind == "float" and value != value:
            raise ValueError
        if (least is not None and value < least) or (most is not None and value > most):
            raise ValueError
        if field.name in ("name", "version") and (not value or "/" in value or not value.isprintable()):
            raise ValueError
    except (KeyError, ValueError):
        accepted = "0, 1, true or false" if kind == "bool" else " or ".join(choices or ()) or _range(kind, least, most)
        raise LeptonError(
            "the server's flags", f"{source} is {text!r}, accepted is {accepted}", f"Mend {source}"
        ) from None
    return value


def _range(kind: str, least: float | None, most: float | None) -> str:
    noun = {"int": "a whole number", "float": "a number"}.get(kind, "a name without /")
    return noun + (f" from {least:g}" if least is not None else "") + (f" to {most:g}" if most is not None else "")


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are LeptonErrors, and that takes no abbreviation."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> Any:
        raise LeptonError("the server's flags", message, "See --help")
