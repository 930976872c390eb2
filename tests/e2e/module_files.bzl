"""The files of the nested modules. A glob does not look into a folder that .bazelignore names; tests/support:tree_test
says which are missing here."""

SMOKE_FILES = [
    "smoke/BUILD.bazel",
    "smoke/MODULE.bazel",
    "smoke/digits.py",
    "smoke/requirements.in",
    "smoke/requirements.lock",
    "smoke/splits.json",
    "smoke/train.py",
]

CHIP_FILES = [
    "chip/MODULE.bazel",
    "chip/meter/BUILD.bazel",
    "chip/meter/digits.py",
    "chip/meter/test_driver.py",
    "chip/meter/test_graphs.py",
    "chip/meter/train.py",
    "chip/npu/BUILD.bazel",
    "chip/npu/lepton_plugin_npu/__init__.py",
    "chip/npu/lepton_plugin_npu/chip.py",
    "chip/npu/lepton_plugin_npu/compiler.py",
    "chip/npu/lepton_plugin_npu/driver.py",
    "chip/npu/lepton_plugin_npu/padding.py",
    "chip/npu/lepton_plugin_npu/program.py",
    "chip/npu/npu_samples.py",
    "chip/npu/passes.bzl",
    "chip/npu/requirements.in",
    "chip/npu/requirements.lock",
]
