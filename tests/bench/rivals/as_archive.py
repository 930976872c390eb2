"""The ResNet as an archive of torch.export.

Usage: as_archive.py FOLDER OUTPUT.pt2, where the folder has resnet.py and weights.safetensors.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file


def main(folder: str, output: str) -> None:
    """Writes the archive; its batch is open."""
    sys.path.insert(0, folder)
    from resnet import ResNet18  # type: ignore[import-not-found]  # it lies in the folder

    network = ResNet18()
    network.load_state_dict(load_file(Path(folder, "weights.safetensors")))
    batch = torch.export.Dim("batch", min=1, max=4096)
    program = torch.export.export(network.eval(), (torch.zeros(2, 1, 16, 16),), dynamic_shapes=({0: batch},))
    torch.export.save(program, output)


if __name__ == "__main__":
    main(*sys.argv[1:])
