"""What a packager returns: what can be packed is taken as it is, and what cannot is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lepton_rules.plugin import LeptonError, Package, PackedEntry, PackedLayer
from lepton_rules.plugin.packages import check_package, layer_to_json, package_to_json

MODEL = PackedLayer(
    entries=(
        PackedEntry(path="/models/m/1/model.onnx", source="model/model.onnx"),
        PackedEntry(path="/models/m/1/manifest.json", source="manifest"),
    )
)
SERVER = PackedLayer(
    entries=(PackedEntry(path="/opt/server", source="server"), PackedEntry(path="/opt/run", content="hi")),
    compress=True,
    bytecode=True,
)
GOOD = Package(
    layers={"server": SERVER, "model": MODEL},
    entrypoint=("/usr/bin/python3",),
    command=("-m", "server"),
    environment={"HOME": "/nonexistent"},
    user="65532:65532",
    ports=("8080/tcp",),
)


def check(package: object) -> Package:
    return check_package(
        "packager p.x",
        package,
        layers={"server": ("server",), "model": ("model", "manifest")},
        model_files=["model.onnx"],
    )


def test_a_good_package_is_returned() -> None:
    assert check(GOOD) is GOOD


def model_entry(**fields: Any) -> Package:
    return replace(GOOD, layers={"server": SERVER, "model": PackedLayer(entries=(PackedEntry(**fields),))})


@pytest.mark.parametrize(
    ("package", "says"),
    [
        (None, "it returned NoneType, accepted is Package"),
        (replace(GOOD, layers={"model": MODEL}), "it returned the layers 'model', and declares 'server', 'model'"),
        (replace(GOOD, layers={"model": MODEL, "server": SERVER}), "declared layers in their order"),
        (replace(GOOD, layers={"server": SERVER, "model": ()}), "layer 'model' is a tuple"),
        (replace(GOOD, layers={"server": SERVER, "model": replace(MODEL, media_type="tar")}), "media type 'tar'"),
        (replace(GOOD, layers={"server": SERVER, "model": PackedLayer(entries=("x",))}), "holds a str"),  # type: ignore[arg-type]
        (model_entry(path="models/m", source="model"), "'models/m' is no path in an image"),
        (model_entry(path="/", source="model"), "is no path in an image"),
        (model_entry(path="/a/../b", source="model"), "is no path in an image"),
        (model_entry(path="/a//b", source="model"), "is no path in an image"),
        (model_entry(path="/a\nb", source="model"), "is no path in an image"),
        (model_entry(path="/a/.wh.b", source="model"), "means a deleted file"),
        (model_entry(path="/a"), "'/a' has no source and content"),
        (model_entry(path="/a", source="model", content=""), "'/a' has both source and content"),
        (model_entry(path="/a", source="modle"), "Did you mean 'model'?"),
        (
            model_entry(path="/a", source="model/model.onx"),
            "the model has no file 'model.onx'. Did you mean 'model.onnx'",
        ),
        (model_entry(path="/a", source="model/../../etc/passwd"), "is no plain path"),
        (model_entry(path="/opt/run", source="model"), "'/opt/run' is in the layer 'server' and again in 'model'"),
        (replace(GOOD, entrypoint="/usr/bin/python3"), "entrypoint is '/usr/bin/python3', accepted is a tuple"),
        (replace(GOOD, command=("a\0b",)), "command is"),
        (replace(GOOD, environment={"A": 1}), "environment is {'A': 1}"),
        (replace(GOOD, environment={"A=B": "1"}), "'A=B', which is no variable's name"),
        (replace(GOOD, user="root; rm"), "user is 'root; rm'"),
        (replace(GOOD, ports=("99999/tcp",)), "ports has '99999/tcp'"),
        (replace(GOOD, ports=("8080",)), "ports has '8080'"),
        (replace(GOOD, working_directory="here"), "'here' is no path"),
        (replace(GOOD, artifact_type="application/x"), "artifact_type and config come together"),
        (replace(GOOD, artifact_type="x", config={}), "artifact_type is 'x'"),
    ],
)
def test_what_cannot_be_packed_is_told(package: object, says: str) -> None:
    with pytest.raises(LeptonError) as caught:
        check(package)
    assert says in str(caught.value)
    assert str(caught.value).startswith("lepton: packager p.x: ")


def test_a_layers_plan_has_its_files_in_order_and_nothing_of_how_it_starts() -> None:
    plan = layer_to_json("model", MODEL)
    assert [entry["path"] for entry in plan["entries"]] == ["/models/m/1/manifest.json", "/models/m/1/model.onnx"]
    assert not {"entrypoint", "command", "labels"} & plan.keys()
    assert package_to_json(GOOD)["layers"] == ["server", "model"]
    assert "entries" not in package_to_json(GOOD)
