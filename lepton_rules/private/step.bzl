"""One step of an artifact as an action, which can be declared again under another key."""

load(":model_files.bzl", "declare_model", "model_flags")
load(":run.bzl", "lepton_run")

def step_call(*, model, hardware, step = None, slots = {}, seed = 0, threads = 1):
    """All that decides what a step does.

    Args:
      model: struct(directory, manifest, environment): what it starts from.
      hardware: HardwareInfo.
      step: a step as plan.bzl resolves it, or None to bind the model to its chip as it is.
      slots: dict of name to what is bound to it.
      seed: int: of a pass that draws random numbers.
      threads: int: for the action.

    Returns:
      struct with these fields.
    """
    return struct(model = model, hardware = hardware, step = step, slots = slots, seed = seed, threads = threads)

def _flags(told):
    # Called when the file of flags is written, not at analysis.
    call, files = told
    step, model = call.step, call.model
    words = []
    if step:
        words += [
            "--plugin=" + step.plugin.name,
            "--plugin_entry=" + step.plugin.entry,
            "--component=" + step.name,
            "--config=" + json.encode(step.config),
            "--config_version={}".format(step.descriptor["config"]["version"]),
        ]
    words += [
        "--hardware=" + call.hardware.facts,
        "--model=" + model.directory.path,
        "--model_manifest=" + model.manifest.path,
    ]
    for name, slot in call.slots.items():
        if slot.kind == "dataset":
            words.append("--slot={}=dataset={}".format(name, slot.file.path))
        else:
            words.append("--slot={}=model={}".format(name, slot.directory.path))
            words.append("--slot_manifest={}={}".format(name, slot.manifest.path))
    if step and step.kind == "pass":
        words.append("--seed={}".format(call.seed))
    return words + model_flags(files)

def run_step(ctx, prefix, call, again = False):
    """Declares the action of a step.

    Args:
      ctx: the rule's context; the rule has RUN_ATTRS or GATE_ATTRS.
      prefix: string: the folder of its outputs, relative to the package.
      call: what step_call returned.
      again: bool: under another key; see lepton_run.

    Returns:
      struct(directory, manifest, weights_digest, all): files.
    """
    files = declare_model(ctx, prefix)
    step, model = call.step, call.model
    args = ctx.actions.args()
    args.add_all([(call, files)], map_each = _flags)
    inputs = [model.directory, model.manifest]
    for slot in call.slots.values():
        inputs.extend([slot.file] if slot.kind == "dataset" else [slot.directory, slot.manifest])
    plugin = step.plugin if step else call.hardware.plugin
    environment = plugin.environment
    if step and step.kind == "exporter" and model.environment:
        environment = model.environment
    lepton_run(
        ctx,
        action = ("run_pass" if step.kind == "pass" else "export_model") if step else "bind",
        environment = environment,
        args = args,
        inputs = inputs,
        outputs = files.all,
        progress = step.qualified if step else "bind",
        preload = plugin.preload,
        roots = plugin.roots if step else [],
        sources = plugin.sources if step else depset(),
        threads = call.threads,
        again = again,
    )
    return files
