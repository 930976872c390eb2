"""The user's Bazel, with the options that reach the same server."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from lepton_rules.plugin.errors import LeptonError
from lepton_rules.tune.bazel import Bazel, of_user, read_events, startup_options

CMDLINE = [
    "bazel(vision)",
    "-Xmx1000m",
    "com.google.devtools.build.lib.bazel.Bazel",
    "--max_idle_secs=99",
    "--connect_timeout_secs=30",
    "--output_user_root=/fast/root",
    "--install_base=/usr/share/bazel",
    "--output_base=/fast/base_1",
    "--noshutdown_on_low_sys_mem",
    "--host_jvm_args=-Xmx1000m",
    "--host_jvm_args=-Xss2m",
    "--unlimit_coredumps",
    "--product_name=Bazel",
    "--option_sources=host_Ujvm_Uargs::install_Ubase::max_Uidle_Usecs:/home/_Ux/_C.bazelrc:output_Ubase::"
    "shutdown_Uon_Ulow_Usys_Umem::unlimit_Ucoredumps:/etc/bazel.bazelrc:workspace_Urc:",
]


def test_what_was_typed_is_given_again_and_what_an_rc_file_says_is_not(tmp_path: Path) -> None:
    file = tmp_path / "cmdline"
    file.write_bytes("\0".join(CMDLINE).encode() + b"\0")
    assert startup_options(file, {"--host_jvm_args=-Xmx1000m"}) == [
        "--noworkspace_rc",
        "--output_base=/fast/base_1",
        "--noshutdown_on_low_sys_mem",
        "--host_jvm_args=-Xss2m",
    ]


def test_without_a_record_nothing_is_added(tmp_path: Path) -> None:
    assert startup_options(tmp_path / "none") == []


def events(*items: dict[str, Any]) -> str:
    return "".join(json.dumps(item) + "\n" for item in items)


def test_events_tell_outputs_errors_and_cost(tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    text = "ERROR: x: lepton: pass onnx.quantize in @@t//:net/1: it is wrong. Mend it.\nmore\n"
    file.write_text(
        events(
            {"id": {"progress": {}}, "progress": {"stderr": text}},
            {"id": {"progress": {}}, "progress": {"stderr": text}},
            {
                "id": {"namedSet": {"id": "0"}},
                "namedSetOfFiles": {"files": [{"name": "a", "pathPrefix": ["out", "bin"]}]},
            },
            {"id": {"namedSet": {"id": "1"}}, "namedSetOfFiles": {"files": [{"name": "b"}], "fileSets": [{"id": "0"}]}},
            {
                "id": {"targetCompleted": {"label": "@@t//:good"}},
                "completed": {"success": True, "outputGroup": [{"name": "default", "fileSets": [{"id": "1"}]}]},
            },
            {"id": {"targetCompleted": {"label": "@@t//:bad"}}, "completed": {"outputGroup": []}},
            {"id": {"targetCompleted": {"label": "@@t//:worse"}}, "aborted": {"reason": "ANALYSIS_FAILURE"}},
            {
                "id": {"buildMetrics": {}},
                "buildMetrics": {
                    "actionSummary": {
                        "runnerCount": [
                            {"name": "total", "count": 9},
                            {"name": "internal", "count": 4},
                            {"name": "worker", "count": 3},
                            {"name": "disk cache hit", "count": 2},
                        ]
                    }
                },
            },
        )
    )
    built = read_events(file, Path("/base"))
    assert built.files == {"@@t//:good": [Path("/base/b"), Path("/base/out/bin/a")]}
    assert built.errors == ["lepton: pass onnx.quantize in @@t//:net/1: it is wrong. Mend it."]
    assert (built.actions, built.cached) == (3, 2)


def program(folder: Path, text: str) -> str:
    file = folder / "bazel"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def test_a_build_is_one_command_with_the_users_options(tmp_path: Path) -> None:
    (tmp_path / "base" / "execroot" / "_main").mkdir(parents=True)
    fake = program(tmp_path, f'printf "%s\\n" "$@" >{tmp_path}/args\nenv >{tmp_path}/env\n: >{tmp_path}/events.json')
    bazel = Bazel(
        program=fake,
        workspace=tmp_path,
        output_base=tmp_path / "base",
        startup=["--output_base=x"],
        options=["--config=ci"],
    )
    bazel.build(["@@t//:a", "@@t//:b"], ["--override_repository=t=/batch"], tmp_path / "events.json")
    arguments = (tmp_path / "args").read_text().splitlines()
    assert arguments[:4] == ["--output_base=x", "build", "--config=ci", "--override_repository=t=/batch"]
    assert arguments[-3:] == ["--", "@@t//:a", "@@t//:b"]
    assert "--keep_going" in arguments


def test_a_build_that_cannot_begin_says_why(tmp_path: Path) -> None:
    (tmp_path / "base" / "execroot" / "_main").mkdir(parents=True)
    fake = program(tmp_path, "echo 'ERROR: lepton: module x: it is gone. Fetch it.'; exit 37")
    bazel = Bazel(program=fake, workspace=tmp_path, output_base=tmp_path / "base")
    with pytest.raises(LeptonError, match=r"ended with status 37 \(lepton: module x: it is gone\. Fetch it\.\)"):
        bazel.build(["//:a"], [], tmp_path / "events.json")


def test_arguments_of_the_jvm_are_given_again_where_nothing_else_gives_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of a script around Bazel, nor of rc files: they would be there twice, which is another server."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    binary = tmp_path / "base" / "execroot" / "_main" / "x.tune.sh"
    binary.parent.mkdir(parents=True)
    (tmp_path / "base" / "server").mkdir()
    of = {"script": "-Da=1", "quoted": "-De=/a b", "rc": "-Db=2", "imported": "-Dc=3", "typed": "-Dd=4"}
    arguments = [f"--host_jvm_args={value}" for value in of.values()]
    (tmp_path / "base" / "server" / "cmdline").write_text("\0".join([*arguments, "--option_sources=host_Ujvm_Uargs:"]))
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / ".bazelrc").write_text(
        f"# startup --host_jvm_args={of['typed']}\nstartup --max_idle_secs=9 '--host_jvm_args={of['rc']}'\n"
        "build --it's\nimport %workspace%/more\ntry-import none\n"
    )
    (workspace / "more").write_text(f"startup \\\n --host_jvm_args={of['imported']}\nimport %workspace%/.bazelrc\n")
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(workspace))
    monkeypatch.setenv(
        "BAZEL", program(tmp_path, f"exec true --host_jvm_args={of['script']} '--host_jvm_args={of['quoted']}' \"$@\"")
    )
    assert of_user(binary).startup == [f"--host_jvm_args={of['typed']}"]


def test_the_bazel_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "base" / "execroot" / "_main" / "bin" / "x.tune.sh"
    binary.parent.mkdir(parents=True)
    binary.touch()
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("LEPTON_BAZEL", raising=False)
    monkeypatch.setenv("BAZEL", program(tmp_path, ""))
    found = of_user(binary)
    assert found.program == os.environ["BAZEL"]
    assert found.output_base == tmp_path / "base"
    monkeypatch.setenv("BAZEL", str(tmp_path / "gone"))
    with pytest.raises(LeptonError, match="there is no program"):
        of_user(binary)
    monkeypatch.delenv("BAZEL")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(LeptonError, match="no Bazel is on PATH"):
        of_user(binary)
    with pytest.raises(LeptonError, match="in no output base"):
        of_user(Path("/elsewhere"))
    monkeypatch.delenv("BUILD_WORKSPACE_DIRECTORY")
    with pytest.raises(LeptonError, match="Start it with `bazel run`"):
        of_user(binary)
