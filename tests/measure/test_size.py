"""The size test, and what all test programs share."""

import gzip
import json
from pathlib import Path

import pytest
from programs import Done, run_program

from models import make_model

LABELS = ("--label=//x:y_size_test", "--artifact_label=//x:y")


@pytest.fixture
def manifests(tmp_path: Path) -> tuple[Path, Path]:
    """Manifests of a model of about 1 kB and of its baseline of about 4 kB."""
    return (
        make_model(tmp_path / "small", padding=1000)[1],
        make_model(tmp_path / "large", padding=4000)[1],
    )


def _size(tmp_path: Path, manifests: tuple[Path, Path], *budgets: str) -> Done:
    return run_program(
        tmp_path,
        "size_test",
        *LABELS,
        f"--manifest={manifests[0]}",
        "--baseline_label=//x:b",
        f"--baseline_manifest={manifests[1]}",
        *[f"--budget={budget}" for budget in budgets],
    )


def test_kept_budgets_pass(tmp_path: Path, manifests: tuple[Path, Path]) -> None:
    done = _size(tmp_path, manifests, "max_size_ratio=0.27", "max_size_bytes=2000")
    assert done.status == 0
    assert done.output.splitlines()[0] == LABELS[0].removeprefix("--label=")
    assert done.cases == {"max_size_ratio": "system-out", "max_size_bytes": "system-out"}
    assert done.verdicts == {"max_size_ratio": "PASS", "max_size_bytes": "PASS"}
    assert done.measurement["samples"]["bytes"] == json.loads(manifests[0].read_text())["bytes"]
    assert done.measurement["environment"] is None


def test_a_broken_budget_fails_and_the_first_line_says_so(tmp_path: Path, manifests: tuple[Path, Path]) -> None:
    done = _size(tmp_path, manifests, "max_size_bytes=2000", "max_size_ratio=0.2")
    assert done.status == 1
    first = done.output.splitlines()[0]
    assert first.startswith("lepton: size test in //x:y_size_test: max_size_ratio is FAIL: 0.25")
    assert first.endswith("Compress the model further, or raise the budget.")
    assert done.cases == {"max_size_bytes": "system-out", "max_size_ratio": "failure"}
    assert done.xml is not None
    assert (done.xml[0].attrib["failures"], done.xml[0].attrib["tests"]) == ("1", "2")
    failure = done.xml.find(".//failure")
    assert failure is not None
    assert failure.attrib["type"] == "FAIL"
    assert failure.text is not None
    for part in ("verdict: FAIL", "limit: 0.2 of the baseline", "value: 0.25", "margin: -2"):
        assert part in failure.text


def test_the_limit_itself_is_kept_to_the_byte(tmp_path: Path, manifests: tuple[Path, Path]) -> None:
    size = json.loads(manifests[0].read_text())["bytes"]
    assert _size(tmp_path, manifests, f"max_size_bytes={size}").status == 0
    assert _size(tmp_path, manifests, f"max_size_bytes={size - 1}").status == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--budget=max_size_ratio=0.5"], "budget max_size_ratio in //x:y_size_test: it compares with a baseline"),
        (["--budget=max_size_ratio=NaN"], "budget max_size_ratio in //x:y_size_test: its limit 'NaN' is not"),
        ([], "budgets in //x:y_size_test: the test declares none"),
        (["--budget=max_size_bytes=1", "--unknown=1"], "size test in //x:y_size_test: its command line is wrong"),
        (["--budget=max_size_bytes=1", "--baseline_manifest=absent"], "manifest absent in //x:y_size_test: it cannot"),
    ],
)
def test_what_keeps_it_from_judging_is_an_error(
    tmp_path: Path, manifests: tuple[Path, Path], flags: list[str], message: str
) -> None:
    done = run_program(tmp_path, "size_test", *LABELS, f"--manifest={manifests[0]}", *flags)
    assert done.status == 1
    assert done.output.startswith(f"lepton: {message}")
    assert "Traceback" not in done.output
    assert set(done.cases.values()) == {"error"}
    assert done.measurement is None


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "manifest.json"
    broken.write_text('{"bytes": 12}')
    done = run_program(tmp_path, "size_test", *LABELS, f"--manifest={broken}", "--budget=max_size_bytes=100")
    assert done.status == 1
    assert done.output.startswith("lepton: manifest manifest.json in //x:y_size_test: ")


def test_as_an_action_it_writes_the_same_bytes_twice_and_succeeds(tmp_path: Path, manifests: tuple[Path, Path]) -> None:
    files = ("measurement", "report", "verdict", "xml")

    def judge(into: Path) -> dict[str, bytes]:
        done = run_program(
            tmp_path,
            "verdict_action",
            "size",
            *LABELS,
            f"--manifest={manifests[0]}",
            "--budget=max_size_bytes=10",
            *[f"--output_{file}={into / file}" for file in files],
        )
        assert (done.status, done.output, done.measurement, done.xml) == (0, "", None, None)
        return {file: (into / file).read_bytes() for file in files}

    first = judge(tmp_path / "one")
    assert first == judge(tmp_path / "two")
    assert first["verdict"] == b"FAIL\n"
    assert first["report"].startswith(b"lepton: size test in //x:y_size_test: max_size_bytes is FAIL")
    assert sorted(entry.name for entry in (tmp_path / "one").iterdir()) == list(files)


def test_an_action_without_a_verdict_fails_and_leaves_nothing(tmp_path: Path, manifests: tuple[Path, Path]) -> None:
    done = run_program(
        tmp_path,
        "verdict_action",
        "size",
        *LABELS,
        f"--manifest={manifests[0]}",
        "--budget=max_size_ratio=0.5",
        *[f"--output_{file}={tmp_path / 'out' / file}" for file in ("measurement", "report", "verdict", "xml")],
    )
    assert done.status == 1
    assert done.output.startswith("lepton: budget max_size_ratio")
    assert not (tmp_path / "out").exists()


def test_it_needs_no_numerical_library(tmp_path: Path, manifests: tuple[Path, Path]) -> None:
    """Also not by way of what it imports: size tests run where only the standard library and pluggy are."""
    for blocked in ("numpy", "torch", "onnx", "onnxruntime"):
        (tmp_path / f"{blocked}.py").write_text("raise ImportError('blocked')")
    done = run_program(tmp_path, "size_test", *LABELS, f"--manifest={manifests[0]}", "--budget=max_size_bytes=9999")
    assert done.status == 0


def test_compressed_bytes_are_what_gzip_makes_of_them(tmp_path: Path) -> None:
    model, manifest = make_model(tmp_path / "model", padding=100_000)
    other, other_manifest = make_model(tmp_path / "other", padding=10)
    for name, directory in (("mine", model), ("theirs", other)):
        done = run_program(tmp_path, "compressed_size", f"--model={directory}", f"--output={tmp_path / name}.json")
        assert done.status == 0, done.output
    found = json.loads((tmp_path / "mine.json").read_text())
    # Zeros are nearly nothing, and the file of JSON beside them does not shrink.
    expected = sum(len(gzip.compress(path.read_bytes(), 6)) for path in model.iterdir())
    assert found == {"bytes": expected, "method": "gzip -6"}
    done = run_program(
        tmp_path,
        "size_test",
        *LABELS,
        f"--manifest={manifest}",
        f"--baseline_manifest={other_manifest}",
        f"--compressed={tmp_path / 'mine.json'}",
        f"--baseline_compressed={tmp_path / 'theirs.json'}",
        "--budget=max_compressed_size_bytes=1000",
        "--budget=max_compressed_size_ratio=1",
    )
    assert done.verdicts == {"max_compressed_size_bytes": "PASS", "max_compressed_size_ratio": "FAIL"}
    assert done.measurement["samples"]["compressed_bytes"] == expected


def test_an_image_is_its_layers_and_what_tells_of_them(tmp_path: Path, manifests: tuple[Path, Path]) -> None:
    image = tmp_path / "image.json"
    image.write_text(json.dumps({"config": {"size": 300}, "layers": [{"size": 5000}, {"size": 70}]}))
    total = 5370 + image.stat().st_size
    flags = (*LABELS, f"--manifest={manifests[0]}", f"--image={image}")
    done = run_program(tmp_path, "size_test", *flags, f"--budget=max_image_size_bytes={total}")
    assert done.verdicts == {"max_image_size_bytes": "PASS"}
    done = run_program(tmp_path, "size_test", *flags, f"--budget=max_image_size_bytes={total - 1}")
    assert done.verdicts == {"max_image_size_bytes": "FAIL"}
    image.write_text(json.dumps({"manifests": []}))
    done = run_program(tmp_path, "size_test", *flags, "--budget=max_image_size_bytes=1")
    assert done.output.startswith("lepton: image in //x:y_size_test: image.json is no manifest of an OCI image")
