"""What images provide and, above all, what their actions read: no label and no option touches a weight."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//lepton_rules:providers.bzl", "ImageIndexInfo", "ImageInfo")

def _names(files):
    return sorted([file.basename for file in files])

def _action(env, mnemonic, output):
    found = [
        action
        for action in analysistest.target_actions(env)
        if action.mnemonic == mnemonic and output in [file.basename for file in action.outputs.to_list()]
    ]
    asserts.equals(env, 1, len(found))
    return found[0]

def _inputs(action):
    """What an action reads, less the programs and the environment that it runs in."""
    return sorted({
        file.basename: None
        for file in action.inputs.to_list()
        if "/oci/" not in "/" + file.short_path or file.is_source == False
        if file.extension not in ["py", "bzl"]
    }.keys())

def _image_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[ImageInfo]
    asserts.equals(env, ["model.descriptor.json", "server.descriptor.json"], _names([layer.descriptor for layer in info.layers])[1:])
    asserts.equals(env, {"architecture": "amd64", "os": "linux"}, info.platform)

    # Small: no layer is among them.
    files = _names(target[DefaultInfo].files.to_list())
    asserts.equals(env, [], [name for name in files if name.endswith(".layer") or name.endswith(".tar")])
    asserts.true(env, "digest" in files and "manifest.json" in files and "config.json" in files)
    asserts.equals(env, 3, len(target[OutputGroupInfo].layers.to_list()))

    image = _inputs(_action(env, "LeptonImage", "manifest.json"))
    asserts.equals(env, [], [name for name in image if name.endswith(".layer") or name in ["model", "environment.tar.gz"]])
    asserts.true(env, "model.descriptor.json" in image)

    model = _action(env, "LeptonLayer", "model.layer")
    asserts.equals(env, ["manifest.json", "model", "model.plan.json"], [name for name in _inputs(model) if name in ["manifest.json", "model", "model.plan.json", "server.plan.json", "package.json"]])
    asserts.equals(env, [], [file for file in model.inputs.to_list() if "lepton_server" in file.path])

    server = _action(env, "LeptonLayer", "server.layer")
    asserts.equals(env, [], [file for file in server.inputs.to_list() if file.basename in ["model", "manifest.json"]])

    # Of a stranger's plugin: its own runtime serves.
    asserts.true(env, [file for file in server.inputs.to_list() if "lepton_plugin_sample" in file.path])

    plan = _action(env, "LeptonRun", "model.plan.json")
    asserts.equals(env, [], [file for file in plan.inputs.to_list() if file.basename == "model"])
    return analysistest.end(env)

image_test = analysistest.make(_image_impl)

def _index_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[ImageIndexInfo]
    asserts.equals(env, ["amd64", "arm64"], [image.platform["architecture"] for image in info.images])
    index = _action(env, "LeptonImageIndex", "index.json")
    asserts.equals(env, [], [file for file in index.inputs.to_list() if file.extension == "layer"])
    return analysistest.end(env)

index_test = analysistest.make(_index_impl)

def _stamp_impl(ctx):
    env = analysistest.begin(ctx)
    action = _action(env, "LeptonImage", "manifest.json")
    status = [file for file in action.inputs.to_list() if file.basename == "stable-status.txt"]
    asserts.equals(env, 1 if ctx.attr.stamped else 0, len(status))
    return analysistest.end(env)

_STAMP_ATTRS = {"stamped": attr.bool()}

plain_stamp_test = analysistest.make(_stamp_impl, attrs = _STAMP_ATTRS)
stamped_test = analysistest.make(_stamp_impl, attrs = _STAMP_ATTRS, config_settings = {"//command_line_option:stamp": True})
