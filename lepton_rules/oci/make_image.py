"""The program of an image's action: configuration, manifest and digest, from descriptors and facts.

Its inputs are a few KB of JSON, however large the layers are.
"""

import sys
from pathlib import Path

# The links of Bazel's directories are not resolved: they lead out of the sandbox.
sys.path.insert(0, str(Path(__file__).absolute().parent.parent.parent))

import json
from typing import Any

from lepton_rules.oci.descriptor import digest_of, read_layer_descriptor
from lepton_rules.oci.facts import REVISION, model_facts, revision_of
from lepton_rules.oci.flags import Flags, read_json, run
from lepton_rules.oci.image import Image, Layer
from lepton_rules.plugin.errors import LeptonError


def make_image(flags: Flags) -> None:
    """Writes --output_config, --output_manifest and --output_digest.

    Raises:
        LeptonError: a descriptor or a base is not what it must be, or the revision is not known.
    """
    package = read_json(flags.path("package"), "package")
    metrics = flags.optional("metrics")
    facts = model_facts(
        [read_json(path, "model's manifest") for path in flags.paths("model_manifest")],
        read_json(Path(metrics), "metrics") if metrics else None,
        title=flags.one("title"),
        version=flags.one("version"),
    )
    facts |= _revision(flags)
    platform = json.loads(flags.one("platform"))
    image = Image(
        package=package,
        platform=platform,
        layers=[
            Layer(descriptor=read_layer_descriptor(Path(path)), created_by=f"lepton {name}")
            for name, path in flags.pairs("layer")
        ],
        base=_base(flags, platform),
        configs=[_config(path) for path in flags.paths("base_config")],
        labels=facts | json.loads(flags.one("labels")),
        annotations=facts | json.loads(flags.one("annotations")),
        environment=json.loads(flags.one("environment")),
    )
    outputs = [flags.path(f"output_{name}") for name in ("config", "manifest", "digest")]
    flags.finish()
    config, manifest = image.documents()
    for path, content in zip(outputs, (config, manifest, f"{digest_of(manifest)}\n".encode()), strict=True):
        path.write_bytes(content)


def _base(flags: Flags, platform: dict[str, Any]) -> dict[str, Any] | None:
    path = flags.optional("base")
    if not path:
        return None
    base: dict[str, Any] = read_json(Path(path), "base")
    if base["platform"].get("variant"):
        platform.setdefault("variant", base["platform"]["variant"])
    return base


def _config(path: Path) -> dict[str, Any]:
    config = read_json(path, f"configuration {path.name}")
    if not isinstance(config, dict):
        raise LeptonError(f"configuration {path.name}", "it is no object", "Give an image configuration's config")
    return config


def _revision(flags: Flags) -> dict[str, str]:
    status = flags.optional("status")
    key = flags.optional("revision_key")
    if not status or not key:
        return {}
    revision = revision_of(Path(status).read_text("utf-8"), key)
    if revision is None:
        raise LeptonError(
            "revision",
            f"--stamp is given, and the workspace status has no {key}",
            f"Let --workspace_status_command print '{key} <commit>', or name its key in revision_key",
        )
    return {REVISION: revision}


if __name__ == "__main__":
    sys.exit(run(make_image, sys.argv[1:]))
