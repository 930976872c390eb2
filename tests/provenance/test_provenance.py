"""The bill of materials keeps its schema, the lists hold for sha256sum, and nothing changes from build to build."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import image
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from lepton_rules.provenance import main
from lepton_rules.provenance.facts import Package

HERE = Path(__file__).parent
INPUTS = ("model.json", "image.json", "image.digest", "metrics.json", "deb.json", "pypi.json")


def arguments(folder: Path, **changes: str) -> list[str]:
    """The command line of the action, with its files in `folder`."""
    given = {
        "label": "//models:resnet_image",
        "name": "resnet",
        "platform": "linux/arm64/v8",
        "parameters": "{}",
        "builder": "urn:test",
        "digest": str(folder / "image.digest"),
        "image_manifest": str(folder / "image.json"),
        "model_manifest": str(folder / "model.json"),
        "metrics": str(folder / "metrics.json"),
        "output_statement": str(folder / "x.intoto.json"),
        "output_bill": str(folder / "x.cdx.json"),
        "output_checksums": str(folder / "x.sha256"),
        "output_model_checksums": str(folder / "x.model.sha256"),
        **changes,
    }
    packages = [f"--packages={kind}={folder / kind}.json" for kind in ("deb", "pypi")]
    return [*(f"--{key}={value}" for key, value in given.items() if value), *packages]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    image.write([tmp_path / name for name in INPUTS])
    return tmp_path


def bill(path: Path) -> dict[str, Any]:
    text = path.read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    content = json.loads(text)
    assert isinstance(content, dict)
    return content


def test_bill_of_materials_of_the_rule() -> None:
    content = bill(HERE / "fake.cdx.json")
    components = {component["bom-ref"]: component for component in content["components"]}
    assert sorted(components) == [
        "model",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=arm64",
        "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=arm64",
        "pkg:pypi/numpy@2.4.6",
        "pkg:pypi/onnx@1.23.0",
        "pkg:pypi/onnxruntime@1.32.0",
        "pkg:pypi/typing-extensions@4.16.0",
    ]
    # onnx made the model and is not in the image; numpy did both.
    assert components["pkg:pypi/onnx@1.23.0"]["scope"] == "excluded"
    assert components["pkg:pypi/onnx@1.23.0"]["properties"][0]["value"] == "onnx.onnx,onnx.quantize"
    assert components["pkg:pypi/numpy@2.4.6"]["scope"] == "required"
    digest = (HERE / "image.digest").read_text("utf-8").strip() if (HERE / "image.digest").exists() else None
    assert digest in (None, content["metadata"]["component"]["version"])


def test_model_card() -> None:
    model = bill(HERE / "fake.cdx.json")["components"][0]
    assert model["type"] == "machine-learning-model"
    assert model["version"] == image.model_manifest()["digest"]
    assert model["modelCard"] == {
        "modelParameters": {
            "inputs": [{"format": "image: float32[batch, 1, 16, 16]"}],
            "outputs": [{"format": "logits: float32[batch, 10]"}],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": "accuracy", "value": "0.98", "slice": "evaluation split, 797 samples"},
                {"type": "agreement", "value": "0.995", "slice": "evaluation split, 797 samples"},
            ]
        },
    }
    hashes = {file["name"]: file["hashes"][0]["content"] for file in model["components"]}
    assert hashes == {name: hashlib.sha256(content).hexdigest() for name, content in image.FILES.items()}
    properties = {entry["name"]: entry["value"] for entry in model["properties"]}
    assert properties["lepton:hardware"] == "cpu_vnni"
    assert properties["lepton:step:2"] == 'onnx.quantize {"per_channel": true}'


def test_references_exist() -> None:
    content = bill(HERE / "fake.cdx.json")
    known = {"image", *(component["bom-ref"] for component in content["components"])}
    used = {ref for entry in content["dependencies"] for ref in [entry["ref"], *entry.get("dependsOn", ())]}
    assert used <= known and known - used == set()


def test_statement_tells_the_bill() -> None:
    statement = json.loads((HERE / "fake.intoto.json").read_text("utf-8"))
    byproducts = {
        entry["name"]: entry["digest"]["sha256"] for entry in statement["predicate"]["runDetails"]["byproducts"]
    }
    assert byproducts == {
        "bill of materials": hashlib.sha256((HERE / "fake.cdx.json").read_bytes()).hexdigest(),
        "checksums": hashlib.sha256((HERE / "fake.sha256").read_bytes()).hexdigest(),
        "model checksums": hashlib.sha256((HERE / "fake.model.sha256").read_bytes()).hexdigest(),
    }


def test_sha256sum_reads_the_list(tmp_path: Path) -> None:
    for name, content in image.FILES.items():
        (tmp_path / name).write_bytes(content)
    command = ["sha256sum", "--strict", "-c", str(HERE / "fake.model.sha256")]
    good = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout) == (0, "model.onnx: OK\nmodel.onnx.data: OK\n")
    (tmp_path / "model.onnx").write_bytes(b"grapH")
    bad = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert bad.returncode == 1 and "model.onnx: FAILED\n" in bad.stdout


def test_list_of_the_layout_holds_every_blob() -> None:
    lines = (HERE / "fake.sha256").read_text("utf-8").splitlines()
    described = image.image_manifest()
    digests = {d["digest"].removeprefix("sha256:") for d in [described["config"], *described["layers"]]}
    digests.add(hashlib.sha256(json.dumps(described).encode()).hexdigest())
    assert lines == sorted(f"{digest}  blobs/sha256/{digest}" for digest in digests)


def test_the_same_bytes_again(folder: Path) -> None:
    """Another hash seed, another order of packages, another place: no byte differs."""
    outputs = ("x.intoto.json", "x.cdx.json", "x.sha256", "x.model.sha256")
    assert main.main(arguments(folder)) == 0
    first = {name: (folder / name).read_bytes() for name in outputs}
    again = folder / "again"
    again.mkdir()
    image.write([again / name for name in INPUTS])
    packages = json.loads((again / "pypi.json").read_text("utf-8"))["packages"]
    (again / "pypi.json").write_text(json.dumps({"packages": dict(reversed(packages.items()))}), "utf-8")
    program = "import sys; from lepton_rules.provenance.main import main; sys.exit(main(sys.argv[1:]))"
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", program, *arguments(again)], env=environment, check=True)
    assert {name: (again / name).read_bytes() for name in outputs} == first
    assert str(folder).encode() not in b"".join(first.values())


def test_without_metrics_and_packages(folder: Path) -> None:
    assert main.main([a for a in arguments(folder, metrics="") if not a.startswith("--packages")]) == 0
    content = bill(folder / "x.cdx.json")
    assert "quantitativeAnalysis" not in content["components"][0]["modelCard"]


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("image.digest", b"sha256:" + b"0" * 64, "digest image.digest in //models:resnet_image: it is sha256:0000"),
        ("image.digest", b"nonsense", "digest image.digest in //models:resnet_image: it is nonsense"),
        ("model.json", b"{}", "manifest model.json in //models:resnet_image: "),
        ("metrics.json", b"{}", "metrics in //models:resnet_image: metrics.json is no metrics file"),
    ],
)
def test_what_does_not_fit_is_refused(
    file: str, content: bytes, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / file).write_bytes(content)
    assert main.main(arguments(folder)) == 1
    assert capsys.readouterr().err.startswith(f"lepton: {says}")
    assert not (folder / "x.cdx.json").exists()


def test_metrics_of_another_model_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = {**image.metrics(), "model_digest": "sha256:" + "9" * 64}
    (folder / "metrics.json").write_text(json.dumps(other), "utf-8")
    assert main.main(arguments(folder)) == 1
    assert "they are of sha256:9999" in capsys.readouterr().err


def test_package_urls() -> None:
    assert Package("pypi", "A_b.c", "1.0+cpu").purl == "pkg:pypi/a-b-c@1.0%2Bcpu"
    assert Package("deb", "libc6", "1:2~3").purl == "pkg:deb/debian/libc6@1%3A2~3"
