"""What a report says, that it says it the same each time, and that nothing in it is taken for markup."""

from __future__ import annotations

import html.parser
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest
from family import HOSTILE, SHA, digest_of, family, image, make, measurement, profile, write_logs
from test_build_times import RAN, action, event, written
from test_build_times import profile as profile_of_build

import lepton_rules
from lepton_rules.manifest import canonical_json, schema
from lepton_rules.plugin import LeptonError
from lepton_rules.profile.parity import parity
from lepton_rules.report import build, content, page, plots, run
from lepton_rules.report.build import Told
from lepton_rules.report.next_steps import next_steps
from lepton_rules.report.pareto import dominated

REPORT = Path(lepton_rules.__file__).parent / "report"


def valid(made: Any) -> Any:
    """The content, which must keep its schema and be JSON."""
    again = json.loads(canonical_json(made))
    assert list(schema.problems(again, json.loads((REPORT / "report.schema.json").read_text()))) == []
    return again


def flags_of(told: list[Told], folder: Path) -> list[str]:
    flags = ["--label=//models:all", f"--output_html={folder / 'out.html'}", f"--output_json={folder / 'out.json'}"]
    for one in told:
        flags += [f"--artifact={one.label}", *(f"--manifest={path}" for path in one.manifests)]
        flags += [f"--metrics={one.metrics}", f"--predictions={one.predictions}", f"--recipe={one.recipe}"]
    return flags


def test_same_inputs_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    flags = tmp_path / "flags"
    flags.write_text("\n".join(flags_of(family(tmp_path / "in"), tmp_path)))
    outputs = []
    for seed in ("0", "1"):
        command = [sys.executable, "-s", "-P", str(REPORT / "build.py"), f"@{flags}"]
        environment = {"PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ.get("PATH", "")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        outputs.append([(tmp_path / name).read_bytes() for name in ("out.html", "out.json")])
    assert outputs[0] == outputs[1]
    made = valid(json.loads(outputs[0][1]))
    assert not made["measured"] and made["environment"] is None
    assert str(tmp_path).encode() not in outputs[0][0] + outputs[0][1]


def test_a_family_against_its_first(tmp_path: Path) -> None:
    made = valid(build.make("//models:all", family(tmp_path), []))
    ratios = {(row["artifact"], row["what"]): row["ratio"] for row in made["comparison"]}
    assert ratios[("//models:int8", "bytes")] == pytest.approx(0.25)
    assert ratios[("//models:tiny", "accuracy")] == pytest.approx(0.95 / 0.99)
    # The other chip's artifact is no rival of these.
    front = {point["artifact"]: not point["dominated"] for point in made["pareto"]}
    assert front == {"//models:float": False, "//models:int8": True, "//models:tiny": True, "//models:other": True}
    tiny = made["artifacts"][2]
    assert [step["bytes"] for step in tiny["lineage"]] == [100_000, 10_000, 1_000]
    (parity_of,) = tiny["parity"]
    assert parity_of["worst_sample"] == 7 and parity_of["max_abs"] == pytest.approx(0.25, rel=1e-5)
    assert tiny["parity_against"] == "//models:float"
    assert made["artifacts"][0]["parity"] == []


def test_one_artifact_against_its_own_past(tmp_path: Path) -> None:
    made = valid(
        build.make("//models:int8.report", [make(tmp_path, "int8", 10_000, 0.99, ("onnx.onnx", "onnx.q"))], [])
    )
    ratios = {row["what"]: row["ratio"] for row in made["comparison"]}
    assert ratios == {"bytes": 0.1, "parameters": 1.0, "MACs": 0.5}
    assert {row["against"] for row in made["comparison"]} == {"after onnx.onnx"}
    assert made["pareto"] == []


def test_before_and_after_are_of_the_same_turns(tmp_path: Path) -> None:
    told = make(tmp_path, "int8", 10_000, 0.99, ("onnx.onnx", "onnx.optimize", "onnx.q"))
    made = build.make("//models:int8.report", [told], [])
    assert content.add_profile(made, profile(told))
    rows = {row["what"]: row for row in valid(content.finish(made))["comparison"]}
    # By itself it takes 1 ms; in turns with the first, 7 ms where that takes 9.
    assert (rows["median ms"]["before"], rows["median ms"]["after"]) == (9.0, 7.0)


def test_measured_things_are_merged_by_digest(tmp_path: Path) -> None:
    told = family(tmp_path)
    made = build.make("//models:all", told, [])
    logs = write_logs(
        tmp_path / "logs",
        measurement(told[1], "//models:int8_latency_test", {}),
        measurement(told[2], "//models:tiny_latency_test", {"verdict": "FAIL", "value": 2.0}),
        measurement(told[0], "//models:float_latency_test", {}, artifact={"label": "//models:float", "digest": SHA}),
        measurement(told[0], "//other:x_test", {}, artifact={"label": "//other:x", "digest": SHA}),
    )
    run.add_tests(made, logs)
    assert content.add_profile(made, profile(told[2]))
    assert not content.add_profile(made, profile(told[2]) | {"digest": SHA})
    made = valid(content.finish(made))
    assert made["measured"] and made["environment"]["cpu"] == "a CPU"
    int8, tiny = made["artifacts"][1:3]
    (kept,) = int8["budgets"]
    assert (kept["verdict"], kept["margin"], kept["interval"]) == ("PASS", pytest.approx(1 / 3), [3.8, 4.2])
    assert int8["latency"]["median_ms"] == pytest.approx(1.04, abs=0.05)  # two inferences in one member of a pair
    assert len(int8["latency"]["baseline_ms"]) == 60
    (broken,) = tiny["budgets"]
    assert broken["margin"] == pytest.approx(-1 / 3)
    assert broken["next"] == [
        {"why": f"61 % of the time is in {HOSTILE}; paste at the end of the recipe", "do": "onnx.quantize(),"}
    ]
    assert [step["latency_ms"] for step in tiny["lineage"]] == [9.0, 8.0, 7.0]
    # A test of another build is no verdict on this one, and a test of something else is nobody's business.
    assert made["artifacts"][0]["budgets"] == []
    told_so = [sentence for sentence in made["missing"] if "another build" in sentence]
    assert told_so == [
        "//models:float_latency_test measured another build of //models:float: bazel test //models:float_latency_test"
    ]
    assert "No test of //models:other has run yet: bazel test //models:all" in made["missing"]
    assert not any("//other" in sentence for sentence in made["missing"])


def test_test_logs_are_read_and_what_is_none_is_missing(tmp_path: Path) -> None:
    (told, *_) = family(tmp_path)
    newer = measurement(told, "//m:newer_test", {"surprise": 1}, more={"fields": True})
    logs = write_logs(tmp_path / "logs", newer, measurement(told, "//m:old_test", {}, schema_version=0))
    made = build.make("//m:all", [told], [])
    run.add_tests(made, logs)
    run.add_tests(made, logs)  # run again: it replaces
    assert made["missing"][0] == (
        "lepton: measurement m/old_test/test.outputs/measurement.json: its schema_version is 0, and 1 is read here. "
        "Run its test again, or leave it out."
    )
    (budget,) = valid(content.finish(made))["artifacts"][0]["budgets"]
    assert budget["test"] == "//m:newer_test"


def test_a_judged_test_of_nobody_is_an_error(tmp_path: Path) -> None:
    told = family(tmp_path)
    file = tmp_path / "measurement.json"
    file.write_text(json.dumps(measurement(told[2], "//models:tiny_size_test", {"name": "max_size_bytes"})))
    made = build.make("//models:all", told, [file])
    assert [budget["name"] for budget in made["artifacts"][2]["budgets"]] == ["max_size_bytes"]
    with pytest.raises(LeptonError, match="it is about //models:tiny, which is not in this report"):
        build.make("//models:all", told[:2], [file])


def test_an_image_is_shown_with_its_model(tmp_path: Path) -> None:
    told = family(tmp_path / "in")
    files = [image(told[1], tmp_path, digit) for digit in "12"]
    flags = [f"--{name}={path}" for pair in files for name, path in zip(("statement", "bill"), pair, strict=True)]
    assert build.main([*flags_of(told, tmp_path), *reversed(flags)]) == 0
    made = valid(json.loads((tmp_path / "out.json").read_text()))
    assert [len(entry["provenance"]["images"]) for entry in made["artifacts"]] == [0, 2, 0, 0]
    known = made["artifacts"][1]["provenance"]
    assert known["packages"] == [{"purl": "pkg:pypi/numpy@2", "used_by": ["onnx.onnx", "onnx.quantize"]}]
    assert known["parent"] == made["artifacts"][1]["lineage"][0]["digest"]
    one = next(one for one in known["images"] if one["digest"].endswith("1"))
    assert (one["label"], one["builder"], one["platform"]) == ("//models:int8_image", "urn:builder", "linux/amd64")
    uses = {material["name"]: material["use"] for material in one["materials"]}
    assert uses == {
        "model/model.onnx": "model",
        "layer 0": "image",
        "pkg:deb/debian/libc6@2.36-9?arch=amd64": "installed",
        "pkg:pypi/onnxruntime@1.32.0": "installed",
        "pkg:pypi/numpy@2": "build",
    }
    assert {part["name"]: part["scope"] for part in one["components"]} == {
        "libc6": "required",
        "onnxruntime": "required",
        "numpy": "excluded",
    }
    text = (tmp_path / "out.html").read_text()
    for words in ("Its statement: 5 materials", "2 components in the image, and 1 that the model was built with"):
        assert words in text
    assert "bazel build //models:int8_image --output_groups=provenance,sbom,checksums" in text
    assert text.count("are on this page when the report names it in `images`") == 3


def test_an_image_of_nobody_is_an_error(tmp_path: Path) -> None:
    told = family(tmp_path / "in")
    made = build.make("//models:all", told[:1], [])
    (said, bill) = image(told[1], tmp_path)
    with pytest.raises(LeptonError, match=r"images: //models:int8_image: the model in it is sha256:.* not in this"):
        build.add_images(made, [said], [bill])
    with pytest.raises(LeptonError, match="no bill of materials is of sha256:1111"):
        build.add_images(made, [said], [])
    for path in (said, bill):
        path.write_text('{"bomFormat": "x", "predicateType": "y"}')
        with pytest.raises(LeptonError, match="it is none"):
            build.add_images(made, [said], [bill])


class _Text(html.parser.HTMLParser):
    """Collects elements, attributes that run or fetch something, and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.active: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            fetches = name in ("src", "href", "xlink:href", "action", "data") and not str(value).startswith(
                ("#", "data:")
            )
            if name.startswith("on") or fetches:
                self.active.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        self.text += data


def full(folder: Path) -> dict[str, Any]:
    """A report with everything in it, and hostile words wherever a name may stand."""
    told = family(folder)
    for one in told:
        one.label = f"//models:{HOSTILE}{one.label.rpartition(':')[2]}"
    made = build.make(f"//models:{HOSTILE}", told, [])
    (said, bill) = image(told[1], folder)
    build.add_images(made, [said], [bill])
    for one in told[1:3]:
        assert content.add_profile(made, profile(one))
        for name, verdict in (("min_speedup", "FAIL"), ("max_p99_ms", "NOT PROVEN"), ("min_accuracy", "IMPLAUSIBLE")):
            budget = {"name": name, "verdict": verdict, "message": HOSTILE, "unit": HOSTILE}
            assert content.add_measurement(made, measurement(one, f"//m:{HOSTILE}{name}", budget))
    build_time = {"seconds": 12.5, "where": "a worker", "build": HOSTILE, "date": "2026-01-31T12:00:00Z"}
    content.add_build_times(made, {(told[1].label, 2): build_time, (told[2].label, 1): build_time})
    made["missing"].append(HOSTILE)
    return content.finish(made)


def test_nothing_is_taken_for_markup(tmp_path: Path) -> None:
    made = full(tmp_path)
    valid(made)
    text = page.html(made)
    read = _Text()
    read.feed(text)
    assert "script" not in read.tags and "alert" in read.text
    assert read.active == []
    assert HOSTILE in read.text
    assert "<script" not in text.lower()
    assert not any(word in text for word in ("#010101", "font-family: 'DejaVu"))
    assert text.count("<svg") == text.count("</svg>") > 8
    for word in (
        "Side by side",
        "Before and after",
        "Budgets",
        "Lineage",
        "Operators",
        "Sensitivity",
        "Advice",
        "Numeric parity",
        "Provenance",
        "Reproduce",
        "Environment",
        "Missing",
    ):
        assert f">{word}<" in text, word


def test_plots_are_the_same_each_time_and_differ_by_name() -> None:
    once, again = (plots.histogram([1.0, 2.0, 3.0], [2.0], "a") for _ in range(2))
    assert once == again
    assert "<?xml" not in once and "<metadata" not in once and "width=" not in once.partition(">")[0]
    assert plots.run_order([1.0, 1.0], [], '<&">').startswith(
        '<svg role="img" aria-label="latencies of &lt;&amp;&quot;&gt;'
    )


def test_plots_at_their_ends() -> None:
    assert "<svg" in plots.histogram([0.5], [], "one")
    assert "<svg" in plots.histogram([0.5] * 5, [0.5] * 5, "equal")
    assert "<svg" in plots.bars(["a"], [0.0], "x", "nothing")
    assert plots.short("//a/b:c") == "c" and len(plots.short("x" * 99)) <= 36


def test_parity_at_its_ends() -> None:
    one = numpy.ones((3, 2), numpy.float32)
    (same,) = parity({"y": one}, {"y": one})
    assert (same["max_abs"], same["sqnr_db"], same["worst_sample"]) == (0.0, 200.0, 0)
    changed = one.copy()
    changed[2, 1] = 3
    (apart,) = parity({"y": one}, {"y": changed})
    assert (apart["max_abs"], apart["worst_sample"], apart["got"]) == (2.0, 2, [1.0, 3.0])
    assert apart["sqnr_db"] == pytest.approx(10 * numpy.log10(6 / 4), abs=0.01)
    changed[1, 0] = numpy.nan
    (broken,) = parity({"y": one}, {"y": changed})
    assert (broken["max_abs"], broken["worst_sample"], broken["got"]) == (None, 1, [None, 1.0])
    assert parity({"y": one}, {"y": one[:, :1]}) == [] and parity({"y": one}, {"z": one}) == []
    assert parity({"y": one.astype(numpy.int64)}, {"y": one.astype(numpy.int64)}) == []


def test_who_is_dominated() -> None:
    points = {"a": (1.0, 5.0), "b": (2.0, 6.0), "c": (2.0, 4.0), "d": (1.0, 5.0)}
    assert dominated(points) == {"b"}
    assert dominated({"a": (1.0, None), "b": (2.0, 1.0)}) == {"b"}
    assert dominated({"a": (None, 1.0), "b": (2.0, None)}) == set()


@pytest.mark.parametrize(
    ("kind", "verdict", "words"),
    [
        ("latency", "PASS", None),
        ("latency", "FAIL", "bazel run //m:x.profile"),
        ("throughput", "FAIL", "bazel run //m:x.profile"),
        ("latency", "NOT PROVEN", "bazel test --nocache_test_results //m:t"),
        ("latency", "UNSTABLE", "bazel test --nocache_test_results //m:t"),
        ("latency", "IMPLAUSIBLE", "bazel run //m:x.report"),
        ("size", "FAIL", "onnx.quantize(),"),
        ("memory", "FAIL", "bazel run //m:x.profile"),
        ("cold_start", "FAIL", "onnx.optimize(),"),
        ("reproducibility", "FAIL", "bazel run //m:x.reproduce"),
        ("accuracy", "FAIL", "bazel run //m:x.profile"),
        ("parity", "FAIL", "bazel run //m:x.profile"),
        ("a new one", "FAIL", "bazel test --test_output=all //m:t"),
        ("accuracy", "A NEW ONE", "bazel test --test_output=all //m:t"),
    ],
)
def test_what_to_do_next(kind: str, verdict: str, words: str | None) -> None:
    artifact = {"label": "//m:x", "lineage": [{"pass": "onnx.onnx"}], "parameters": 1000, "profile": None}
    steps = next_steps({"name": "max_x", "kind": kind, "verdict": verdict}, "//m:t", artifact)
    assert [step["do"] for step in steps][:1] == ([] if words is None else [words])
    assert all(step["why"] and not step["why"].endswith(".") for step in steps)


def test_every_kind_of_test_has_something_to_do_next() -> None:
    kinds = json.loads((REPORT.parent / "measure" / "measurement.schema.json").read_text())["properties"]["kind"][
        "enum"
    ]
    artifact = {"label": "//m:x", "lineage": [], "parameters": 1000, "profile": None}
    for kind in kinds:
        (first, *_) = next_steps({"name": "max_x", "kind": kind, "verdict": "FAIL"}, "//m:t", artifact)
        assert first["do"] != "bazel test --test_output=all //m:t", kind


QUANTIZED = {"pass": "onnx.quantize", "config": {"exclude": ["z"], "max_samples": 512}}
TORCH = {"pass": "torch.pytorch", "config": {}}
WORST = [{"name": "a", "sqnr_db": 11.0}, {"name": "b", "sqnr_db": 50.0}, {"name": "c", "sqnr_db": None}]


def advised(
    kind: str, lineage: list[dict[str, Any]], layers: list[dict[str, Any]] | None = None
) -> list[dict[str, str]]:
    """What to do about a failed test of this kind."""
    profile = None if layers is None else {"layers": layers, "advice": []}
    artifact = {"label": "//m:x", "lineage": lineage, "parameters": 1000, "profile": profile}
    return next_steps({"name": "max_x", "kind": kind, "verdict": "FAIL"}, "//m:t", artifact)


def test_accuracy_that_failed_names_the_worst_layers() -> None:
    (step,) = advised("accuracy", [QUANTIZED], WORST)
    assert step["do"] == 'onnx.quantize(exclude = ["z", "a"]),'
    assert step["why"] == "1 layer is below 30 dB alone; the worst has 11 dB; paste in the artifact's overrides"
    (step,) = advised("accuracy", [TORCH], WORST)
    assert step["do"] == "bazel run //m:x.summary"  # nothing quantizes: layers are no way out


def test_each_line_is_pasted_in_pasted_bzl() -> None:
    """Bazel takes each of them where it says: see tests/profile/pasted.bzl."""
    pasted = (REPORT.parents[1] / "tests" / "profile" / "pasted.bzl").read_text("utf-8")
    pasted = "\n".join(line.strip() for line in pasted.splitlines())
    steps = [
        *advised("size", [TORCH]),
        *advised("size", [QUANTIZED]),
        *advised("cold_start", [TORCH]),
        *advised("accuracy", [TORCH, QUANTIZED], WORST),
        *advised("accuracy", [TORCH, QUANTIZED], WORST[1:]),
    ]
    pastes = [step for step in steps if not step["do"].startswith("bazel ")]
    assert len(pastes) == 11
    for step in pastes:
        place = step["why"].rpartition("; paste ")[2]
        assert f"# From next_steps, {place}:\n{step['do']}\n" in pasted, step


def test_run_writes_where_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path))
    told = family(tmp_path / "in")
    assert build.main(flags_of(told, tmp_path)) == 0
    write_logs(tmp_path / "logs", measurement(told[1], "//models:int8_latency_test", {}))
    working = tmp_path / "working.sh"
    (tmp_path / "profile.json").write_text(json.dumps(profile(told[1])))
    working.write_text(f"#!/bin/sh\ncp {tmp_path}/profile.json ${{1#--json=}}\n")
    failing = tmp_path / "failing.sh"
    failing.write_text(
        "#!/bin/sh\necho noise\necho 'lepton: hardware tpu in //models:tiny.profile: none here. Go.'\nexit 1\n"
    )
    for program in (working, failing):
        program.chmod(0o755)
    flags = ["--label=//models:all", "--name=all", f"--content={tmp_path / 'out.json'}", f"--runfiles={tmp_path}"]
    flags += [f"--profile=//models:int8={working}", f"--profile=//models:tiny={failing}", "--output=here"]
    assert run.main([*flags, "--testlogs=logs"]) == 0
    said = capsys.readouterr().out
    assert f"report: {tmp_path}/here/all.html" in said
    assert (
        "missing: //models:tiny was not profiled: lepton: hardware tpu in //models:tiny.profile: none here. Go." in said
    )
    made = valid(json.loads((tmp_path / "here" / "all.json").read_text()))
    assert made["artifacts"][1]["profile"] is not None and made["artifacts"][1]["budgets"]
    assert (tmp_path / "here" / "all.html").read_text() == page.html(made)
    assert run.main([*flags, "--testlogs=nowhere"]) == 1
    assert "lepton: --testlogs in //models:all: nowhere is no directory." in capsys.readouterr().out


def test_how_long_passes_ran_is_merged(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path))
    told = family(tmp_path / "in")[1]
    made = build.make("//models:int8.report", [told], [])
    assert [step["model"] for step in made["artifacts"][0]["lineage"]] == [1, 2]
    base = tmp_path / "base"
    root = base / "execroot" / "_main"
    runfiles = root / "bazel-out" / "k8" / "bin" / "models" / "x.runfiles"
    manifests = [f"bazel-out/k8/bin/models/int8/{number}/manifest.json" for number in (1, 2)]
    flags = [
        json.dumps([told.label, number, name, told.label, manifest])
        for number, name, manifest in zip((1, 2), ("onnx.onnx", "onnx.quantize"), manifests, strict=True)
    ]
    written(root, 29.0, manifests[1])
    quantized = (action("Lepton onnx.quantize //models:int8", 10, 20), RAN[2])
    imported = (action("Lepton onnx.onnx //models:int8", 1, 5), event("subprocess.run", "general information", 2, 3.25))
    profile_of_build(base, *quantized)
    named = profile_of_build(tmp_path, *imported, name="of_ci.gz")
    run.add_build_times(made, flags, [named.name], runfiles)
    first, second = valid(content.finish(made))["artifacts"][0]["lineage"]
    assert (first["build"]["seconds"], first["build"]["where"]) == (3.25, "a process")
    assert (second["build"]["seconds"], second["build"]["build"]) == (12.5, "id-command.profile.gz")
    assert made["measured"] and made["missing"] == []
    text = page.html(made)
    assert '<td data-h="time to make" class="n">12.5 s</td>' in text
    assert "measured once in the builds id-" in text
    again = build.make("//models:int8.report", [told], [])
    run.add_build_times(again, flags, [], runfiles)
    assert again["missing"] == [
        "How long onnx.onnx of //models:int8 ran is not known, for no build is here in which they did: "
        "bazel build //models:int8 --profile=FILE when they do, then bazel run //models:int8.report -- "
        "--build_profile=FILE"
    ]
    assert "not in that build" in page.html(again)
    (tmp_path / "torn.gz").write_bytes(named.read_bytes()[:-20])
    with pytest.raises(LeptonError, match="it is no whole profile"):
        run.add_build_times(again, flags, ["torn.gz"], runfiles)
    (base / "command.profile.gz").write_bytes(named.read_bytes()[:-20])  # the build that is going on
    run.add_build_times(build.make("//models:int8.report", [told], []), flags, [], runfiles)


def test_test_logs_are_found_beside_the_runfiles(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("BUILD_WORKSPACE_DIRECTORY", raising=False)
    runfiles = tmp_path / "bazel-out" / "k8-opt" / "bin" / "m" / "x.sh.runfiles"
    assert run.testlogs("", runfiles) is None
    logs = tmp_path / "bazel-out" / "k8-opt" / "testlogs"
    logs.mkdir(parents=True)
    assert run.testlogs("", runfiles) == logs
    (tmp_path / "bazel-testlogs").mkdir()
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(tmp_path))
    assert run.testlogs("", runfiles) == tmp_path / "bazel-testlogs"


def test_a_wrong_manifest_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = family(tmp_path / "in")
    told[0].manifests[0].write_text("{")
    assert build.main(flags_of(told, tmp_path)) == 1
    assert capsys.readouterr().err.startswith("lepton: manifest manifest.json in //models:all: ")
    assert digest_of(told[1]).startswith("sha256:")
