"""A small whole plugin: linear models in a JSON file, of the format `table`. The contract kit is tried on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from lepton_rules.plugin import Exporter, Importer, Metric, Packager, Pass, Runtime, Slot, Target, hookimpl, option

__version__ = "1.2.0"


@dataclass(frozen=True, kw_only=True)
class RoundConfig:
    """Rounds every weight."""

    VERSION: ClassVar[int] = 1
    digits: int = option(3, doc="Decimals that stay.", minimum=0, maximum=6, requires={"0": "int8"})
    mode: Literal["even", "zero"] = option("even", doc="Which way a half goes")
    exclude: tuple[str, ...] = option((), doc="Rows that stay as they are.")

    def __post_init__(self) -> None:
        if self.mode == "zero" and self.digits == 0:
            raise ValueError("'mode' zero with 'digits' 0 rounds every weight away")


@dataclass(frozen=True, kw_only=True)
class CentreConfig:
    """Takes the calibration data's mean off the bias."""

    VERSION: ClassVar[int] = 2
    share: float = option(doc="Share of the mean, from 0 to 1.", minimum=0, maximum=1)


@hookimpl
def lepton_importers() -> Sequence[Importer]:
    return [Importer(name="table", produces="table", implementation="lepton_plugin_sample.tables:import_table")]


@hookimpl
def lepton_passes() -> Sequence[Pass]:
    return [
        Pass(
            name="round",
            consumes="table",
            produces="table",
            config=RoundConfig,
            implementation="lepton_plugin_sample.tables:round_table",
        ),
        Pass(
            name="centre",
            consumes="table",
            produces="table",
            config=CentreConfig,
            implementation="lepton_plugin_sample.tables:centre_table",
            slots=(
                Slot(name="calibration", doc="Samples that the mean is taken over."),
                Slot(name="teacher", kind="model", required=False),
            ),
            requires=("int8", "int8_symmetric"),
        ),
    ]


@hookimpl
def lepton_exporters() -> Sequence[Exporter]:
    return [
        Exporter(
            name="table_to_text",
            consumes="table",
            produces="text",
            implementation="lepton_plugin_sample.tables:export_text",
        )
    ]


@hookimpl
def lepton_runtimes() -> Sequence[Runtime]:
    return [Runtime(name="table", consumes=("table",), implementation="lepton_plugin_sample.running:TableRuntime")]


@hookimpl
def lepton_metrics() -> Sequence[Metric]:
    return [
        Metric(
            name="mean_error",
            needs_baseline=True,
            higher_is_better=False,
            doc="Mean distance to the baseline",
            implementation="lepton_plugin_sample.running:mean_error",
        )
    ]


@dataclass(frozen=True, kw_only=True)
class BundleConfig:
    """Packs the table under a directory of its own."""

    VERSION: ClassVar[int] = 1
    verbose: bool = option(False, doc="Whether the program says what it does.")


@hookimpl
def lepton_packagers() -> Sequence[Packager]:
    return [
        Packager(
            name="bundle",
            consumes=("table",),
            layers={"program": (), "model": ("model", "manifest")},
            config=BundleConfig,
            implementation="lepton_plugin_sample.bundles:bundle",
        )
    ]


@hookimpl
def lepton_targets() -> Sequence[Target]:
    return [
        Target(
            name="pocket",
            runtime="table",
            accepts=("table",),
            capabilities=("int8_symmetric", "int8"),
            pass_defaults={"sample.round": {"digits": 1}},
            options={"speed": "slow"},
        )
    ]
