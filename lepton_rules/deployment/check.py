"""The program of lepton_deployment_test: holds documents to the schemas of Kubernetes, and to our own checks.

    launch lepton_rules/deployment/check.py --label=//x:y_test --profile=restricted --version=1.30 --version=1.37
        --file=x.yaml … [--compose=x.compose.yaml] --output_report=… --output_verdict=…

It runs in an action, whose verdict the test shows: a file that is wrong is a verdict, not a failure of the action.

It runs in an environment with kubernetes-validate, whose schemas are as strict as `kubernetes-validate --strict`: a
field that is not known is an error, and so is a kind without a schema (there, a mere WARN).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.deployment import compose_checks, custom_resources
from lepton_rules.deployment.checks import problems
from lepton_rules.deployment.documents import Document
from lepton_rules.deployment.pod_security import PROFILES
from lepton_rules.deployment.yaml_text import load
from lepton_rules.plugin.errors import LeptonError


def schema_problems(content: Mapping[str, Any], version: str) -> Iterator[str]:
    """What the schemas of a version of Kubernetes say against a document.

    Raises:
        LeptonError: the version is not known.
    """
    import jsonschema
    import kubernetes_validate
    from kubernetes_validate.utils import (
        InvalidSchemaError,
        SchemaNotFoundError,
        all_versions,
        major_minor,
        schema_contents,
    )

    known = {major_minor(exact): exact for exact in all_versions()}
    if version not in known:
        raise LeptonError(
            f"Kubernetes {version}", f"its schemas are not at hand; they are of {', '.join(known)}", "Name one of these"
        )
    document = Document(content)
    folder = f"kubernetes-json-schema/v{known[version]}-local-strict"
    definitions = schema_contents(f"{folder}/_definitions.json", version)["$defs"]
    custom = custom_resources.schema(document.kind, definitions)
    if custom is not None:
        for error in jsonschema.Draft202012Validator(custom).iter_errors(content):
            yield f"{document}: {_place(error.absolute_path)}: {error.message[:300]} ({document.kind})"
        return
    if not isinstance(content.get("apiVersion"), str) or not isinstance(content.get("kind"), str):
        return  # which is said elsewhere
    try:
        kubernetes_validate.validate(content, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{document}: {_place(error.path)}: {error.message[:300]} (Kubernetes {version})"
    except (SchemaNotFoundError, InvalidSchemaError) as error:
        yield f"{document}: {error.message}"


def _place(path: Sequence[Any]) -> str:
    return ".".join(str(part) for part in path) or "document"


def main(arguments: Sequence[str]) -> int:
    """Judges; returns the exit status, 1 where there is no verdict."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--label", required=True)
    parser.add_argument("--profile", choices=PROFILES, required=True)
    parser.add_argument("--version", action="append", required=True)
    parser.add_argument("--file", type=Path, action="append", default=[])
    parser.add_argument("--compose", type=Path)
    parser.add_argument("--output_report", type=Path, required=True)
    parser.add_argument("--output_verdict", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        contents = [content for path in options.file for content in load(path)]
        found = [f"document {index}: it is no object" for index, c in enumerate(contents) if not isinstance(c, Mapping)]
        documents = [content for content in contents if isinstance(content, Mapping)]
        if not documents and options.compose is None:
            found.append("documents: there is none")
        for version in options.version:
            for content in documents:
                found += schema_problems(content, version)
        found += problems(documents, options.profile)
        if options.compose is not None:
            for content in load(options.compose):
                found += compose_checks.problems(content, options.profile)
    except LeptonError as error:
        print(error.with_label(options.label), file=sys.stderr)
        return 1
    fix = "Correct the file, or the overlays that it was made with"
    report = [str(LeptonError("deployment", line, fix, options.label)) for line in dict.fromkeys(found)]
    if not found:
        versions = ", ".join(options.version)
        report = [f"PASS {Document(c)}: Kubernetes {versions}; pods are {options.profile}" for c in documents]
    options.output_report.write_text("\n".join(report) + "\n", "utf-8")
    options.output_verdict.write_text("FAIL\n" if found else "PASS\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
