"""The contract for pytest: subclass `PluginContract`, say which plugin, and run pytest.

    from lepton_rules.plugin.contract.pytest_suite import PluginContract

    class TestContract(PluginContract):
        plugin = "onnx"
        entry = "lepton_plugin_onnx"
        samples = "my_samples:write"
        passes = Path(__file__).parent / "passes.bzl"
        passes_label = "//plugins/onnx"

Each check is then a test case of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from lepton_rules.plugin.contract.checks import CHECKS
from lepton_rules.plugin.contract.subject import Contract


class PluginContract:
    """Every check as a test case. The attributes are `Contract`'s arguments.

    Attributes:
        plugin: the plugin's name.
        entry: its entry module; empty for a distribution's entry point.
        samples: `module:function`.
        descriptors: what the `lepton_plugin` target declares, or None.
        passes: path of the generated `passes.bzl`, or None.
        passes_label: the label that it gives the `lepton_plugin` target.
        timeout_s: seconds that one run of a component may take.
    """

    plugin: ClassVar[str]
    entry: ClassVar[str] = ""
    samples: ClassVar[str] = ""
    descriptors: ClassVar[Mapping[str, Any] | Path | str | None] = None
    passes: ClassVar[Path | str | None] = None
    passes_label: ClassVar[str] = ""
    timeout_s: ClassVar[float] = 120.0

    _contract: ClassVar[Contract]

    @classmethod
    def setup_class(cls) -> None:
        """Makes the contract; its components run once for all checks."""
        cls._contract = Contract(
            cls.plugin,
            cls.entry,
            cls.samples,
            cls.descriptors,
            cls.passes,
            cls.passes_label,
            timeout_s=cls.timeout_s,
        )

    @classmethod
    def teardown_class(cls) -> None:
        """Removes what the runs wrote."""
        cls._contract.close()

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_contract(self, check: Callable[[Contract], None]) -> None:
        """One check of the contract; its own docstring says what it proves."""
        check(self._contract)
