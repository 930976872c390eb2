"""Structured pruning: whole channels go, with everything that depends on them.

Which layers depend on one another, across residual connections and concatenations, is found by the library
Torch-Pruning (Fang et al., "DepGraph: Towards Any Structural Pruning", 2023, https://arxiv.org/abs/2301.12900). What a
channel is worth, summed over the layers of its group:

- l1, l2: norms of its weights (Li et al., "Pruning Filters for Efficient ConvNets", 2016, https://arxiv.org/abs/1608.08710)
- batch_norm_scale: |gamma| (Liu et al., "Network Slimming", 2017, https://arxiv.org/abs/1708.06519)
- taylor: |weight x gradient|, first order (Molchanov et al., "Importance Estimation for Neural Network Pruning", 2019,
  https://arxiv.org/abs/1906.10771)

A goal in multiply-accumulates or in the microseconds of a checked-in table is met by bisection over the ratio.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch_pruning  # type: ignore[import-untyped]  # the library has no types
from torch import Tensor, nn

from lepton_plugin_torch import macs, signature, surgery, training
from lepton_plugin_torch.cost_table import CostTable, Layer
from lepton_plugin_torch.pass_configs import PruneChannelsConfig
from lepton_plugin_torch.program import Program, built
from lepton_rules.plugin import LeptonError, ModelFacts, PassContext
from lepton_rules.plugin.signature import lengths

_WHAT = "pass torch.prune_channels"
_DEFAULT_RATIO = 0.5
_MOST = 0.98  # of a layer's channels
_BISECTIONS = 8  # of the ratio: to four thousandths of the channels
_PRUNABLE = (nn.modules.conv._ConvNd, nn.Linear)


def prune_channels(context: PassContext) -> ModelFacts:
    """Writes the smaller model.

    Raises:
        LeptonError: the module cannot be traced or cut, a goal cannot be met, or samples are needed and not bound.
    """
    config: PruneChannelsConfig = context.config
    program = surgery.begin(context)
    samples = None
    if config.epochs or config.importance == "taylor":
        samples = training.read_samples(context.slots.get("train"), program.inputs, _WHAT, labels=True)
    with built(context.model.path, program) as module:
        shapes, before = surgery.shapes_of(module), _widths(module)
        surgery.require_layers(module, config.exclude, _WHAT)
        torch.set_num_threads(1)  # what is decided depends on no sum's order, and many small operations gain nothing
        if config.importance == "taylor":
            assert samples is not None
            _differentiate(module, program, samples, config.batch_size)
        pruned, ratio, goal = _reach_goal(module, program, config)
        del module
        after = _widths(pruned)
        if after == before:
            raise LeptonError(_WHAT, "no channel can go", "Ask for a greater cut, a smaller round_to or fewer excludes")
        notes: dict[str, Any] = {
            "importance": config.importance,
            "ratio": round(ratio, 6),
            "channels": {name: [before[name], after[name]] for name in before if before[name] != after[name]},
            "left_alone": _left_alone(pruned, program, config, before, after),
            **goal,
        }
        torch.set_num_threads(context.threads)
        if config.epochs:
            assert samples is not None
            notes["training"] = training.tune(pruned, program, samples, config, context.seed, _WHAT)
        return surgery.finish(context, pruned, program, shapes, notes, _WHAT)


def _widths(module: nn.Module) -> dict[str, int]:
    """Output channels of each layer that has some."""
    found = {}
    for name, layer in module.named_modules():
        if isinstance(layer, nn.modules.conv._ConvNd):
            found[name] = layer.out_channels
        elif isinstance(layer, nn.Linear):
            found[name] = layer.out_features
    return found


def _differentiate(module: nn.Module, program: Program, samples: training.Samples, batch_size: int) -> None:
    """Leaves the gradient of the mean loss over the samples in the parameters; statistics stay as they are."""
    module.eval()
    chunks = samples.chunks(batch_size, torch.arange(len(samples)))
    for chosen in chunks:
        loss = training.label_loss(module, program, samples, chosen, _WHAT) / len(chunks)
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not type it


def _reach_goal(
    module: nn.Module, program: Program, config: PruneChannelsConfig
) -> tuple[nn.Module, float, dict[str, Any]]:
    """The pruned module, the ratio that was used, and what notes say of the goal."""
    if config.max_latency_us is not None:
        table, limit = CostTable.parse(config.cost_table), config.max_latency_us

        def latency(candidate: nn.Module) -> float:
            return table.microseconds(_layers(candidate, program))

        before = latency(module)
        pruned, ratio = _bisect(module, program, config, latency, limit, "microseconds by the cost table")
        estimate = {"before": round(before, 3), "after": round(latency(pruned), 3)}
        return pruned, ratio, {"goal": {"max_latency_us": limit}, "estimated_latency_us": estimate}
    if config.macs_ratio is not None:
        total = macs.count(module, program.inputs)
        if total is None:
            raise LeptonError(
                f"macs_ratio of {_WHAT}", "the model's multiply-accumulates depend on its inputs", "Use ratio"
            )
        pruned, ratio = _bisect(
            module,
            program,
            config,
            lambda candidate: float(macs.count(candidate, program.inputs) or 0),
            config.macs_ratio * total,
            "multiply-accumulates",
        )
        return pruned, ratio, {"goal": {"macs_ratio": config.macs_ratio}}
    ratio = _DEFAULT_RATIO if config.ratio is None else config.ratio
    return _pruned(module, program, config, ratio), ratio, {}


def _bisect(
    module: nn.Module,
    program: Program,
    config: PruneChannelsConfig,
    cost: Callable[[nn.Module], float],
    limit: float,
    unit: str,
) -> tuple[nn.Module, float]:
    """The module pruned by the least ratio that costs at most `limit`, and that ratio."""
    low, high = 0.0, _MOST
    if cost(module) <= limit:
        raise LeptonError(
            _WHAT, f"the model meets the goal of {limit:.6g} {unit} as it is", "Leave the pass out, or lower the goal"
        )
    best = _pruned(module, program, config, high)
    least = cost(best)
    if least > limit:
        raise LeptonError(
            _WHAT,
            f"the goal is {limit:.6g} {unit}, and without {_MOST:.0%} of the channels it is {least:.6g}",
            "Raise the goal, lower round_to, or exclude less",
        )
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        candidate = _pruned(module, program, config, middle)
        if cost(candidate) <= limit:
            best, high = candidate, middle
        else:
            low = middle
    return best, high


def _pruned(module: nn.Module, program: Program, config: PruneChannelsConfig, ratio: float) -> nn.Module:
    """A copy of the module without this share of its channels."""
    candidate = copy.deepcopy(module)
    for parameter, original in zip(candidate.parameters(), module.parameters(), strict=True):
        parameter.requires_grad_(True)
        parameter.grad = original.grad
    example = signature.samples(program.inputs, lengths(program.inputs, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about operators that it takes for element-wise ones: the run below decides
        try:
            pruner = _Pruner(
                candidate,
                example,
                importance=_importance(config.importance),
                pruning_ratio=ratio,
                max_pruning_ratio=_MOST,
                global_pruning=config.scope == "model",
                round_to=config.round_to,
                ignored_layers=_ignored(candidate, example, config.exclude),
            )
            pruner.step()
        except Exception as error:  # the library raises whatever its parts raise
            raise LeptonError(
                _WHAT,
                f"the dependencies of its channels cannot be followed ({type(error).__name__}: {_line(error)})",
                "Exclude the layers around what the message names",
            ) from error
    for parameter in candidate.parameters():
        parameter.grad = None
    _require_running(module, candidate, program, example)
    return candidate.eval()


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]


def _require_running(module: nn.Module, pruned: nn.Module, program: Program, example: tuple[Tensor, ...]) -> None:
    """Fails where the pruned module does not run, or its outputs have other shapes."""
    wanted = {name: tensor.shape for name, tensor in signature.run(module, example, program.outputs).items()}
    try:
        got = {name: tensor.shape for name, tensor in signature.run(pruned.eval(), example, program.outputs).items()}
    except LeptonError as error:
        raise LeptonError(
            _WHAT, f"without some channels the module fails ({error.why})", "Exclude the layers before that place"
        ) from None
    if wanted != got:
        raise LeptonError(_WHAT, "it would change the shapes of the outputs", "Exclude the layers that make them")


class _Pruner(torch_pruning.pruner.BasePruner):  # type: ignore[misc]  # the library has no types
    """The library's, but rounding never removes a layer's last channels, which made it leave the layer as it was."""

    def _round_to(self, n_pruned: int, current_channels: int, round_to: int) -> int:
        kept = (current_channels - n_pruned) // round_to * round_to
        return current_channels - min(max(kept, round_to), current_channels)


def _importance(name: str) -> torch_pruning.importance.Importance:
    if name == "batch_norm_scale":
        return torch_pruning.importance.BNScaleImportance()
    if name == "taylor":
        return torch_pruning.importance.GroupTaylorImportance()
    return torch_pruning.importance.GroupMagnitudeImportance(p=1 if name == "l1" else 2)


def _ignored(module: nn.Module, example: tuple[Tensor, ...], exclude: Sequence[str]) -> list[nn.Module]:
    """The layers whose channels all stay: those that were excluded, and those whose channels the outputs have."""
    modules = dict(module.named_modules())
    ignored = [modules[name] for name in exclude]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = torch_pruning.DependencyGraph().build_dependency(module, example_inputs=example)
    for layer in module.modules():
        if not isinstance(layer, _PRUNABLE) or layer not in graph.module2node:
            continue
        function = graph.get_pruner_of_module(layer).prune_out_channels
        group = graph.get_pruning_group(layer, function, [0])
        if any(graph.is_out_channel_pruning_fn(d.handler) and not d.target.outputs for d, _ in group):
            ignored.append(layer)
    return ignored


def _left_alone(
    module: nn.Module, program: Program, config: PruneChannelsConfig, before: dict[str, int], after: dict[str, int]
) -> dict[str, str]:
    """Why each layer that lost no channels did not."""
    example = signature.samples(program.inputs, lengths(program.inputs, 0))
    names = {layer: name for name, layer in module.named_modules()}
    outputs = {names[layer] for layer in _ignored(module, example, ())}
    reasons = {}
    for name in before:
        if before[name] == after[name]:
            if surgery.is_in(name, config.exclude):
                reasons[name] = "excluded"
            elif name in outputs:
                reasons[name] = "its channels are the output's"
            else:
                reasons[name] = "its group depends on a layer that stays, or rounding leaves nothing to remove"
    return reasons


def _layers(module: nn.Module, program: Program) -> list[Layer]:
    """Every run of a convolution or a linear layer on one sample."""
    found: list[Layer] = []

    def record(layer: nn.Module, inputs: Any, output: Tensor) -> None:
        if isinstance(layer, nn.Linear):
            found.append(Layer("linear", output.numel() // layer.out_features, layer.in_features, layer.out_features))
        elif isinstance(layer, nn.modules.conv._ConvNd):
            kernel = layer.weight[0, 0].numel()
            positions = (inputs[0] if layer.transposed else output)[0, 0].numel()
            found.append(Layer("convolution", positions, layer.in_channels // layer.groups, layer.out_channels, kernel))

    hooks = [layer.register_forward_hook(record) for layer in module.modules() if isinstance(layer, _PRUNABLE)]
    sizes = {**lengths(program.inputs, 0)}
    sizes |= {str(spec.shape[0]): 1 for spec in program.inputs if spec.shape and isinstance(spec.shape[0], str)}
    try:
        signature.run(module.eval(), signature.samples(program.inputs, sizes), program.outputs)
    finally:
        for hook in hooks:
            hook.remove()
    return found
