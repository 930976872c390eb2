"""What a BUILD file says to the importer and to the exporter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import option


@dataclass(frozen=True, kw_only=True)
class ImportConfig:
    """A fitted estimator or pipeline of scikit-learn, in a file that `skops.io.dump` wrote."""

    VERSION: ClassVar[int] = 1
    input: str = option("x", doc="Name of the input: float32, one column for each feature.")
    output: str = option(
        "",
        doc="Name of the output. Empty calls it after what it is: `scores` (a classifier's probabilities, or its"
        " decision function), `prediction` or `features`.",
    )
    trusted: tuple[str, ...] = option(
        (),
        doc="Types that the file may hold besides those that are known to be safe, such as `sklearn.isotonic.X`: of"
        " scikit-learn, numpy and scipy alone.",
    )


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """The same estimator as ONNX: one graph, canonical, with an open batch."""

    VERSION: ClassVar[int] = 1
    opset: int = option(18, doc="Version of the ONNX operator set.", minimum=15, maximum=18)
    tolerance: float = option(
        1e-4,
        doc="How far an output may be from scikit-learn's, relative to the greatest magnitude in it (at least 1);"
        " beyond it the export fails.",
        minimum=0,
        maximum=1,
    )
