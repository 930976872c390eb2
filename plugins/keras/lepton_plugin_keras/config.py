"""What a BUILD file says to the importer and to the exporter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import option


@dataclass(frozen=True, kw_only=True)
class ImportConfig:
    """A Keras model: a `.keras` file, an `.h5` file, or the files of a TensorFlow SavedModel, told by their content."""

    VERSION: ClassVar[int] = 1
    inputs: tuple[str, ...] = option(
        (), doc="Names for the model's inputs, in their order. Empty keeps the model's own names."
    )
    outputs: tuple[str, ...] = option(
        (), doc="Names for the model's outputs, in their order. Empty keeps the model's own names."
    )
    signature: str = option("serving_default", doc="The signature of a SavedModel that is the model.")


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """The same model as ONNX: one graph, canonical, whose named dimensions stay dynamic."""

    VERSION: ClassVar[int] = 1
    opset: int = option(18, doc="Version of the ONNX operator set.", minimum=15, maximum=18)
    tolerance: float = option(
        1e-4,
        doc="How far an output may be from TensorFlow's, relative to the greatest magnitude in it (at least 1); beyond"
        " it the export fails.",
        minimum=0,
        maximum=1,
    )
