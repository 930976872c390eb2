"""One declared plugin is loaded; a broken, mistyped or conflicting one is an error with plugin, version and fix."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from lepton_rules.actions.arguments import Arguments
from lepton_rules.actions.component import load_component
from lepton_rules.plugin import LeptonError, NoConfig
from lepton_rules.plugin.manager import LoadedPlugin, load

HEAD = """
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from lepton_rules.plugin import *
from lepton_rules.plugin import API_VERSION

__version__ = "1.2.0"
"""
GOOD = """
@hookimpl
def lepton_passes():
    return [Pass(name="round", consumes="table", produces="table", implementation="lepton_plugin_chip.rounding:round_")]
"""


class Tree:
    """A directory on sys.path to write plugins and distributions into."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def module(self, text: str, name: str = "lepton_plugin_chip", head: str = HEAD) -> None:
        package = self.path / name
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text(head + textwrap.dedent(text), "utf-8")

    def file(self, name: str, text: str) -> None:
        (self.path / name).write_text(textwrap.dedent(text), "utf-8")

    def distribution(self, name: str, version: str, entry_points: str) -> None:
        info = self.path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[lepton_rules.plugins]\n{entry_points}\n", "utf-8")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.syspath_prepend(tmp_path)
    for name in [m for m in sys.modules if m.startswith(("lepton_plugin_", "other_"))]:
        monkeypatch.delitem(sys.modules, name)
    return Tree(tmp_path)


def refusal(name: str = "chip", entry: str | None = "lepton_plugin_chip") -> str:
    with pytest.raises(LeptonError) as caught:
        load(name, entry)
    message = str(caught.value)
    assert message.startswith("lepton: ")
    assert "\n" not in message
    return message


def test_a_good_plugin(tree: Tree) -> None:
    tree.module(GOOD)
    plugin = load("chip", "lepton_plugin_chip")
    assert isinstance(plugin, LoadedPlugin)
    assert (plugin.name, plugin.version, plugin.entry, plugin.distribution) == (
        "chip",
        "1.2.0",
        "lepton_plugin_chip",
        "",
    )
    assert list(plugin.passes) == ["round"]
    assert not plugin.targets
    assert "lepton_plugin_chip.rounding" not in sys.modules


def test_find_names_the_near_miss(tree: Tree) -> None:
    tree.module(GOOD)
    with pytest.raises(
        LeptonError, match=r"plugin chip 1.2.0: it has no 'rond' among its passes. Did you mean 'round'\?"
    ):
        load("chip", "lepton_plugin_chip").find("passes", "rond")


def test_hook_may_have_another_function_name(tree: Tree) -> None:
    tree.module(
        GOOD.replace("@hookimpl", '@hookimpl(specname="lepton_passes")').replace("def lepton_passes", "def mine")
    )
    assert list(load("chip", "lepton_plugin_chip").passes) == ["round"]


def test_modules_whose_names_begin_with_lepton_are_no_hooks(tree: Tree) -> None:
    tree.module("import lepton_rules\nimport lepton_plugin_chip\n" + GOOD)
    load("chip", "lepton_plugin_chip")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "import no_such_library",
            ("no module 'no_such_library'", "Add 'no_such_library' to the plugin's environment"),
        ),
        ("1 / 0", ("entry module 'lepton_plugin_chip' does not import: ZeroDivisionError: division by zero",)),
        ("raise SystemExit(3)", ("does not import: SystemExit: 3",)),
        ("def :", ("does not import: SyntaxError",)),
        ("from lepton_rules.plugin import Passs", ("does not import: ImportError",)),
        ("del __version__" + GOOD, ("__version__ is None", 'Write `__version__ = "1.0.0"`')),
        ("__version__ = 1" + GOOD, ("__version__ is 1",)),
        ("", ("plugin chip 1.2.0", "registers nothing", "Implement a hook")),
        (
            GOOD.replace("lepton_passes", "lepton_pases"),
            ("plugin chip 1.2.0", "there is no hook 'lepton_pases'", "Did you mean 'lepton_passes'?"),
        ),
        (
            GOOD.replace("@hookimpl\ndef lepton_passes", "def lepton_pass"),
            ("lepton_pass begins with lepton_", "Did you mean 'lepton_passes'?"),
        ),
        (GOOD.replace("lepton_passes", "passes"), ("there is no hook 'passes'",)),
        (GOOD.replace("@hookimpl", ""), ("hook lepton_passes is not marked", "Write @hookimpl")),
        ("lepton_passes = 3", ("hook lepton_passes is not marked",)),
        (
            "lepton_helper = 3" + GOOD,
            ("lepton_helper begins with lepton_", "a helper needs"),
        ),
        (
            GOOD.replace("lepton_passes()", "lepton_passes(context)"),
            ("a hook has another signature", "context", "Hooks take no argument"),
        ),
        (GOOD.replace("@hookimpl", "@hookimpl(wrapper=True)").replace("return", "yield"), ("hook wrapper",)),
        (
            GOOD
            + GOOD.replace("@hookimpl", '@hookimpl(specname="lepton_passes")').replace("lepton_passes()", "more()"),
            ("lepton_passes and more both implement lepton_passes",),
        ),
        (
            "@hookimpl\ndef lepton_passes():\n    pass",
            ("lepton_passes returned None, accepted is a list or tuple of Pass",),
        ),
        ("@hookimpl\ndef lepton_passes():\n    yield 1", ("lepton_passes returned a value of type generator",)),
        ("@hookimpl\ndef lepton_passes():\n    return {'a': 1}", ("returned a value of type dict",)),
        ("@hookimpl\ndef lepton_passes():\n    return ['round']", ("returned a value of type str in its list",)),
        (
            GOOD.replace("lepton_passes", "lepton_exporters"),
            ("returned a value of type Pass in its list", "tuple of Exporter"),
        ),
        ("@hookimpl\ndef lepton_passes():\n    raise OSError('disk')", ("lepton_passes raised OSError: disk",)),
        ("@hookimpl\ndef lepton_passes():\n    return [Pass(nam='x')]", ("lepton_passes raised TypeError", "'nam'")),
        (GOOD.replace("[Pass(", "2 * [Pass("), ("lepton_passes registers the name 'round' twice", "Rename one")),
    ],
)
def test_broken_plugins(tree: Tree, text: str, says: tuple[str, ...]) -> None:
    tree.module(text)
    message = refusal()
    assert "chip" in message
    for part in says:
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name="round"', 'name="Round"', "name is 'Round'"),
        ('name="round"', 'name="a b"', "name is 'a b'"),
        ('name="round"', 'name="load"', "no reserved word"),
        ('name="round"', "name=None", "name is None"),
        ('consumes="table"', 'consumes="Table"', "consumes is 'Table'"),
        ('produces="table"', "produces=('table',)", "produces is ('table',)"),
        (":round_", "", "accepted is 'module:attribute'"),
        (":round_", ":a.b", "accepted is 'module:attribute'"),
        ('"lepton_plugin_chip.rounding:round_"', "print", "accepted is 'module:attribute'"),
        (")]", ", doc=3)]", "doc is 3"),
        (")]", ", requires=['int8'])]", "requires is ['int8'], accepted is a tuple of names"),
        (")]", ", requires=('int88',))]", "unknown capability 'int88'. Did you mean 'int8'?"),
        (")]", ", requires=('int8', 'int8'))]", "requires names 'int8' twice"),
        (")]", ", slots=(1,))]", "accepted is a tuple of Slot"),
        (")]", ", slots=(Slot(name='a', kind='data'),))]", "kind 'data'. Did you mean 'dataset'?"),
        (")]", ", slots=(Slot(name='a'), Slot(name='a')))]", "slot 'a' is there twice"),
        (")]", ", slots=(Slot(name='a', required=1),))]", "required of slot 'a' is 1"),
        (")]", ", preserves_signature='yes')]", "preserves_signature is 'yes'"),
        (")]", ", config=dict)]", "it is not a dataclass"),
        (")]", ", config=NoConfig())]", "it is not a dataclass"),
        (
            ")]",
            ", api_version=2)]",
            "pass chip.round of plugin chip 1.2.0: it was written for api_version 2, this lepton_rules has 1. "
            "Upgrade lepton_rules",
        ),
        (")]", ", api_version=0)]", "written for api_version 0, this lepton_rules has 1. Install a newer release"),
        (")]", ", api_version='1')]", "written for api_version '1'"),
    ],
)
def test_broken_descriptors(tree: Tree, old: str, new: str, says: str) -> None:
    assert old in GOOD
    tree.module(GOOD.replace(old, new))
    message = refusal()
    assert "plugin chip 1.2.0" in message
    assert says in message


TARGET = """
@hookimpl
def lepton_runtimes():
    return [Runtime(name="chip", consumes=("table",), implementation="a:b")]

@hookimpl
def lepton_targets():
    return [Target(name="small", runtime="chip", accepts=("table",), capabilities=("int8",))]
"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'runtime="chip"',
            'runtime="chop"',
            "its runtime 'chop' is not a runtime of this plugin. Did you mean 'chip'?",
        ),
        ('("table",), capa', "(), capa", "accepts is (), accepted is a tuple of names, at least 1"),
        ('("table",), impl', "'table', impl", "consumes is 'table', accepted is a tuple"),
        ('("int8",)', '("int9",)', "unknown capability 'int9'. Did you mean 'int8'?"),
        ('("int8",)', "(), options={'a': 1}", "options is {'a': 1}"),
        ('("int8",)', "(), available='a b'", "available is 'a b'"),
        ('("int8",)', "(), pass_defaults={'round': {}}", "the key 'round'. Write 'plugin.pass'"),
        ('("int8",)', "(), pass_defaults={'a.b': {'C': 1}}", "pass_defaults['a.b'] is {'C': 1}"),
        ('("int8",)', "(), pass_defaults={'a.b': {'c': {1}}}", "pass_defaults['a.b'] is not JSON"),
        ('("int8",)', "(), pass_defaults={'a.b': {'c': float('nan')}}", "pass_defaults['a.b'] is not JSON"),
    ],
)
def test_broken_targets(tree: Tree, old: str, new: str, says: str) -> None:
    assert old in TARGET
    tree.module(TARGET.replace(old, new))
    assert says in refusal()


def test_an_exporter_that_keeps_the_format_is_a_pass(tree: Tree) -> None:
    tree.module(GOOD.replace("lepton_passes", "lepton_exporters").replace("Pass(", "Exporter("))
    assert "Register it as a pass" in refusal()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("saves=['a.B']", "saves is ['a.B'], accepted is a dict of a class to 'module:function'"),
        ("saves={'B': 'a:b'}", "saves is {'B': 'a:b'}"),
        ("saves={'a.B': 'b'}", "saves is {'a.B': 'b'}"),
        ("saves={'a.B': None}", "saves is {'a.B': None}"),
        ("loads='load'", "loads is 'load', accepted is 'module:function'"),
        ("loads=None", "loads is None"),
    ],
)
def test_importers_that_name_no_functions_for_memory(tree: Tree, more: str, says: str) -> None:
    good = GOOD.replace("lepton_passes", "lepton_importers").replace("Pass(", "Importer(")
    tree.module(good.replace('consumes="table", ', "").replace(")]", f", {more})]"))
    assert says in refusal()


def test_missing_entry_module(tree: Tree) -> None:
    assert "no module 'lepton_plugin_chip'. Mend the module's name, or add its directory" in refusal()


@pytest.mark.parametrize("name", ["", "Chip", "a b", "chip\n", "$(rm)", "a" * 64])
def test_bad_plugin_names(tree: Tree, name: str) -> None:
    tree.module(GOOD)
    assert "that is no name for a plugin" in refusal(name)


@pytest.mark.parametrize(
    ("implementation", "says"),
    [
        (None, "no module 'lepton_plugin_chip.rounding'. Mend the module's name"),
        ("import no_such_library", "there is no module 'no_such_library'. Add 'no_such_library'"),
        ("raise RuntimeError('no GPU')", "does not import: RuntimeError: no GPU"),
        ("def round_it(context): ...", "has no attribute 'round_'. Did you mean lepton_plugin_chip.rounding:round_it?"),
        ("", "has no attribute 'round_'. Mend the descriptor's implementation, or define"),
        ("round_ = 3", "rounding:round_ is a value of type int, accepted is a function"),
        ("round_ = None", "rounding:round_ is None, accepted is a function"),
    ],
)
def test_a_broken_implementation_shows_at_use_not_at_load(tree: Tree, implementation: str | None, says: str) -> None:
    tree.module(GOOD)
    if implementation is not None:
        tree.file("lepton_plugin_chip/rounding.py", implementation)
    plugin = load("chip", "lepton_plugin_chip")
    with pytest.raises(LeptonError) as caught:
        plugin.resolve(plugin.passes["round"])
    message = str(caught.value)
    assert message.startswith("lepton: pass chip.round (plugin chip 1.2.0): ")
    assert says in message


def test_resolve_returns_the_implementation(tree: Tree) -> None:
    tree.module(GOOD)
    tree.file("lepton_plugin_chip/rounding.py", "def round_(context):\n    return 7\n")
    plugin = load("chip", "lepton_plugin_chip")
    assert plugin.resolve(plugin.passes["round"])(None) == 7


def test_a_distribution_is_found_by_its_entry_point(tree: Tree) -> None:
    tree.module(GOOD, head=HEAD.replace("1.2.0", "9.9.9"))
    tree.distribution("lepton-plugin-chip", "2.0.1", "chip = lepton_plugin_chip")
    for entry in (None, "", "lepton_plugin_chip"):
        plugin = load("chip", entry)
        assert (plugin.version, plugin.distribution) == ("2.0.1", "lepton-plugin-chip 2.0.1")


def test_only_the_declared_distribution_is_imported(tree: Tree) -> None:
    tree.module(GOOD)
    tree.distribution("lepton-plugin-chip", "2.0.1", "chip = lepton_plugin_chip")
    tree.module("raise AssertionError('imported')", name="other_plugin")
    tree.distribution("lepton-plugin-other", "1.0", "other = other_plugin")
    load("chip")
    assert "other_plugin" not in sys.modules


def test_no_such_distribution(tree: Tree) -> None:
    tree.distribution("lepton-plugin-chip", "2.0.1", "chips = lepton_plugin_chip")
    message = refusal("chip", None)
    assert "no installed distribution has the entry point 'chip'" in message
    assert "Did you mean 'chips'?" in message


def test_two_distributions_that_claim_one_name(tree: Tree) -> None:
    tree.module(GOOD)
    tree.distribution("lepton-plugin-chip", "2.0.1", "chip = lepton_plugin_chip")
    tree.distribution("vendor-chip", "0.3", "chip = vendor.plugin")
    for entry in (None, "lepton_plugin_chip"):
        message = refusal("chip", entry)
        assert "more than one distribution claims the name" in message
        assert "lepton-plugin-chip 2.0.1 (lepton_plugin_chip) and vendor-chip 0.3 (vendor.plugin)" in message
        assert "Remove all but one" in message


def test_a_plugin_in_the_tree_and_a_distribution_that_claim_one_name(tree: Tree) -> None:
    tree.module(GOOD)
    tree.distribution("vendor-chip", "0.3", "chip = vendor_plugin")
    message = refusal()
    assert "two plugins claim the name: lepton_plugin_chip in the tree and vendor-chip 0.3 (vendor_plugin)" in message


def test_an_entry_point_must_name_a_module(tree: Tree) -> None:
    tree.module(GOOD)
    tree.distribution("lepton-plugin-chip", "2.0.1", "chip = lepton_plugin_chip:plugin")
    message = refusal("chip", None)
    assert "its entry point is 'lepton_plugin_chip:plugin', accepted is a module" in message
    assert 'Write `chip = "lepton_plugin_chip"` under [project.entry-points."lepton_rules.plugins"]' in message


def test_an_action_refuses_a_configuration_of_another_version(tree: Tree) -> None:
    """A passes.bzl that is older or newer than the code is an error of the build, not of the contract test alone."""
    tree.module(GOOD)
    tree.file("lepton_plugin_chip/rounding.py", "def round_(context): ...\n")
    flags = ["--plugin=chip", "--plugin_entry=lepton_plugin_chip", "--component=round", "--config={}"]
    assert load_component(Arguments.parse([*flags, "--config_version=1"], tree.path), "passes").config == NoConfig()
    with pytest.raises(LeptonError) as caught:
        load_component(Arguments.parse([*flags, "--config_version=2"], tree.path), "passes")
    assert "configuration of chip.round: it was written for version 2, the plugin has version 1" in str(caught.value)
