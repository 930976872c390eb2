"""The edge from a test that must run on a chip to the chip.

A hardware target is compatible everywhere, because artifacts for it are built anywhere, except over this edge, where
it is incompatible unless the machine has the chip. Incompatibility spreads to who depends on it, so the test is skipped
with everything that Bazel does for skipped tests, and `artifact` may still be any label or `select()`.
"""

_ON_DEVICE = str(Label("//lepton_rules/settings:on_device"))

def _device_transition_impl(_settings, _attr):
    return {_ON_DEVICE: True}

device_transition = transition(
    implementation = _device_transition_impl,
    inputs = [],
    outputs = [_ON_DEVICE],
)
