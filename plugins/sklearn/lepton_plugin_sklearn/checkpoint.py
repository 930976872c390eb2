"""What `lepton_checkpoint` asks of the plugin that it names: see lepton_rules/actions/checkpoint.py.

A training function of scikit-learn gives a fitted estimator, which is written as a skops file.
"""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
import threadpoolctl
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from lepton_plugin_sklearn.skops_file import SCHEMA
from lepton_rules.plugin import LeptonError

__all__ = ["convert", "prepare", "save"]

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that the zip format can say


def prepare(seed: int, threads: int) -> None:
    """Makes what follows in this process the same each time: Python's seed, numpy's, which is the one that estimators
    without a `random_state` draw from, and the number of threads of numpy's and scikit-learn's products."""
    random.seed(seed)
    np.random.seed(seed)
    threadpoolctl.threadpool_limits(threads)


def save(weights: object, output: Path, what: str) -> None:
    """Writes a fitted estimator or pipeline as a skops file: equal ones give equal bytes.

    Raises:
        LeptonError: about `what`: it is none, or skops cannot write it.
    """
    if not isinstance(weights, BaseEstimator):
        raise LeptonError(what, f"it gave {type(weights).__name__}", "Return a fitted estimator or pipeline")
    try:
        check_is_fitted(weights)
        data = skops.io.dumps(weights)
    except NotFittedError:
        raise LeptonError(what, f"its {type(weights).__name__} is not fitted", "Fit it before it is returned") from None
    except Exception as error:  # skops raises whatever its parts raise
        first = (str(error).strip().splitlines() or [""])[0][:200]
        raise LeptonError(
            what, f"skops cannot write it ({type(error).__name__}: {first})", "Return scikit-learn's own estimators"
        ) from None
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    _write(members, output)


def convert(source: Path, output: Path) -> None:
    """Raises LeptonError: a skops file needs no conversion."""
    raise LeptonError(
        f"checkpoint {source.name!r}", "a skops file is a whole model", "Import it with lepton_model(data = …)"
    )


def _write(members: dict[str, bytes], output: Path) -> None:
    """Writes what skops wrote without the time of day, and with numbers in their order for the addresses of objects,
    which name the arrays' files too."""
    numbers: dict[int, int] = {}

    def number(address: int) -> int:
        return numbers.setdefault(address, len(numbers))

    def renamed(name: str) -> str:
        stem, _, suffix = name.partition(".")
        return f"{number(int(stem))}.{suffix}" if stem.isdigit() else name

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: known(key, item) for key, item in value.items()}
        return [walk(item) for item in value] if isinstance(value, list) else value

    def known(key: str, value: Any) -> Any:
        if key == "__id__" and isinstance(value, int):
            return number(value)
        return renamed(value) if key == "file" and isinstance(value, str) else walk(value)

    # First, as the numbers are in the schema's order.
    schema = json.dumps(walk(json.loads(members.pop(SCHEMA))))
    arrays = {renamed(name): data for name, data in members.items()}
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), arrays[name])
        archive.writestr(zipfile.ZipInfo(SCHEMA, _EPOCH), schema)
