"""lepton_model_oci: a model alone in a registry, as a ModelPack artifact or as a modelcar."""

load("//lepton_rules:pass.bzl", "lepton_component")
load(":image.bzl", "declare_image")
load(":messages.bzl", "message", "near_miss")

_KINDS = ["modelcar", "modelpack"]

def lepton_model_oci(name, model, kind = "modelpack", packager = None, **kwargs):
    """A model alone in a registry, and the runnables `<name>.push`, `<name>.digest`, `<name>.sign`, `<name>.verify` and, for a modelcar, `<name>.load`.

    Args:
      name: the target's name.
      model: a lepton_artifact or a lepton_model.
      kind: `modelpack`, an artifact of the CNCF's ModelPack; or `modelcar`, an image whose `/models` KServe mounts.
      packager: `oci.modelpack(…)` or `oci.modelcar(…)` with options, instead of `kind`.
      **kwargs: Bazel's common attributes, and those of lepton_image that are not about serving: `labels`, `annotations`,
        `title`, `version`, `model_name`, `repository`, `revision_key`; for a modelcar also `base` (KServe's sidecar runs
        a shell in it) and `platform`.
    """
    if packager == None:
        if kind not in _KINDS:
            fail(message(
                "kind",
                native.package_relative_label(":" + name),
                "{}; {}".format(repr(kind), near_miss(kind, _KINDS)),
                "Choose one of them",
            ))
        packager = lepton_component(kind = "packager", plugin = Label("//plugins/oci"), name = kind, config = {})
    name_of = getattr(packager, "name", "")
    declare_image(
        name = name,
        artifact = model,
        packager = packager,
        loads = name_of != "modelpack",
        **kwargs
    )
