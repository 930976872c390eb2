"""One step of an artifact as an action, which can be declared again under another key."""

load(":model_files.bzl", "declare_model", "model_flags")
load(":run.bzl", "directory_flag", "lepton_run")

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
    args = ctx.actions.args()
    step, model, hardware = call.step, call.model, call.hardware
    if step:
        args.add_all([
            "--plugin=" + step.plugin.name,
            "--plugin_entry=" + step.plugin.entry,
            "--component=" + step.name,
            "--config=" + json.encode(step.config),
            "--config_version={}".format(step.descriptor["config"]["version"]),
        ])
    args.add("--hardware=" + hardware.facts)
    directory_flag(args, "model", model.directory)
    args.add(model.manifest, format = "--model_manifest=%s")
    inputs = [model.directory, model.manifest]
    for name, slot in call.slots.items():
        if slot.kind == "dataset":
            args.add(slot.file, format = "--slot={}=dataset=%s".format(name))
            inputs.append(slot.file)
        else:
            directory_flag(args, "slot={}=model".format(name), slot.directory)
            args.add(slot.manifest, format = "--slot_manifest={}=%s".format(name))
            inputs.extend([slot.directory, slot.manifest])
    if step and step.kind == "pass":
        args.add("--seed={}".format(call.seed))
    model_flags(args, files)
    plugin = step.plugin if step else hardware.plugin
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
