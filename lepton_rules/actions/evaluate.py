"""evaluate: what a model answers on a dataset split, from its runtime's deterministic reference on the CPU."""

from lepton_rules.actions import component as components
from lepton_rules.actions.arguments import Arguments
from lepton_rules.actions.npz import write_npz
from lepton_rules.measure.inputs import batch_of, check_outputs, fixed_batch, model_inputs
from lepton_rules.plugin import DatasetFile, RuntimeContext

# Samples in one inference of a model with a dynamic batch. It belongs to the result: kernels may sum in another order
# for another batch.
_BATCH = 32


def run(arguments: Arguments) -> None:
    """Writes --output_predictions: each of the model's outputs over all samples of --dataset, in their order.

    A model with a fixed batch gets its last batch filled up from the beginning of the split, and the rows that belong
    to the filling are dropped.

    Raises:
        LeptonError: the split does not fit the model, or the runtime refuses the model or gives what it does not
            declare.
    """
    import numpy

    loaded = components.load_component(arguments, "runtimes")
    model = components.read_model(arguments)
    dataset = DatasetFile(arguments.path("dataset"))
    hardware = components.read_hardware(arguments)
    inputs, samples = model_inputs(dataset, model.manifest)
    fixed = fixed_batch(model.manifest)
    runtime = loaded.implementation(
        RuntimeContext(
            label=arguments.one("label"),
            config=loaded.config,
            model=model,
            hardware=hardware,
            threads=arguments.integer("threads", default=1),
            reference=True,
        )
    )
    parts: dict[str, list[numpy.ndarray]] = {tensor["name"]: [] for tensor in model.manifest["outputs"]}
    try:
        for start in range(0, samples, fixed or _BATCH):
            rows = min(fixed or _BATCH, samples - start)
            outputs = check_outputs(runtime.run(batch_of(inputs, start, fixed or rows)), model.manifest, fixed or rows)
            for name, array in outputs.items():
                # A copy: a runtime may give the same buffer again.
                parts[name].append(array[:rows].copy())
    finally:
        runtime.close()
    write_npz({name: numpy.concatenate(arrays) for name, arrays in parts.items()}, arguments.path("output_predictions"))
