"""LayersInfo: layers of an image that others are put on, such as a base or an environment."""

def _init(*, layers, platform = None, config = None, packages = []):
    for layer in layers:
        for field in ["blob", "descriptor"]:
            if type(getattr(layer, field, None)) != "File":
                fail("lepton: LayersInfo: {} is no struct(blob = File, descriptor = File). Pass both files of each layer.".format(layer))
    return {
        "config": config,
        "layers": layers,
        "packages": packages,
        "platform": platform,
    }

LayersInfo, _new_layers_info = provider(
    doc = """Layers of a container image, lowest first, each two files: the blob, and beside it its descriptor.

    A descriptor is JSON: `mediaType`, `digest` and `size` of the blob as it is stored, `diff_id`, the digest of its tar, and optional
    `annotations`. What needs only facts reads descriptors and never a blob.
    """,
    init = _init,
    fields = {
        "config": "File or None: JSON, an image configuration's `config` (Env, User, WorkingDir, …) that what is put on these layers starts from.",
        "layers": "list of struct(blob, descriptor): both File, lowest first.",
        "packages": "list of struct(kind, facts): what is installed in them. `kind` is `deb` or `pypi`, `facts` a File of JSON, `{\"packages\": {name: version}}`.",
        "platform": "dict or None: `os`, `architecture` and optional `variant` that the files in the layers are for; None for any.",
    },
)
