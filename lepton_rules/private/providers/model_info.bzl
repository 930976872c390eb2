"""ModelInfo: a model between two actions."""

def _init(*, label, format, directory, manifest, weights_digest, plugins, environment = None, hardware = None, needs = [], steps = []):
    return {
        "directory": directory,
        "environment": environment,
        "format": format,
        "hardware": hardware,
        "label": label,
        "manifest": manifest,
        "needs": needs,
        "plugins": plugins,
        "steps": steps,
        "weights_digest": weights_digest,
    }

ModelInfo, _new_model_info = provider(
    doc = "A model: a directory of canonically named files and, beside it, the facts about it.",
    init = _init,
    fields = {
        "directory": "File: the directory that holds the model's files (`model.onnx`, or `weights.safetensors` and `program/`).",
        "environment": "EnvironmentInfo or None: the environment that import and export of this model use instead of the plugin's own.",
        "format": "string: the model's format, such as `pytorch` or `onnx`.",
        "hardware": "HardwareInfo or None: the chip the model was made for.",
        "label": "string: the label of the target that made it, as messages show it.",
        "manifest": "File: manifest.json, the deterministic facts: signature, parameters, MACs, bytes, digests, lineage.",
        "needs": "list of struct(capability, step): what a chip must have for it, and the pass that made it so.",
        "plugins": "list of PluginInfo: the plugins whose exporters may take this model further.",
        "steps": "list of struct(name, directory, manifest, weights_digest, call): every intermediate, oldest first, this model last; call, which an imported model has not, is what step.bzl made it with.",
        "weights_digest": "File: sha256 of the weights as 64 hexadecimal digits.",
    },
)
