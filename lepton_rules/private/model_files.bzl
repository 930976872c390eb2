"""The files that a model consists of between two actions, and the providers of a target that ends in one."""

def declare_model(ctx, prefix):
    """Declares the three outputs of an action that makes a model.

    Args:
      ctx: the rule's context.
      prefix: string: the folder, relative to the package.

    Returns:
      struct(directory, manifest, weights_digest, all).
    """
    directory = ctx.actions.declare_directory(prefix + "/model")
    manifest = ctx.actions.declare_file(prefix + "/manifest.json")
    weights_digest = ctx.actions.declare_file(prefix + "/weights.sha256")
    return struct(
        directory = directory,
        manifest = manifest,
        weights_digest = weights_digest,
        all = [directory, manifest, weights_digest],
    )

def model_flags(files):
    """The flags that name an action's model outputs, for the `map_each` of Args: when they are written, not at analysis.

    Args:
      files: what declare_model returned.

    Returns:
      list of string.
    """
    return [
        "--output_model=" + files.directory.path,
        "--output_manifest=" + files.manifest.path,
        "--output_weights_digest=" + files.weights_digest.path,
    ]

def model_providers(info, others = [], recipe = None):
    """DefaultInfo, output groups for every intermediate, and the model's own providers.

    Args:
      info: ModelInfo.
      others: list of further providers.
      recipe: File or None: recipe.yaml.

    Returns:
      list of providers.
    """
    groups = {}
    for step in info.steps:
        files = depset([step.directory, step.manifest, step.weights_digest])
        name = step.name
        for _ in range(len(info.steps)):
            if name not in groups:
                break
            name += "_again"
        groups[name] = files
    return [
        DefaultInfo(files = depset([info.directory, info.manifest, info.weights_digest])),
        OutputGroupInfo(
            manifest = depset([info.manifest]),
            manifests = depset([step.manifest for step in info.steps]),
            model = depset([info.directory]),
            recipe = depset([recipe] if recipe else []),
            weights_digest = depset([info.weights_digest]),
            **groups
        ),
        info,
    ] + others
