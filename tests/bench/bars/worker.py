"""20 small passes that use torch: in the worker, in a process each, and in an environment of one label a file."""

from __future__ import annotations

from pathlib import Path

from harness.bar import Bar, Options
from harness.bazel import TREE, Bazel, remove

_COUNT = 20
_BY_LABEL = 3  # actions; the rest is scaled

_MODULE = """module(name = "small")

bazel_dep(name = "lepton_rules", version = "0.1.0")
local_path_override(
    module_name = "lepton_rules",
    path = "{tree}",
)

lepton = use_extension("@lepton_rules//lepton_rules:extensions.bzl", "lepton")
use_repo(lepton, "lepton_rules_torch")
"""

_RULE = """load("@lepton_rules//lepton_rules:providers.bzl", "EnvironmentInfo")
# buildifier: disable=bzl-visibility
load("@lepton_rules//lepton_rules/private:run.bzl", "RUN_ATTRS", "lepton_run")
load("@lepton_rules//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")

def _small_impl(ctx):
    args = ctx.actions.args()
    output = ctx.actions.declare_file(ctx.label.name + ".safetensors")
    args.add("--plugin=torch")
    args.add("--plugin_entry=lepton_plugin_torch")
    args.add("--function=small:small")
    args.add("--config={}")
    args.add("--seed={}".format(ctx.attr.seed))
    args.add(output, format = "--output_weights=%s")
    environment = ctx.attr.environment[EnvironmentInfo]
    if ctx.files.files:
        environment = struct(
            directory = ctx.files.files[0],
            key = environment.key,
            launcher = ctx.file.launcher,
        )
    lepton_run(
        ctx,
        action = "checkpoint",
        environment = environment,
        args = args,
        inputs = ctx.files.files,
        outputs = [output],
        progress = "small",
        preload = ["torch", "torch._dynamo", "onnx"],
        roots = ["external/lepton_rules~/plugins/torch", "."],
        sources = depset(ctx.files.srcs),
    )
    return [DefaultInfo(files = depset([output]))]

small = rule(
    implementation = _small_impl,
    attrs = RUN_ATTRS | {
        "environment": attr.label(cfg = "exec", providers = [EnvironmentInfo]),
        "files": attr.label_list(allow_files = True),
        "launcher": attr.label(allow_single_file = True),
        "seed": attr.int(),
        "srcs": attr.label_list(allow_files = True),
    },
)
"""

_BUILD = """load(":small.bzl", "small")

[
    small(
        name = "small_{}".format(i),
        srcs = ["small.py", "@lepton_rules//plugins/torch:sources"],
        environment = "@lepton_rules_torch//:environment",
        seed = i + SALT,
        tags = ["manual"],
    )
    for i in range(20)
]

filegroup(
    name = "all_small",
    srcs = ["small_{}".format(i) for i in range(20)],
)
"""

_BY_LABEL_BUILD = """load("//:small.bzl", "small")

[
    small(
        name = "labelled_{}".format(i),
        srcs = ["//:small.py", "@lepton_rules//plugins/torch:sources"],
        environment = "@lepton_rules_torch//:environment",
        files = glob(["prefix/**"]),
        launcher = "launch",
        seed = i + SALT,
    )
    for i in range(COUNT)
]
"""

_SMALL = """import onnx
import torch


def small(context):
    assert onnx.__version__
    return {"x": torch.full((4,), float(context.seed))}
"""


def measure(options: Options) -> list[Bar]:
    """Every build has seeds of its own, so nothing is answered by a cache."""
    folder = options.folder / "small"
    remove(folder)
    folder.mkdir(parents=True)
    _write(folder / "MODULE.bazel", _MODULE.format(tree=TREE))
    _write(folder / "small.bzl", _RULE)
    _write(folder / "small.py", _SMALL)
    bazel = Bazel(folder, options.folder / "base_small")

    def build(salt: int, *flags: str) -> float:
        _write(folder / "BUILD.bazel", 'exports_files(["small.py"])\n\n' + _BUILD.replace("SALT", str(salt)))
        bazel.run("build", "--nobuild", "//:all_small")
        return bazel.run("build", *flags, "//:all_small").seconds

    build(1000)
    worker = min(build(2000), build(3000))
    alone = build(4000, "--strategy=LeptonRun=sandboxed")
    base = Path(bazel.query("info", "output_base").output.strip())
    (prefix,) = base.glob("external/*lepton_rules_torch/prefix")
    copy = folder / "labels"
    copy.mkdir()
    _copy(prefix, copy / "prefix")
    _write(copy / "launch", (prefix.parent / "launch").read_text(encoding="utf-8"))
    (copy / "launch").chmod(0o755)
    _write(copy / "BUILD.bazel", _BY_LABEL_BUILD.replace("SALT", "9000").replace("COUNT", str(_BY_LABEL)))
    bazel.run("build", "--nobuild", "//labels:all")
    labelled = bazel.run("build", "--strategy=LeptonRun=sandboxed", "--jobs=1", "//labels:all").seconds
    scaled = labelled / _BY_LABEL * _COUNT
    bazel.shutdown()
    remove(copy)
    return [
        Bar("20 passes, against a process each", ">= 10x", alone / worker, "x", alone / worker >= 10,
            f"{worker:.2f} s in the worker, {alone:.1f} s alone"),
        Bar("20 passes, against one label a file", ">= 50x", scaled / worker, "x", scaled / worker >= 50,
            f"{labelled:.0f} s for {_BY_LABEL}, scaled to {_COUNT}"),
    ]  # fmt: skip


def _copy(source: Path, target: Path) -> None:
    """Hard links: the same files under other names."""
    import shutil

    shutil.copytree(source, target, copy_function=lambda a, b: Path(b).hardlink_to(a), symlinks=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
