"""The verdict on actions that ran again, and the release that is named by its digest."""

import json
from pathlib import Path
from typing import Any

from programs import Done, run_program

from lepton_rules import manifest
from models import make_model


def _judged(tmp_path: Path, first: Path, again: Path, *more: str) -> Done:
    return run_program(
        tmp_path,
        "reproducibility_test",
        "--label=//x:y_reproducibility_test",
        "--artifact_label=//x:y",
        f"--manifest={first}",
        "--step=fake.quantize",
        f"--first={first}",
        f"--again={again}",
        "--budget=max_differing_files=0",
        *more,
    )


def test_the_same_bytes_pass(tmp_path: Path) -> None:
    done = _judged(tmp_path, make_model(tmp_path / "one")[1], make_model(tmp_path / "two")[1])
    assert done.status == 0, done.output
    assert done.measurement["samples"] == {"differing": [], "files": 2, "steps": ["fake.quantize"]}


def test_what_differs_is_named(tmp_path: Path) -> None:
    one, two = make_model(tmp_path / "one")[1], make_model(tmp_path / "two", padding=5)[1]
    for name in ("p", "q"):
        (tmp_path / name).write_text(name)
    done = _judged(tmp_path, one, two, f"--predictions={tmp_path / 'p'}", f"--predictions={tmp_path / 'q'}")
    assert done.verdicts == {"max_differing_files": "FAIL"}
    assert done.measurement["budgets"][0]["value"] == 2
    assert "what differs is padding of fake.quantize, the predictions" in done.output
    assert "Seed every generator" in done.output.splitlines()[0]


def test_facts_that_differ_alone_count(tmp_path: Path) -> None:
    one, two = make_model(tmp_path / "one", macs=1)[1], make_model(tmp_path / "two", macs=2)[1]
    done = _judged(tmp_path, one, two)
    assert "what differs is manifest.json of fake.quantize" in done.output


def _release(tmp_path: Path, path: Path, model: Path, **changes: Any) -> Done:
    content = manifest.read(path)
    flags = {
        "label": "//x:release",
        "digest": content["digest"],
        "format": "fake",
        "target": "here",
        "manifest": path,
        "directory": model,
        "output_model": tmp_path / "out" / "model",
        "output_manifest": tmp_path / "out" / "manifest.json",
        "output_weights_digest": tmp_path / "out" / "weights.sha256",
    } | changes
    return run_program(tmp_path, "release_action", *[f"--{key}={value}" for key, value in flags.items() if value])


def test_a_release_is_taken_as_it_is(tmp_path: Path) -> None:
    model, path = make_model(tmp_path / "model", padding=9)
    done = _release(tmp_path, path, model)
    assert done.status == 0, done.output
    assert (tmp_path / "out" / "manifest.json").read_bytes() == path.read_bytes()
    assert (tmp_path / "out" / "model" / "padding").read_bytes() == bytes(9)
    assert (tmp_path / "out" / "weights.sha256").read_text().strip() in json.dumps(manifest.read(path))


def test_what_is_not_the_release_is_refused(tmp_path: Path) -> None:
    model, path = make_model(tmp_path / "model", padding=9)
    other = "sha256:" + "0" * 64
    done = _release(tmp_path, path, model, digest=other)
    assert done.output.startswith("lepton: release in //x:release: the manifest is of sha256:")
    assert f"and digest names {other}" in done.output
    done = _release(tmp_path, path, model, target="elsewhere")
    assert "its manifest says here, and hardware says elsewhere. Correct hardware." in done.output
    (model / "padding").write_bytes(bytes(8))
    done = _release(tmp_path, path, model, output_model=tmp_path / "again" / "model")
    assert "padding differs, by its manifest. Take model and manifest from one build." in done.output
    (model / "padding").unlink()
    done = _release(tmp_path, path, model, output_model=tmp_path / "third" / "model")
    assert "padding is missing, by its manifest" in done.output
