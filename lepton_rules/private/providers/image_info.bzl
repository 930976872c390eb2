"""ImageInfo and ImageIndexInfo: an image, and several for one name."""

def _init_image(*, name, label, manifest, config, digest, layers, layouts, platform, model_manifest):
    return {
        "config": config,
        "digest": digest,
        "label": label,
        "layers": layers,
        "layouts": layouts,
        "manifest": manifest,
        "model_manifest": model_manifest,
        "name": name,
        "platform": platform,
    }

ImageInfo, _new_image_info = provider(
    doc = """An OCI image as metadata and layers. Nothing of it needs a daemon, and what needs only facts touches no layer.""",
    init = _init_image,
    fields = {
        "config": "File: the image's configuration, JSON.",
        "digest": "File: `sha256:` and 64 hexadecimal digits of the manifest, and a newline.",
        "label": "string: the label of the target that made it, as messages show it.",
        "layers": "list of struct(blob, descriptor): both File, lowest first, without those of `layouts`.",
        "layouts": "list of File: OCI layout directories that hold further blobs, those of a base that is a directory.",
        "manifest": "File: the image's manifest, JSON.",
        "model_manifest": "File: manifest.json of the model in it.",
        "name": "string: what the model is called in it.",
        "platform": "dict: `os`, `architecture` and optional `variant`.",
    },
)

def _init_index(*, label, index, digest, images):
    return {
        "digest": digest,
        "images": images,
        "index": index,
        "label": label,
    }

ImageIndexInfo, _new_image_index_info = provider(
    doc = "Several images under one digest, one for each platform.",
    init = _init_index,
    fields = {
        "digest": "File: `sha256:` and 64 hexadecimal digits of the index, and a newline.",
        "images": "list of ImageInfo.",
        "index": "File: the index, JSON.",
        "label": "string: the label of the target that made it, as messages show it.",
    },
)
