"""Knowledge distillation: the model that flows through the recipe, the student, learns to answer as the teacher does.

The terms and their sources stand in `losses.py`; a survey: Gou et al., "Knowledge Distillation: A Survey", 2020,
https://arxiv.org/abs/2006.05525. The student may be a model of its own or the teacher after pruning. Where inputs are
mixed (Zhang et al., "mixup", 2017, https://arxiv.org/abs/1710.09412), teacher and student see the same mixture, as in
Beyer et al., "A good teacher is patient and consistent", 2021, https://arxiv.org/abs/2106.05237.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lepton_plugin_torch import losses, surgery, training
from lepton_plugin_torch.pass_configs import DistillConfig
from lepton_plugin_torch.program import Program, built
from lepton_rules.plugin import LeptonError, ModelDirectory, ModelFacts, PassContext
from lepton_rules.plugin.names import suggestion

_WHAT = "pass torch.distill"
_KEPT_BYTES = 256 << 20  # of the teacher's answers


def distill(context: PassContext) -> ModelFacts:
    """Writes the student that was taught.

    Raises:
        LeptonError: the teacher is no PyTorch model, a feature is no layer, or the samples do not fit.
    """
    config: DistillConfig = context.config
    program = surgery.begin(context)
    teacher = context.slots["teacher"]
    assert isinstance(teacher, ModelDirectory)
    if teacher.manifest["format"] != "pytorch":
        raise LeptonError(
            f"slot teacher of {_WHAT}", f"its model is {teacher.manifest['format']}", "Bind a model in format pytorch"
        )
    samples = training.read_samples(context.slots.get("train"), program.inputs, _WHAT, labels=config.label_weight > 0)
    teacher_program = Program.read(teacher.path)
    with built(teacher.path, teacher_program) as teaching, built(context.model.path, program) as student:
        shapes = surgery.shapes_of(student)
        teaching.requires_grad_(False)
        lesson = _Lesson(
            _Side(student, program, [pair[0] for pair in config.pairs], "student"),
            _Side(teaching, teacher_program, [pair[1] for pair in config.pairs], "teacher"),
            samples,
            config,
            context.seed,
        )
        with lesson.side_student.listening(), lesson.side_teacher.listening():
            lesson.keep_answers()
            lesson.make_regressors()
            before = lesson.agreement()
            history = training.fit([student, *lesson.regressors], samples, config, context.seed, lesson.loss, _WHAT)
            after = lesson.agreement()
        notes: dict[str, Any] = {
            "teacher": teacher.manifest["digest"],
            "training": training.training_notes(config, samples, history),
            "agreement_on_train": {"before": before, "after": after},
        }
        return surgery.finish(context, student, program, shapes, notes, _WHAT)


@dataclass
class _Side:
    """Student or teacher: a module whose layers are listened to.

    Args:
        module: the network.
        program: how it was built.
        layers: names of the layers whose outputs are wanted.
        role: for messages.
    """

    module: nn.Module
    program: Program
    layers: Sequence[str]
    role: str

    def __post_init__(self) -> None:
        self.features: dict[str, Tensor] = {}

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Keeps what the layers give, each time the module runs."""
        known = dict(self.module.named_modules())
        hooks = []
        try:
            for name in self.layers:
                if name not in known or not name:
                    raise LeptonError(
                        f"features of {_WHAT}", f"the {self.role} has no layer {name!r}", suggestion(name, list(known))
                    )
                hooks.append(known[name].register_forward_hook(self._keep(name)))
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _keep(self, name: str) -> Any:
        def keep(layer: nn.Module, inputs: Any, output: object) -> None:
            if not isinstance(output, Tensor) or output.dim() < 2:
                raise LeptonError(
                    f"features of {_WHAT}",
                    f"the {self.role}'s layer {name!r} gives no tensor [batch, channels, ...]",
                    "Name another layer",
                )
            self.features[name] = output

        return keep

    def run(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """The first output."""
        return training.first_output(self.module(*inputs), self.program.outputs)


class _Lesson:
    """The loss of a batch.

    Args:
        side_student: the student.
        side_teacher: the teacher.
        samples: what is learned from.
        config: the pass's.
        seed: of the regressors and of the mixtures.
    """

    def __init__(
        self, side_student: _Side, side_teacher: _Side, samples: training.Samples, config: DistillConfig, seed: int
    ) -> None:
        self.side_student, self.side_teacher = side_student, side_teacher
        self.regressors: list[nn.Module] = []
        self._samples, self._config, self._seed = samples, config, seed
        self._generator = torch.Generator().manual_seed(seed + 1)
        self._answers: Tensor | None = None

    def keep_answers(self) -> None:
        """Asks the teacher once for all samples, where they stay the same and only its answers are wanted."""
        config, samples = self._config, self._samples
        if config.features or config.mixup or samples.fixed:
            return
        parts, size = [], 0
        for start in range(0, len(samples), config.batch_size):
            chosen = torch.arange(start, min(start + config.batch_size, len(samples)))
            with torch.no_grad():
                parts.append(self.side_teacher.run(samples.batch(chosen)))
            size += parts[-1].numel() * parts[-1].element_size()
            if size > _KEPT_BYTES or len(parts[-1]) != len(chosen):
                return
        self._answers = torch.cat(parts)

    def _taught(self, chosen: Tensor, inputs: tuple[Tensor, ...]) -> Tensor:
        """The teacher's answers to the chosen samples, whose inputs these are."""
        if self._answers is not None:
            return self._answers[chosen]
        with torch.no_grad():
            return self.side_teacher.run(inputs)

    def loss(self, chosen: Tensor) -> Mapping[str, Tensor]:
        """The weighted terms for the chosen samples."""
        config = self._config
        inputs, other, share = self._mixed(chosen)
        wanted, found = self._taught(chosen, inputs), self.side_student.run(inputs)
        terms: dict[str, Tensor] = {}
        if config.response_weight:
            if config.response == "kl":
                terms["response"] = losses.response_kl(found, wanted, config.temperature)
            else:
                terms["response"] = losses.response_mse(found, wanted)
            terms["response"] = config.response_weight * terms["response"]
        if config.label_weight:
            labels = training.classes(self._samples, found, _WHAT)
            value = share * self._label_loss(found, labels[chosen])
            if share < 1:
                value = value + (1 - share) * self._label_loss(found, labels[other])
            terms["label"] = config.label_weight * value
        pairs = [
            (self.side_student.features[mine], self.side_teacher.features[theirs]) for mine, theirs in config.pairs
        ]
        for number, (mine, theirs) in enumerate(pairs):
            if config.hint_weight:
                value = losses.hint(self.regressors[number](mine), theirs)
                terms["hint"] = terms.get("hint", 0) + config.hint_weight / len(pairs) * value
            if config.attention_weight:
                value = losses.attention(mine, theirs)
                terms["attention"] = terms.get("attention", 0) + config.attention_weight / len(pairs) * value
        relations = [(_pooled(mine), _pooled(theirs)) for mine, theirs in pairs] or [(found, wanted)]
        for weight, name, relation in (
            (config.distance_weight, "distance", losses.relation_distance),
            (config.angle_weight, "angle", losses.relation_angle),
        ):
            if weight:
                terms[name] = weight * torch.stack([relation(*pair) for pair in relations]).mean()
        return terms

    def _label_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        config = self._config
        if config.label_loss == "focal":
            return losses.focal(logits, labels, config.focal_alpha, config.focal_gamma)
        return losses.cross_entropy(logits, labels)

    def _mixed(self, chosen: Tensor) -> tuple[tuple[Tensor, ...], Tensor, float]:
        """Inputs of the chosen samples mixed with those of others, the others, and the share of the chosen."""
        inputs = self._samples.batch(chosen)
        if not self._config.mixup:
            return inputs, chosen, 1.0
        order = torch.randperm(len(chosen), generator=self._generator)
        share = 1 - float(torch.rand(1, generator=self._generator)) * self._config.mixup / 2
        mixed = tuple(
            share * tensor + (1 - share) * tensor[order] if tensor.is_floating_point() else tensor for tensor in inputs
        )
        return mixed, chosen[order], share

    def make_regressors(self) -> None:
        """For each pair of features, what takes the student's channels to the teacher's; it is not kept."""
        config = self._config
        if not (config.hint_weight or config.attention_weight):
            return
        chosen = self._samples.chunks(2, torch.arange(len(self._samples)))[0]
        self.agreement_of(chosen)
        torch.manual_seed(self._seed)
        for mine, theirs in config.pairs:
            a, b = self.side_student.features[mine], self.side_teacher.features[theirs]
            if a.shape[2:] != b.shape[2:]:
                raise LeptonError(
                    f"features of {_WHAT}",
                    f"{mine!r} of the student is {list(a.shape)}, {theirs!r} of the teacher {list(b.shape)}",
                    "Pair layers with equal heights and widths",
                )
            self.regressors.append(nn.Identity() if a.shape[1] == b.shape[1] else _Regressor(a.shape[1], b.shape[1]))

    def agreement(self) -> float:
        """Share of the samples on which the greatest value of student and teacher is that of the same class."""
        self.side_student.module.eval()
        chunks = self._samples.chunks(self._config.batch_size, torch.arange(len(self._samples)))
        same = sum(self.agreement_of(chosen) for chosen in chunks)
        return round(same / sum(map(len, chunks)), 6)

    def agreement_of(self, chosen: Tensor) -> int:
        """On how many of the chosen samples they agree."""
        inputs = self._samples.batch(chosen)
        with torch.no_grad():
            found, wanted = self.side_student.run(inputs), self._taught(chosen, inputs)
        if found.shape != wanted.shape or found.dim() < 2:
            raise LeptonError(
                f"slot teacher of {_WHAT}",
                f"it gives {list(wanted.shape)}, the student {list(found.shape)}",
                "Bind a teacher whose first output has the same shape, at least [batch, classes]",
            )
        return int((found.argmax(-1) == wanted.argmax(-1)).reshape(len(chosen), -1).all(1).sum())


class _Regressor(nn.Module):
    """A linear map of channels at each position: [batch, inputs, ...] to [batch, outputs, ...]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = self.linear(features.movedim(1, -1)).movedim(-1, 1)
        return result


def _pooled(features: Tensor) -> Tensor:
    """[batch, channels]: the mean over the positions."""
    return features.flatten(2).mean(2) if features.dim() > 2 else features
