"""A registry takes the image and gives back the same."""

from __future__ import annotations

import json
from pathlib import Path

import engine
import image

_SAME = "resnet_int8_cpu_image"


def test_the_digest_stays(tmp_path: Path) -> None:
    layout = image.Layout(image.ROOT / f"models/resnet/{_SAME}.layout")
    with engine.registry(tmp_path / "registry") as address:
        push = image.ROOT / f"models/resnet/{_SAME}.push.sh"
        engine.run(push, "--repository", f"{address}/team/resnet", "--plain_http", "--tag", "1", "--tag", "latest")
        there = f"docker://{address}/team/resnet"
        for reference in (f"{there}:1", f"{there}:latest", f"{there}@{layout.digest}"):
            facts = json.loads(engine.run("skopeo", "inspect", "--tls-verify=false", reference))
            assert facts["Digest"] == layout.digest
        pulled = tmp_path / "pulled"
        policy = ("--insecure-policy", "--src-tls-verify=false", "--preserve-digests")
        engine.run("skopeo", "copy", *policy, f"{there}:1", f"oci:{pulled}:1")
        assert image.Layout(pulled).digest == layout.digest
        assert image.Layout(pulled).manifest == layout.manifest
