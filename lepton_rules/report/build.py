"""The program of the action behind `lepton_report`: what is known without measuring, as a page and as JSON.

    launch -s -P lepton_rules/report/build.py --label=//x:report --output_html=… --output_json=…
        (--artifact=//x:y --manifest=<oldest> … [--metrics=…] [--step_metrics=1=…] [--predictions=…] [--recipe=…])…
        [--measurement=…]… [--statement=… --bill=…]…

The flags after an `--artifact` are that artifact's; statements and bills of materials are of images of the artifacts.
Same inputs, same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import canonical_json
from lepton_rules.measure import outputs
from lepton_rules.measure.files import write_atomically
from lepton_rules.plugin.arrays import read_npz
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.profile.parity import parity
from lepton_rules.report import content, page, provenance


@dataclass
class Told:
    """What the flags say of one artifact."""

    label: str
    manifests: list[Path] = field(default_factory=list)
    metrics: Path | None = None
    step_metrics: dict[int, Path] = field(default_factory=dict)
    predictions: Path | None = None
    recipe: Path | None = None


def main(flags: Sequence[str]) -> int:
    """Writes both; the exit status is 1 where a file is none of ours."""
    label = "an unnamed report"
    try:
        values = [_split(flag) for flag in _expanded(flags)]
        label = next((value for key, value in values if key == "label"), label)
        written = {key: Path(value) for key, value in values if key.startswith("output_")}
        files = {
            name: [Path(value) for key, value in values if key == name] for name in ("measurement", "statement", "bill")
        }
        made = make(label, _artifacts(values), files["measurement"])
        add_images(made, files["statement"], files["bill"])
        write_atomically(written["output_json"], canonical_json(made).encode())
        write_atomically(written["output_html"], page.html(made).encode())
    except LeptonError as error:
        print(error.with_label(label), file=sys.stderr)
        return 1
    return 0


def make(label: str, told: Sequence[Told], judged: Sequence[Path]) -> dict[str, Any]:
    """The content. Raises LeptonError for a file that is none of ours."""
    entries = []
    for one in told:
        recipe = "" if one.recipe is None else one.recipe.read_text(encoding="utf-8")
        entries.append(content.artifact(one.label, one.manifests, one.metrics, one.step_metrics, recipe))
    first = told[0]
    if first.predictions is not None:
        before = read_npz(first.predictions)
        for one, entry in zip(told[1:], entries[1:], strict=True):
            if one.predictions is not None:
                entry["parity"] = parity(before, read_npz(one.predictions))
                entry["parity_against"] = first.label if entry["parity"] else None
    made = content.report(label, entries)
    for path in judged:
        measurement = outputs.read(path.read_bytes(), f"measurement {path.name}")
        if not content.add_measurement(made, measurement):
            raise LeptonError(
                f"tests: {measurement['label']}",
                f"it is about {measurement['artifact'].get('label')}, which is not in this report",
                "Add the artifact, or leave the test out",
            )
    made["measured"] = False  # what an action judged depends on no machine
    return content.finish(made)


def add_images(made: dict[str, Any], statements: Sequence[Path], bills: Sequence[Path]) -> None:
    """Puts what images say of themselves to the artifacts that are in them. Raises LeptonError for one of another."""
    by_digest = {entry["digest"]: entry for entry in made["artifacts"]}
    for digest, image in provenance.images(statements, bills):
        if digest not in by_digest:
            raise LeptonError(
                f"images: {image['label']}",
                f"the model in it is {digest}, which is not in this report",
                "Add its artifact, or leave the image out",
            )
        by_digest[digest]["provenance"]["images"].append(image)


def _expanded(flags: Sequence[str]) -> list[str]:
    found: list[str] = []
    for flag in flags:
        found += Path(flag[1:]).read_text(encoding="utf-8").splitlines() if flag.startswith("@") else [flag]
    return found


def _split(flag: str) -> tuple[str, str]:
    key, _, value = flag.removeprefix("--").partition("=")
    return key, value


def _artifacts(values: Sequence[tuple[str, str]]) -> list[Told]:
    found: list[Told] = []
    for key, value in values:
        if key == "artifact":
            found.append(Told(value))
        elif key == "manifest":
            found[-1].manifests.append(Path(value))
        elif key == "step_metrics":
            number, _, path = value.partition("=")
            found[-1].step_metrics[int(number)] = Path(path)
        elif key in ("metrics", "predictions", "recipe"):
            setattr(found[-1], key, Path(value))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
