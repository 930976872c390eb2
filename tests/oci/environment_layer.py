"""Writes a layer for the images here: `environment_layer.py <blob> <descriptor> <config>`."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).absolute().parents[2]))

from lepton_rules.oci.layer import write_layer
from lepton_rules.oci.tar import Member

blob, descriptor, config = map(Path, sys.argv[1:])
layer = write_layer(
    [Member(path="opt/lepton/environment/library.py", content=b"VERSION = 1\n" * 1000)], blob, compression="gzip"
)
descriptor.write_text(json.dumps(layer))
config.write_text(json.dumps({"Env": ["PATH=/usr/bin", "LIBRARY=1"]}))
