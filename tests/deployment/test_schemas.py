"""The program of lepton_deployment_test: it passes what is right, and fails what kubernetes-validate lets through."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samples import FACTS, spec, whole

from lepton_rules.deployment import check
from lepton_rules.deployment.main import documents
from lepton_rules.deployment.overlay import merge


def judge(tmp_path: Path, contents: list[Any], *flags: str, version: str = "1.37") -> tuple[str, list[str]]:
    """The verdict, and the lines of the report."""
    file = tmp_path / "x.yaml"
    file.write_text("\n---\n".join(map(json.dumps, contents)), "utf-8")
    report, verdict = tmp_path / "report", tmp_path / "verdict"
    status = check.main(
        [
            "--label=//x:y_test", "--profile=restricted", f"--version={version}", f"--file={file}",
            f"--output_report={report}", f"--output_verdict={verdict}", *flags,
        ]
    )  # fmt: skip
    assert status == 0
    return verdict.read_text("utf-8").strip(), report.read_text("utf-8").splitlines()


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_what_the_rule_writes_passes(version: str, tmp_path: Path) -> None:
    verdict, report = judge(tmp_path, list(whole().values()), version=version)
    assert verdict == "PASS", report
    assert len(report) == len(whole())


@pytest.mark.parametrize(
    ("kind", "patch", "says"),
    [
        ("Deployment", {"spec": {"replcas": 2}}, "'replcas' was unexpected"),
        ("Deployment", {"spec": {"minReadySeconds": "1"}}, "spec.minReadySeconds: '1' is not of type"),
        ("Service", {"spec": {"ports": None, "selector": "x"}}, "'x' is not of type"),
        ("ServiceMonitor", {"spec": {"endpoint": []}}, "'endpoint' was unexpected"),
        ("ServiceMonitor", {"spec": {"endpoints": [{"port": "http", "interval": "30 s"}]}}, "'30 s' does not match"),
        ("ServiceMonitor", {"apiVersion": "monitoring.coreos.com/v2"}, "'monitoring.coreos.com/v1' was expected"),
        ("Service", {"kind": "Serfice"}, "Couldn't find schema for kind Serfice"),
        ("PodDisruptionBudget", {"apiVersion": "policy/v1beta1"}, "Couldn't find schema for kind PodDisruptionBudget"),
    ],
)
def test_what_the_schemas_refuse(kind: str, patch: dict[str, Any], says: str, tmp_path: Path) -> None:
    verdict, report = judge(tmp_path, [merge(whole()[kind], patch)])
    assert verdict == "FAIL"
    assert [line for line in report if line.startswith("lepton: deployment in //x:y_test: ") and says in line], report


def test_kserve(tmp_path: Path) -> None:
    kinds = ("ServiceAccount", "NetworkPolicy", "ServingRuntime", "InferenceService", "PodDisruptionBudget")
    facts = {**FACTS.__dict__, "model": "registry.example.com/team/model@sha256:" + "d" * 64}
    made = documents(spec(platform="kserve", max_replicas=3), type(FACTS)(**facts), kinds)
    assert made["InferenceService"]["spec"]["predictor"]["model"]["storageUri"] == "oci://" + facts["model"]
    assert judge(tmp_path, list(made.values()))[0] == "PASS"
    for patch in ({"model": {"modelFromat": {}}}, {"minReplica": 1}, {"containers": [{"name": "x"}]}):
        wrong = merge(made["InferenceService"], {"spec": {"predictor": patch}})
        assert judge(tmp_path, [made["ServiceAccount"], wrong])[0] == "FAIL", patch
    assert judge(tmp_path, [merge(made["ServingRuntime"], {"spec": {"containers": None}})])[0] == "FAIL"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "documents: there is none"),
        ("[1]", "document 0: it is no object"),
        ("{}", "document without a name: apiVersion: it is missing"),
        ("kind: ConfigMap\napiVersion: v1\nmetadata: {name: UPPER}\n", "ConfigMap UPPER: metadata.name"),
    ],
)
def test_files_from_elsewhere(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(text, "utf-8")
    report, verdict = tmp_path / "report", tmp_path / "verdict"
    arguments = [
        "--label=//x:y_test", "--profile=restricted", "--version=1.37", f"--file={tmp_path / 'other.yaml'}",
        f"--output_report={report}", f"--output_verdict={verdict}",
    ]  # fmt: skip
    assert check.main(arguments) == 0
    assert verdict.read_text("utf-8") == "FAIL\n"
    assert says in report.read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "flags", "says"),
    [
        ("a: [", (), "lepton: other.yaml in //x:y_test: it cannot be read: "),
        (
            "kind: x",
            ("--version=1.7",),
            "lepton: Kubernetes 1.7 in //x:y_test: its schemas are not at hand; they are of ",
        ),
    ],
)
def test_where_there_is_no_verdict(
    text: str, flags: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.yaml").write_text(text, "utf-8")
    arguments = [
        "--label=//x:y_test", "--profile=restricted", "--version=1.37", f"--file={tmp_path / 'other.yaml'}",
        f"--output_report={tmp_path / 'report'}", f"--output_verdict={tmp_path / 'verdict'}", *flags,
    ]  # fmt: skip
    assert check.main(arguments) == 1
    assert capsys.readouterr().err.startswith(says)
    assert not (tmp_path / "verdict").exists()


def test_the_command_itself_warns_of_nothing(tmp_path: Path) -> None:
    """What Kubernetes has a schema for also passes `kubernetes-validate --strict`, whose exit status ignores a WARN."""
    file = tmp_path / "x.json"
    file.write_text("\n---\n".join(json.dumps(d) for k, d in whole().items() if k != "ServiceMonitor"), "utf-8")
    program = "import sys, kubernetes_validate.__main__ as m; sys.exit(m.main())"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", program, "--strict", "--kubernetes-version=1.37", str(file)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("INFO") == len(whole()) - 1
    assert "WARN" not in result.stdout
