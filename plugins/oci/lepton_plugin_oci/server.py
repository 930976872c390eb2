"""The packager `server`: lepton_server, the runtime's plugin and the model, each where the command line expects it."""

from __future__ import annotations

from lepton_rules.plugin import LeptonError, Package, PackageContext, PackedEntry, PackedLayer

ENVIRONMENT = "/opt/lepton/environment"
SERVER = "/opt/lepton/server"
# A user that is nobody: Kubernetes' profile "restricted" wants a number that is not 0.
USER = "65532:65532"

# Options of the configuration that are flags of the server where they are given.
_FLAGS = ("max_batch", "max_batch_delay_ms", "queue", "max_body_bytes", "drain_s")


def server(context: PackageContext) -> Package:
    """Returns the package.

    Raises:
        LeptonError: the artifact names no hardware, so that nothing says what runs it.
    """
    config, runtime, hardware = context.config, context.runtime, context.hardware
    if runtime is None or hardware is None:
        raise LeptonError(
            "packager oci.server",
            "the model names no hardware, and so no runtime",
            "Pack a lepton_artifact, or choose oci.modelcar()",
        )
    home = f"/models/{context.name}/{context.version}"
    model = (
        *(PackedEntry(path=f"{home}/{file}", source=f"model/{file}") for file in sorted(context.model["files"])),
        PackedEntry(path=f"{home}/manifest.json", source="manifest"),
    )
    command = [
        f"--model={home}",
        f"--name={context.name}",
        f"--version={context.version}",
        f"--runtime_plugin={runtime.plugin}",
        f"--runtime_entry={runtime.entry}",
        f"--runtime={runtime.name}",
    ]
    if config.port != 8080:
        command.append(f"--port={config.port}")
    if config.grpc_port:
        command.append(f"--grpc_port={config.grpc_port}")
    # A chip that is for one thread says so of measurements; a service takes what its cgroup gives unless it is told.
    if config.threads:
        command.append(f"--threads={config.threads}")
    command += [f"--{name}={getattr(config, name)}" for name in _FLAGS if getattr(config, name) is not None]
    return Package(
        layers={
            "server": PackedLayer(entries=(PackedEntry(path=SERVER, source="server"),), compress=True, bytecode=True),
            "model": PackedLayer(entries=model),
        },
        entrypoint=(config.python, "-s", "-m", "lepton_server"),
        command=tuple(command),
        environment={
            "HOME": "/nonexistent",
            "ORT_DISABLE_TELEMETRY": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": f"{ENVIRONMENT}:{SERVER}",
        },
        user=USER,
        ports=tuple(f"{port}/tcp" for port in (config.port, config.grpc_port) if port),
        stop_signal="SIGTERM",
    )
