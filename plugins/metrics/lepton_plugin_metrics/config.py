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


@dataclass(frozen=True, kw_only=True)
class TopKConfig:
    """The share of samples whose label is among their highest scores."""

    VERSION: ClassVar[int] = 1

    output: str = option("", doc=_OUTPUT)
    labels: str = option("labels", doc="The dataset's array of labels: for each sample the index of its class.")
    k: int = option(5, doc="How many of the highest scores count.", minimum=1)


@dataclass(frozen=True, kw_only=True)
class AurocConfig:
    """The area under the receiver operating characteristic of one class."""

    VERSION: ClassVar[int] = 1

    output: str = option(
        "",
        doc="The output that holds a score, or one for each class on its last axis; empty for a model's only output.",
    )
    labels: str = option("labels", doc="The dataset's array of labels: for each sample the index of its class.")
    positive: int = option(1, doc="The index of the class.", minimum=0)


@dataclass(frozen=True, kw_only=True)
class RmseConfig:
    """The root of the mean squared difference between the output and the dataset's numbers."""

    VERSION: ClassVar[int] = 1

    output: str = option("", doc="The output that holds the predicted numbers; empty for a model's only output.")
    labels: str = option(
        "labels", doc="The dataset's array of the true numbers, of the output's shape; a last axis of 1 may be missing."
    )


@dataclass(frozen=True, kw_only=True)
class F1Config:
    """The harmonic mean of precision and recall of one class."""

    VERSION: ClassVar[int] = 1

    output: str = option("", doc=_OUTPUT)
    labels: str = option("labels", doc="The dataset's array of labels: for each sample the index of its class.")
    positive: int = option(1, doc="The index of the class.", minimum=0)


_VECTOR = "The output that holds a vector for each sample; empty for a model's only output."
_PAIRS = "The dataset's array of pair numbers, each there twice: the two samples whose similarity counts."


@dataclass(frozen=True, kw_only=True)
class CosineConfig:
    """The mean cosine between the model's output and the baseline's."""

    VERSION: ClassVar[int] = 1

    output: str = option("", doc=_VECTOR)


@dataclass(frozen=True, kw_only=True)
class SpearmanConfig:
    """Spearman's rank correlation of the similarities of pairs with those that the baseline gives."""

    VERSION: ClassVar[int] = 1

    output: str = option("", doc=_VECTOR)
    pairs: str = option("pair", doc=_PAIRS)


@dataclass(frozen=True, kw_only=True)
class SpearmanLabelsConfig:
    """Spearman's rank correlation of the similarities of pairs with the dataset's grades of them."""

    VERSION: ClassVar[int] = 1

    output: str = option("", doc=_VECTOR)
    pairs: str = option("pair", doc=_PAIRS)
    labels: str = option("labels", doc="The dataset's array of grades: for each sample that of its pair.")
