"""The action of a lepton_deployment: writes the documents, with the overlays in them, and refuses what is wrong.

launch lepton_rules/deployment/main.py --spec=… --digest=… --image_config=… --model_manifest=… [--model_digest=…]
    --document=Deployment=<path> … --combined=<path> --compose=<path>
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.deployment import compose as compose_file
from lepton_rules.deployment import compose_checks, kserve, kubernetes
from lepton_rules.deployment.checks import problems
from lepton_rules.deployment.overlay import merge
from lepton_rules.deployment.spec import Facts, Spec, read_command, read_digest, read_spec
from lepton_rules.deployment.yaml_text import dump
from lepton_rules.manifest import read
from lepton_rules.plugin.errors import LeptonError

_COMPOSE = "Compose"
_DOCUMENTS: Mapping[str, Callable[[Spec, Facts], dict[str, Any]]] = {
    "ServiceAccount": kubernetes.service_account,
    "NetworkPolicy": kubernetes.network_policy,
    "ServingRuntime": kserve.serving_runtime,
    "InferenceService": kserve.inference_service,
    "Deployment": kubernetes.deployment,
    "Service": kubernetes.service,
    "HorizontalPodAutoscaler": kubernetes.horizontal_pod_autoscaler,
    "PodDisruptionBudget": kubernetes.pod_disruption_budget,
    "ServiceMonitor": kubernetes.service_monitor,
}


def documents(spec: Spec, facts: Facts, kinds: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Returns the documents of these kinds, in the order in which they are best applied.

    Raises:
        LeptonError: an overlay made them wrong.
    """
    made = {
        kind: merge(build(spec, facts), spec.overlays.get(kind, {}))
        for kind, build in _DOCUMENTS.items()
        if kind in kinds
    }
    _refuse(spec, problems(list(made.values()), spec.pod_security))
    return made


def compose(spec: Spec, facts: Facts) -> dict[str, Any]:
    """Returns the Compose file.

    Raises:
        LeptonError: an overlay made it wrong.
    """
    made: dict[str, Any] = merge(compose_file.compose(spec, facts), spec.overlays.get(_COMPOSE, {}))
    _refuse(spec, compose_checks.problems(made, spec.pod_security))
    return made


def _refuse(spec: Spec, found: Sequence[str]) -> None:
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        fix = "Correct overlays" if spec.overlays else "Correct the attributes"
        raise LeptonError("deployment", found[0] + more, fix, spec.label)


def main(arguments: Sequence[str]) -> int:
    """Runs the action; returns its exit status."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--spec", type=Path, required=True)
    parser.add_argument("--digest", type=Path, required=True)
    parser.add_argument("--image_config", type=Path, required=True)
    parser.add_argument("--model_digest", type=Path)
    parser.add_argument("--model_manifest", type=Path, required=True)
    parser.add_argument("--document", action="append", default=[])
    parser.add_argument("--combined", type=Path, required=True)
    parser.add_argument("--compose", type=Path)
    options = parser.parse_args(arguments)
    spec = read_spec(options.spec)
    try:
        manifest = read(options.model_manifest)
        model = f"{spec.model_repository}@{read_digest(options.model_digest)}" if options.model_digest else ""
        facts = Facts(
            image=f"{spec.repository}@{read_digest(options.digest)}",
            model=model,
            model_digest=manifest["digest"],
            weights_digest=manifest["weights_digest"],
            format=manifest["format"],
            target=manifest["hardware"]["target"] if manifest["hardware"] else "",
            command=read_command(options.image_config),
        )
        paths = dict(document.split("=", 1) for document in options.document)
        made = documents(spec, facts, list(paths))
        # The label of a target may hold anything but a newline.
        header = f"# Written by lepton_deployment {spec.label}; change its attributes, not this file.\n"
        for kind, path in paths.items():
            Path(path).write_bytes(dump([made[kind]], header))
        options.combined.write_bytes(dump(list(made.values()), header))
        if options.compose is not None:
            options.compose.write_bytes(dump([compose(spec, facts)], header))
    except LeptonError as error:
        print(error.with_label(spec.label), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
