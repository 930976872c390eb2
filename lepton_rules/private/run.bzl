"""LeptonRun: the one way in which an action runs Python in a lepton environment."""

load("//lepton_rules/private/providers:run_settings_info.bzl", "RunSettingsInfo")
load(":messages.bzl", "display_label")

RUN_ATTRS = {
    "_run": attr.label(
        default = "//lepton_rules/settings:run",
        providers = [RunSettingsInfo],
    ),
}

_REQUIREMENTS = {
    "requires-worker-protocol": "json",
    "supports-worker-cancellation": "1",
    "supports-workers": "1",
}

def _cpus(count):
    # resource_set takes top-level functions only: one for each number of threads.
    return {"cpu": count}

def _cpu_1(_os, _inputs):
    return _cpus(1)

def _cpu_2(_os, _inputs):
    return _cpus(2)

def _cpu_4(_os, _inputs):
    return _cpus(4)

def _cpu_8(_os, _inputs):
    return _cpus(8)

def _cpu_16(_os, _inputs):
    return _cpus(16)

def _resource_set(threads):
    if threads == 1:
        return _cpu_1
    for limit, function in [(2, _cpu_2), (4, _cpu_4), (8, _cpu_8)]:
        if threads <= limit:
            return function
    return _cpu_16

def _another(seed):
    return str((int(seed) + 4711) % (1 << 32))

def json_flag(args, key, value):
    """Adds `--key=<JSON>`; JSON has no raw newlines, so it fits on a line of the flag file.

    Args:
      args: Args.
      key: string.
      value: anything that json.encode takes.
    """
    args.add("--{}={}".format(key, json.encode(value)))

def directory_flag(args, key, directory):
    """Adds `--key=<path of the directory>`.

    Args:
      args: Args.
      key: string, which may end in `=name` for keys of the form `--slot=name=path`.
      directory: File: a directory.
    """
    args.add_all([directory], expand_directories = False, format_each = "--{}=%s".format(key.replace("%", "%%")))

def _common_flags(told):
    # Called when the file of flags is written, not at analysis.
    action, label, threads, flags, roots = told
    return [
        "--action=" + action,
        "--label=" + (label if type(label) == "string" else display_label(label)),
        "--threads={}".format(threads),
    ] + flags + ["--python_path=" + root for root in roots]

def lepton_run(
        ctx,
        *,
        action,
        environment,
        args,
        inputs,
        outputs,
        progress,
        preload = [],
        roots = [],
        sources = depset(),
        threads = 1,
        label = None,
        again = False):
    """Declares one LeptonRun action.

    Args:
      ctx: the rule's context; the rule has RUN_ATTRS.
      action: string: the module in lepton_rules.actions that does the work.
      environment: EnvironmentInfo.
      args: Args: the action's own flags, one a line.
      inputs: list of File: data.
      outputs: list of File.
      progress: string: what the user sees, such as `onnx.quantize`.
      preload: list of string: modules that the worker imports once.
      roots: list of string: directories put on sys.path.
      sources: depset of File: Python sources of the plugin or of the user.
      threads: int: threads that the action may use.
      label: string or None: the label that messages name, if not the rule's own.
      again: bool: under another key: another hash seed, and a process of its own rather than a worker's. The outputs must be the same.
    """
    settings = ctx.attr._run[RunSettingsInfo]
    startup = ctx.actions.args()
    startup.add(settings.main)
    if preload:
        startup.add("--preload=" + ",".join(preload))
    args.add_all([(action, label or ctx.label, threads, settings.flags, roots)], map_each = _common_flags)
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    ctx.actions.run(
        executable = environment.launcher,
        arguments = [startup, args],
        # The environment's key and the worker's own program restart the worker when they change; the directory
        # itself is an ordinary input, because Bazel 7 cannot digest a source directory among a worker's tools.
        tools = depset([environment.key, environment.launcher], transitive = [settings.action_sources]),
        inputs = depset(inputs + [environment.directory], transitive = [sources]),
        outputs = outputs,
        env = settings.environment | ({"PYTHONHASHSEED": _another(settings.environment["PYTHONHASHSEED"])} if again else {}),
        mnemonic = "LeptonRun",
        progress_message = "Lepton {} %{{label}}".format(progress),
        resource_set = _resource_set(threads),
        execution_requirements = {} if again else _REQUIREMENTS,
        toolchain = None,
    )
