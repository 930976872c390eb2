"""What is wired into the chip."""

from __future__ import annotations

# Of models, in manifests and descriptors.
FORMAT = "npu"

# Output channels that the convolution unit computes in one step. It computes no part of a step.
LANES = 16
