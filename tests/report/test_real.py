"""The built report of a real artifact with its image: what it is made of, readable at any width."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser

HERE = Path(__file__).parent


def test_it_says_what_it_is_made_of() -> None:
    made = json.loads((HERE / "resnet.json").read_text("utf-8"))
    assert not made["measured"]
    (entry,) = made["artifacts"]
    known = entry["provenance"]
    assert [file["name"] for file in known["files"]] == ["model.onnx"]
    assert any(package["purl"].startswith("pkg:pypi/torch@") for package in known["packages"])
    (image,) = known["images"]
    assert image["builder"] == "urn:lepton-rules:builder:bazel"
    assert {f"model/{file['name']}": file["digest"] for file in known["files"]}.items() <= {
        material["name"]: material["digest"] for material in image["materials"]
    }.items()
    installed = {part["name"] for part in image["components"] if part["scope"] == "required"}
    assert {"libc6", "numpy", "onnxruntime"} <= installed
    assert [step["pass"] for step in entry["lineage"]][-1] == "onnx.quantize"
    assert all(step["digest"] and step["bytes"] and step["build"] is None for step in entry["lineage"])


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian's package chromium)")
@pytest.mark.parametrize("width", [400, 1600])
def test_it_reads_well(tmp_path: Path, width: int) -> None:
    browser = Browser(tmp_path)
    try:
        browser.media()
        browser.open(HERE / "resnet.html", width)
        browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.run("document.documentElement.scrollWidth") <= width
        picture = browser.screenshot()
        assert browser.complaints == []
        assert browser.requests == [(HERE / "resnet.html").absolute().as_uri()]
    finally:
        browser.close()
    if folder := os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR"):
        Path(folder, f"resnet_{width}.png").write_bytes(picture)
