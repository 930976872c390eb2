"""The contract kit passes a good plugin, and each check fails on a plugin that was broken for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lepton_rules.plugin import LeptonError
from lepton_rules.plugin.contract import CHECKS, Contract, checks
from lepton_rules.plugin.contract.pytest_suite import PluginContract

SAMPLE = Path(__file__).parent / "sample"
ENTRY = "lepton_plugin_sample/__init__.py"
TABLES = "lepton_plugin_sample/tables.py"
BUNDLES = "lepton_plugin_sample/bundles.py"
RUNNING = "lepton_plugin_sample/running.py"


sys.path.insert(0, str(SAMPLE))


def declared(passes: Path) -> dict[str, Any]:
    """Reads DESCRIPTORS of a passes.bzl, as Starlark does."""
    found = re.search(
        r"^DESCRIPTORS = json\.decode\(r'''(.*?)'''\)$", passes.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert found
    descriptors: dict[str, Any] = json.loads(found[1])
    return descriptors


class TestSample(PluginContract):
    """The sample plugin as its author would test it."""

    plugin = "sample"
    entry = "lepton_plugin_sample"
    samples = "sample_models:write"
    descriptors = declared(SAMPLE / "passes.bzl")
    passes = SAMPLE / "passes.bzl"
    passes_label = "//tests/contract/sample"


@dataclass(frozen=True)
class Broken:
    """The sample plugin with `old` in `file` made `new`: `check` fails with a message that has every text of `says`."""

    name: str
    check: Callable[[Contract], None]
    file: str
    old: str
    new: str
    says: tuple[str, ...]
    timeout_s: float = 60.0


_BODY = "    table = read(context.model.path)\n    unknown"


def _body(statement: str) -> str:
    """Puts a statement at the start of the pass `round`."""
    return f"    {statement}\n{_BODY}"


BROKEN = (
    Broken(
        "hook_misspelled",
        checks.check_hooks,
        ENTRY,
        "def lepton_passes",
        "def lepton_pases",
        ("plugin sample 1.2.0", "lepton_pases", "Did you mean 'lepton_passes'?"),
    ),
    Broken(
        "name_twice",
        checks.check_hooks,
        ENTRY,
        'name="centre"',
        'name="round"',
        ("plugin sample 1.2.0", "'round' twice"),
    ),
    Broken(
        "library_at_load",
        checks.check_lazy_import,
        ENTRY,
        "from dataclasses",
        "import numpy\nfrom dataclasses",
        ("loading it imports numpy",),
    ),
    Broken(
        "implementations_at_load",
        checks.check_lazy_import,
        ENTRY,
        "from dataclasses",
        "import lepton_plugin_sample.running\nfrom dataclasses",
        ("loading it imports numpy",),
    ),
    Broken(
        "default_changed",
        checks.check_descriptors,
        ENTRY,
        "option(3,",
        "option(4,",
        ("passes.round.config.fields.digits.default is 3, not 4", "Run python -m lepton_rules.plugin.generate"),
    ),
    Broken(
        "doc_changed",
        checks.check_passes,
        ENTRY,
        "Which way a half goes",
        "Which way a half goes, if at all",
        ("passes.bzl is not what its descriptors generate", "Run python -m lepton_rules.plugin.generate --name sample"),
    ),
    Broken(
        "pass_added",
        checks.check_descriptors,
        ENTRY,
        '        Pass(\n            name="round",',
        '        Pass(name="more", consumes="table", produces="table", implementation="a:b"),\n'
        '        Pass(\n            name="round",',
        ("passes.more is missing",),
    ),
    Broken(
        "implementation_misspelled",
        checks.check_implementations,
        ENTRY,
        "tables:round_table",
        "tables:rond_table",
        ("pass sample.round", "no attribute 'rond_table'", "Did you mean lepton_plugin_sample.tables:round_table?"),
    ),
    Broken(
        "takes_two_arguments",
        checks.check_implementations,
        TABLES,
        "def round_table(context: PassContext)",
        "def round_table(context, more)",
        ("cannot be called with a context", "'more'"),
    ),
    Broken(
        "loads_what_is_not_there",
        checks.check_implementations,
        ENTRY,
        'tables:import_table")',
        'tables:import_table", loads="lepton_plugin_sample.tables:load")',
        ("importer sample.table", "no attribute 'load'"),
    ),
    Broken(
        "saves_with_too_few_arguments",
        checks.check_implementations,
        ENTRY,
        'tables:import_table")',
        'tables:import_table", saves={"a.B": "lepton_plugin_sample.tables:read"})',
        ("read of importers.table cannot be called with 3 arguments",),
    ),
    Broken("no_close", checks.check_implementations, RUNNING, "def close", "def shut", ("has no method close",)),
    Broken(
        "runtime_is_no_class",
        checks.check_implementations,
        ENTRY,
        "running:TableRuntime",
        "running:mean_error",
        ("runtime sample.table", "accepted is a class"),
    ),
    Broken(
        "configuration_changes_itself",
        checks.check_configurations,
        ENTRY,
        "        if self.mode",
        '        object.__setattr__(self, "digits", min(6, self.digits + 1))\n        if self.mode',
        ("RoundConfig of passes.round does not read back",),
    ),
    Broken(
        "configuration_forgets",
        checks.check_configurations,
        ENTRY,
        "        if self.mode",
        '        object.__setattr__(self, "exclude", ())\n        if self.mode',
        ("'exclude' of passes.round is []", "['a']"),
    ),
    Broken(
        "bad_configuration_accepted",
        checks.check_bad_configurations,
        TABLES,
        "    if unknown:",
        "    if unknown and False:",
        ("passes.round", "'exclude': ['nobody']", "is accepted"),
    ),
    Broken(
        "bad_configuration_crashes",
        checks.check_bad_configurations,
        TABLES,
        "        raise LeptonError(",
        "        raise RuntimeError(",
        ("is refused with no LeptonError: RuntimeError",),
    ),
    Broken(
        "raises", checks.check_runs, TABLES, _BODY, _body("raise KeyError('weights')"), ("passes.round", "KeyError")
    ),
    Broken("exits", checks.check_runs, TABLES, _BODY, _body("raise SystemExit(0)"), ("passes.round", "SystemExit: 0")),
    Broken(
        "segfaults",
        checks.check_runs,
        TABLES,
        _BODY,
        _body("import ctypes; ctypes.string_at(0)"),
        ("passes.round", "killed by signal 11"),
    ),
    Broken(
        "hangs",
        checks.check_runs,
        TABLES,
        _BODY,
        _body("import time; time.sleep(60)"),
        ("passes.round", "did not end within 1 s"),
        timeout_s=1.0,
    ),
    Broken(
        "returns_nothing",
        checks.check_runs,
        TABLES,
        "    return write(rounded, context.output)",
        "    write(rounded, context.output)",
        ("pass sample.round", "returned NoneType, accepted is ModelFacts"),
    ),
    Broken(
        "writes_nothing",
        checks.check_runs,
        TABLES,
        "    return write(rounded, context.output)",
        "    return facts(rounded)",
        ("it holds no file",),
    ),
    Broken(
        "writes_a_link",
        checks.check_runs,
        TABLES,
        _BODY,
        _body('(context.output / "link").symlink_to(context.model.path / "table.json")'),
        ("model file 'link'", "it is a link"),
    ),
    Broken(
        "writes_beside",
        checks.check_runs,
        TABLES,
        _BODY,
        _body('Path("cache.bin").touch()'),
        ("wrote 'cache.bin' beside its output",),
    ),
    Broken(
        "changes_its_model",
        checks.check_runs,
        TABLES,
        _BODY,
        _body('(context.model.path / "more.bin").touch()'),
        ("passes.round", "changed the model that it was given"),
    ),
    Broken(
        "metric_of_another_type",
        checks.check_runs,
        RUNNING,
        "float(np.abs(context.outputs",
        "np.float32(np.abs(context.outputs",
        ("metric sample.mean_error", "float32", "accepted is a finite float"),
    ),
    Broken(
        "set_order",
        checks.check_same_bytes,
        TABLES,
        "sorted(set(table))",
        "list(set(table))",
        ("facts.notes.rows", "under another hash seed"),
    ),
    Broken(
        "random",
        checks.check_same_bytes,
        TABLES,
        _BODY,
        _body('import os; (context.output / "noise").write_bytes(os.urandom(8))'),
        ("passes.round", "twice in a row", "files.noise.sha256"),
    ),
    Broken(
        "clock",
        checks.check_same_bytes,
        TABLES,
        _BODY,
        _body('import time; (context.output / "made").write_text(str(int(time.time())))'),
        ("passes.round", "files.made.sha256"),
    ),
    Broken(
        "path",
        checks.check_same_bytes,
        TABLES,
        _BODY,
        _body('(context.output / "made").write_text(str(context.output.parents[2]))'),
        ("passes.round", "elsewhere", "files.made"),
    ),
    Broken(
        "package_of_another_layer",
        checks.check_runs,
        BUNDLES,
        '"program": PackedLayer',
        '"programme": PackedLayer',
        ("packager sample.bundle", "'programme', 'model'", "declares 'program', 'model'"),
    ),
    Broken(
        "package_of_a_file_that_is_not_there",
        checks.check_runs,
        BUNDLES,
        'source="manifest"',
        'source="manifests"',
        ("packager sample.bundle", "'manifests', and the layer 'model' packs others", "'manifest'"),
    ),
    Broken(
        "package_random",
        checks.check_same_bytes,
        BUNDLES,
        '"HOME": "/nonexistent"',
        '"HOME": str(hash("HOME"))',
        ("packagers.bundle", "package.environment.HOME"),
    ),
    Broken(
        "runtime_random",
        checks.check_same_bytes,
        RUNNING,
        'inputs["x"] @',
        'np.random.default_rng().random(inputs["x"].shape, np.float32) @',
        ("runtimes.table", "digest"),
    ),
    Broken(
        "signature_changed",
        checks.check_signature,
        TABLES,
        "    return write(rounded, context.output)",
        '    return write({k: r for k, r in rounded.items() if k != "a"}, context.output)',
        ("passes.round", "turns the outputs y float32['batch', 8] into y float32['batch', 7]", "preserves_signature"),
    ),
    Broken(
        "signature_not_as_written",
        checks.check_signature,
        TABLES,
        "    return write(rounded, context.output)",
        '    write({k: r for k, r in rounded.items() if k != "a"}, context.output)\n    return facts(rounded)',
        ("passes.round", "its files have y float32['batch', 7]", "Report what was written"),
    ),
    Broken(
        "runtime_of_another_dtype",
        checks.check_signature,
        RUNNING,
        'inputs["x"] @ self.weights.T',
        '(inputs["x"] @ self.weights.T).astype(np.float64)',
        ("runtimes.table", "gives y float64[4, 8], the model has y float32['batch', 8]"),
    ),
)


def _broken_sample(broken: Broken, directory: Path) -> Path:
    """Copies the sample plugin and breaks the copy."""
    shutil.copytree(SAMPLE, directory, ignore=shutil.ignore_patterns("__pycache__"))
    file = directory / broken.file
    text = file.read_text("utf-8")
    assert text.count(broken.old) == 1, f"the sample has {broken.old!r} {text.count(broken.old)} times"
    file.chmod(0o644)
    file.write_text(text.replace(broken.old, broken.new), "utf-8")
    return directory


def _contract(broken: Broken, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Contract:
    """The contract over the copy in `directory`, held against what the good plugin declares."""
    for name in [m for m in sys.modules if m.partition(".")[0] in ("lepton_plugin_sample", "sample_models")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(directory), *(p for p in sys.path if p != str(SAMPLE))])
    return Contract(
        "sample",
        "lepton_plugin_sample",
        "sample_models:write",
        declared(SAMPLE / "passes.bzl"),
        SAMPLE / "passes.bzl",
        "//tests/contract/sample",
        timeout_s=broken.timeout_s,
    )


@pytest.fixture(scope="module")
def samples() -> Iterator[Mapping[str, Any]]:
    """The samples, written once: they are not what is broken."""
    with Contract("sample", "lepton_plugin_sample", "sample_models:write") as contract:
        yield contract.written_samples


@pytest.mark.parametrize("broken", BROKEN, ids=lambda b: b.name)
def test_check_fails_on_the_plugin_broken_for_it(
    broken: Broken, samples: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        _contract(broken, _broken_sample(broken, tmp_path / "broken"), monkeypatch) as contract,
        pytest.raises(LeptonError) as caught,
    ):
        if broken.name != "changes_its_model":
            contract.written_samples = samples
        broken.check(contract)
    message = str(caught.value)
    assert message.startswith("lepton: ")
    assert "\n" not in message
    for text in broken.says:
        assert text in message


def test_a_symbolic_dimension_may_get_another_name(
    samples: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = Broken("", checks.check_signature, TABLES, 'outputs=(TensorSpec("y", "float32", ("batch", rows))', "", ())
    renamed = replace(renamed, new=renamed.old.replace("batch", "samples"))
    with _contract(renamed, _broken_sample(renamed, tmp_path / "renamed"), monkeypatch) as contract:
        contract.written_samples = samples
        checks.check_signature(contract)


def test_every_check_has_a_plugin_broken_for_it() -> None:
    assert {b.check for b in BROKEN} == set(CHECKS)


def test_missing_sample_says_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "few_samples.py").write_text(
        "from lepton_rules.plugin.contract import Samples\n\ndef write(directory):\n    return Samples()\n", "utf-8"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        with (
            Contract("sample", "lepton_plugin_sample", "few_samples:write") as contract,
            pytest.raises(LeptonError, match=r"no sample for importers.table.*Samples.imports an entry 'table'"),
        ):
            checks.check_runs(contract)
    finally:
        sys.path.remove(str(tmp_path))


def test_a_component_may_have_a_model_of_its_own(samples: Mapping[str, Any]) -> None:
    table = samples["models"]["table"]
    # Of `round` alone the author says that its model takes z, and the files take x.
    own = {**table, "facts": {**table["facts"], "inputs": [{"name": "z", "dtype": "float32", "shape": ["batch", 3]}]}}
    with Contract("sample", "lepton_plugin_sample", "sample_models:write") as contract:
        contract.written_samples = {**samples, "models": {"table": table, "passes.round": own}}
        with pytest.raises(LeptonError, match=r"passes\.round .* z float32"):
            checks.check_signature(contract)


def test_samples_that_fail_are_tried_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no_samples.py").write_text("def write(directory):\n    raise OSError('full')\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with Contract("sample", "lepton_plugin_sample", "no_samples:write") as contract:
        for check in (checks.check_configurations, checks.check_runs):
            with pytest.raises(LeptonError, match=r": no_samples:write fails: OSError: full\. See the traceback above"):
                check(contract)
    assert capfd.readouterr().err.count("Traceback") == 1


def test_a_model_for_no_component_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stray_samples.py").write_text(
        "import sample_models\n\ndef write(directory):\n    samples = sample_models.write(directory)\n"
        "    samples.models['passes.ruond'] = samples.models['table']\n    return samples\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with (
        Contract("sample", "lepton_plugin_sample", "stray_samples:write") as contract,
        pytest.raises(LeptonError, match=r"Samples.models has the key 'passes.ruond'.*Write <kind>.<name>"),
    ):
        checks.check_runs(contract)


def _command(directory: Path, report: Path) -> subprocess.CompletedProcess[str]:
    paths = [str(directory), *(p for p in sys.path if p and p != str(SAMPLE))]
    return subprocess.run(
        [
            *(sys.executable, "-m", "lepton_rules.plugin.contract", "--name=sample", "--entry=lepton_plugin_sample"),
            *("--samples=sample_models:write", f"--passes={SAMPLE / 'passes.bzl'}"),
            "--passes_label=//tests/contract/sample",
            *("--label=//plugins/sample:contract", "--mend=bazel run //plugins/sample:contract.update"),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "XML_OUTPUT_FILE": str(report)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_line_writes_a_case_for_each_check(tmp_path: Path) -> None:
    done = _command(SAMPLE, tmp_path / "test.xml")
    assert done.returncode == 0, done.stdout + done.stderr
    suite = ElementTree.parse(tmp_path / "test.xml").getroot()
    assert [case.get("name") for case in suite] == [check.__name__ for check in CHECKS]
    assert suite.get("failures") == "0"


def test_command_line_fails_and_names_the_label_and_the_mending_command(tmp_path: Path) -> None:
    broken = next(b for b in BROKEN if b.name == "default_changed")
    done = _command(_broken_sample(broken, tmp_path / "broken"), tmp_path / "test.xml")
    assert done.returncode == 1
    assert "lepton: contract of plugin sample 1.2.0 in //plugins/sample:contract: passes.bzl is not what" in done.stdout
    assert "Run bazel run //plugins/sample:contract.update." in done.stdout
    suite = ElementTree.parse(tmp_path / "test.xml").getroot()
    assert [case.get("name") for case in suite if case.find("failure") is not None] == ["check_passes"]
