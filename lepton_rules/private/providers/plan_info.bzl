"""PlanInfo: how an artifact comes to be, for what makes variants of it."""

def _init(*, label, steps, models, slots, hardware, dataset, metrics, search, search_without, seed, threads):
    return {
        "dataset": dataset,
        "hardware": hardware,
        "label": label,
        "metrics": metrics,
        "models": models,
        "search": search,
        "search_without": search_without,
        "seed": seed,
        "slots": slots,
        "steps": steps,
        "threads": threads,
    }

PlanInfo, _new_plan_info = provider(
    doc = "The plan of an artifact: what a search varies, and what stays.",
    init = _init,
    fields = {
        "dataset": "DatasetInfo or None: what the artifact is measured on.",
        "hardware": "HardwareInfo: the chip that the plan is for.",
        "label": "Label: the artifact.",
        "metrics": "list of components of kind `metric`: the artifact's.",
        "models": "list of struct(directory, manifest, environment): the model before each step, and after the last.",
        "search": "list of what decode_search returns: the space that recipe or artifact declare.",
        "search_without": "list of string: passes that a search may leave out.",
        "seed": "int: seed of the passes.",
        "slots": "list of dict: for each step, what its slots are bound to.",
        "steps": "list of struct(kind, plugin, name, descriptor, config, qualified, needs, origins, declared): the actions in order. declared: whether the recipe names the step.",
        "threads": "int: threads of each pass.",
    },
)
