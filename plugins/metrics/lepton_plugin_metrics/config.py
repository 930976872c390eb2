"""Configurations of the metrics."""

from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import option

_OUTPUT = "The output that holds a score for each class on its last axis; empty for a model's only output."


@dataclass(frozen=True, kw_only=True)
class AccuracyConfig:
    """The share of samples whose highest score is their label's."""

    VERSION: ClassVar[int] = 1

    output: str = option("", doc=_OUTPUT)
    labels: str = option("labels", doc="The dataset's array of labels: for each sample the index of its class.")


@dataclass(frozen=True, kw_only=True)
class AgreementConfig:
    """The share of samples on which model and baseline have their highest score at the same class."""

    VERSION: ClassVar[int] = 1

    output: str = option("", doc=_OUTPUT)
