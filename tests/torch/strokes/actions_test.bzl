"""Each pass is one action, which reads the model before it, what its slots are bound to, and nothing else of the data."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")

_PASSES = [
    "1_torch.prune_magnitude",
    "2_torch.prune_n_m",
    "3_torch.prune_channels",
    "4_torch.distill",
    "5_torch.quantize_aware_training",
    "6_torch.pytorch_to_onnx",
]

def _folder(file):
    return file.short_path.split("/")[-2]

def _actions_test_impl(ctx):
    env = analysistest.begin(ctx)
    actions = {}
    measures = []
    for action in analysistest.target_actions(env):
        if action.mnemonic != "LeptonRun":
            continue
        outputs = action.outputs.to_list()
        if "/after/" in outputs[0].short_path or outputs[0].basename in ["metrics.json", "predictions.npz"]:
            measures.append(outputs[0].short_path)
            continue
        names = [file.basename for file in outputs]
        asserts.equals(env, ["manifest.json", "model", "weights.sha256"], sorted(names))
        actions[_folder(outputs[0])] = action
    asserts.equals(env, _PASSES, sorted(actions))
    before = "network"
    for name in _PASSES:
        inputs = actions[name].inputs.to_list()
        models = [_folder(file) for file in inputs if file.basename == "model"]
        teacher = ["network"] if name == "4_torch.distill" else []
        asserts.equals(env, sorted([before] + teacher), sorted(models))
        splits = [file.basename for file in inputs if file.extension == "npz"]
        asserts.equals(env, [] if name.endswith("onnx") else ["train.npz"], splits)
        before = name

    # What comes out of the model and of five passes: an export, predictions and metrics each; and of the last.
    asserts.equals(env, 6 * 3 + 2, len(measures))
    return analysistest.end(env)

actions_test = analysistest.make(_actions_test_impl)
