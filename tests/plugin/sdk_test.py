"""The SDK as a whole: what it imports, what it exports, what it documents."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import types
from pathlib import Path

import pytest

import lepton_rules.plugin
from lepton_rules.plugin import hookspecs
from lepton_rules.plugin.capabilities import CAPABILITIES
from lepton_rules.plugin.descriptors import KINDS
from lepton_rules.plugin.names import is_name

PACKAGE = Path(lepton_rules.plugin.__file__).parent
LIGHT = [
    *(f"lepton_rules.plugin.{p.stem}" for p in sorted(PACKAGE.glob("*.py")) if p.stem not in ("__init__", "generate")),
    *("lepton_rules.plugin", "lepton_rules.plugin.generate", "lepton_rules.manifest"),
    *("lepton_rules.plugin.contract", "lepton_rules.plugin.contract.driver"),
]


@pytest.mark.parametrize("module", LIGHT)
def test_importing_it_imports_the_standard_library_and_pluggy_alone(module: str) -> None:
    program = f"""
import sys
before = set(sys.modules)
import {module}
new = {{name.partition('.')[0] for name in set(sys.modules) - before}}
print(sorted(new - set(sys.stdlib_module_names)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(ast.literal_eval(done.stdout)) <= {"lepton_rules", "pluggy"}


def test_everything_exported_is_there_and_documented() -> None:
    assert lepton_rules.plugin.__all__ == sorted(lepton_rules.plugin.__all__)
    for name in lepton_rules.plugin.__all__:
        value = getattr(lepton_rules.plugin, name)
        if name not in ("API_VERSION", "hookimpl"):
            assert inspect.getdoc(value), name


HOOKS = [name for name in vars(hookspecs) if name.startswith("lepton_")]


def test_a_hook_for_each_kind() -> None:
    assert [f"lepton_{kind}" for kind in KINDS] == HOOKS


@pytest.mark.parametrize("hook", HOOKS)
def test_hooks_are_documented_with_an_example_that_implements_them(hook: str) -> None:
    function = getattr(hookspecs, hook)
    assert not inspect.signature(function).parameters
    doc = inspect.getdoc(function)
    assert doc
    assert "Returns:" in doc
    example = doc[doc.index("Example:") :]
    assert f"@hookimpl\n    def {hook}() -> " in example
    kind = KINDS[hook.removeprefix("lepton_")].__name__
    assert f"{kind}(" in example
    code = example.removeprefix("Example:\n").partition("\nand in ")[0]
    ast.parse(inspect.cleandoc(code))


def test_hook_examples_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of every hook, run, returns descriptors that the manager accepts."""
    from lepton_rules.plugin import validation

    for hook in HOOKS:
        doc = inspect.getdoc(getattr(hookspecs, hook))
        assert doc
        code = inspect.cleandoc(doc[doc.index("Example:") :].removeprefix("Example:\n").partition("\nand in ")[0])
        module = types.ModuleType("lepton_example")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(
            "from collections.abc import *\nfrom dataclasses import *\nfrom typing import *\n"
            "from lepton_rules.plugin import *\n" + code,
            vars(module),
        )
        for descriptor in getattr(module, hook)():
            assert type(descriptor) is KINDS[hook.removeprefix("lepton_")]
            validation.check(descriptor, hook)


def test_capabilities_are_sorted_names_with_a_sentence() -> None:
    assert list(CAPABILITIES) == sorted(CAPABILITIES)
    for name, meaning in CAPABILITIES.items():
        assert is_name(name)
        assert meaning.endswith(".")
        assert len(meaning) > 20
