"""Imports a scikit-learn estimator that a stranger may have saved."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from lepton_plugin_sklearn.config import ImportConfig
from lepton_plugin_sklearn.estimator import MODEL_FILE, count_parameters, fitted
from lepton_plugin_sklearn.skops_file import load
from lepton_rules.manifest import canonical_json
from lepton_rules.plugin import ImportContext, LeptonError, ModelFacts, TensorSpec
from lepton_rules.plugin.guarded import guarded

TRUST_FILE = "trusted.json"
_FIX = "Save it again with skops.io.dump(estimator, path)"


def import_estimator(context: ImportContext) -> ModelFacts:
    """Copies the skops file of `context.sources` into `context.output`, once it is known to be data.

    LeptonError for everything else; nothing is left in `output` then.
    """
    config: ImportConfig = context.config
    if len(context.sources) != 1 or context.weights:
        got = ", ".join(repr(path.name) for path in (*context.sources, *context.weights)[:5]) or "none"
        raise LeptonError("importer sklearn", f"it takes one file as data (got {got})", "Give one skops file")
    source = context.sources[0]
    what = f"model file {source.name!r}"
    found = guarded(lambda: _described(source, config.trusted, what), what, _FIX)
    output = config.output or found["notes"]["kind"]
    if output == config.input:
        raise LeptonError("output", f"{output!r} is the input's name", "Give it another")
    shutil.copyfile(source, context.output / MODEL_FILE)
    (context.output / TRUST_FILE).write_text(canonical_json({"trusted": sorted(config.trusted)}), "utf-8")
    return ModelFacts(
        inputs=(TensorSpec(config.input, "float32", ("batch", found["features"])),),
        outputs=(TensorSpec(output, "float32", ("batch", found["columns"])),),
        parameters=found["parameters"],
        macs=None,
        notes=found["notes"],
    )


def _described(source: Path, trusted: tuple[str, ...], what: str) -> dict[str, Any]:
    """What there is to say of the estimator in a file, once it has been used."""
    found = fitted(load(source, trusted, what), what)
    notes: dict[str, Any] = {"estimator": type(found.estimator).__name__, "kind": found.kind}
    classes = getattr(found.estimator, "classes_", None)
    if classes is not None:
        # The label of a sample is the place of its class.
        notes["classes"] = [str(name) for name in classes]
    return {
        "features": found.features,
        "columns": found.columns,
        "parameters": count_parameters(found.estimator),
        "notes": notes,
    }
