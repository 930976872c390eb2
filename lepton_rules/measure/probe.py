"""A fresh process that loads one model and runs it, and tells what that took: see `lepton_rules.measure.fresh`.

    python -s -P lepton_rules/measure/probe.py '{"plugin": …}'

It prints one line of JSON: {"start_bytes", "load_bytes", "inference_bytes"}, the resident set before the model is
loaded, and its peaks while it is loaded and while it runs; after a line `ready` as soon as the first answer is there.
A LeptonError is its last line and the exit status 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.manifest import read
from lepton_rules.measure import rss
from lepton_rules.measure.device import make_runtime, parse_hardware
from lepton_rules.plugin.contexts import ModelDirectory, RuntimeContext
from lepton_rules.plugin.errors import LeptonError
from lepton_rules.plugin.manager import load


def probe(asked: dict[str, Any]) -> None:
    """Loads the model, answers once, says so, and answers the rest."""
    import numpy

    sys.path[:0] = asked["python_path"]
    plugin = load(asked["plugin"], asked["plugin_entry"])
    with numpy.load(asked["inputs"], allow_pickle=False) as archive:
        stored = {name: archive[name] for name in archive.files}
    batches = [
        {name.partition("/")[2]: array for name, array in stored.items() if name.startswith(f"{index}/")}
        for index in range(asked["batches"])
    ]
    context = RuntimeContext(
        label=asked["label"],
        config=None,
        model=ModelDirectory(Path(asked["model"]), read(Path(asked["manifest"]))),
        hardware=parse_hardware(asked["hardware"]),
        threads=asked["threads"],
    )
    start = rss.reset_peak()
    runtime = make_runtime(plugin, asked["component"], asked["config"], context)
    loading = rss.peak()
    rss.reset_peak()
    runtime.run(batches[0])
    print("ready", flush=True)
    for index in range(1, asked["inferences"]):
        runtime.run(batches[index % len(batches)])
    running = rss.peak()
    runtime.close()
    print(json.dumps({"start_bytes": start, "load_bytes": loading, "inference_bytes": running}), flush=True)


if __name__ == "__main__":
    try:
        probe(json.loads(sys.argv[1]))
    except LeptonError as error:
        print(error, flush=True)
        sys.exit(1)
