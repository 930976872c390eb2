"""What layers cost on a chip of these tests, in the form that docs/compression.md tells."""

COSTS = {
    "channel_multiple": 4,
    "convolution": [[0, 0], [100000, 10]],
    "linear": [[0, 0], [1000, 1]],
    "overhead_us": 1.0,
    "version": 1,
}
