"""What a student is taught by: each loss is the mean over a batch, a scalar.

Logits are float [batch, classes]; features are float [batch, channels, ...positions].
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def response_kl(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)).

    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, https://arxiv.org/abs/1503.02531,
    section 2; T^2 keeps the gradients' size whatever the temperature.
    """
    target = functional.log_softmax(teacher / temperature, dim=-1)
    found = functional.log_softmax(student / temperature, dim=-1)
    divergence = functional.kl_div(found, target, reduction="none", log_target=True).sum(-1).mean()
    return divergence * temperature**2


def response_mse(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared error of the logits.

    Ba and Caruana, "Do Deep Nets Really Need to be Deep?", 2014, https://arxiv.org/abs/1312.6184, section 2.1.
    """
    return functional.mse_loss(student, teacher)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """-log p of the label's class."""
    return functional.cross_entropy(logits, labels)


def focal(logits: Tensor, labels: Tensor, alpha: float, gamma: float) -> Tensor:
    """-alpha (1 - p)^gamma log p, of the label's class.

    Lin et al., "Focal Loss for Dense Object Detection", 2017, https://arxiv.org/abs/1708.02002, equation 5, with one
    alpha for all classes.
    """
    log_p = functional.log_softmax(logits, dim=-1).gather(-1, labels[:, None]).squeeze(-1)
    return (-alpha * (1 - log_p.exp()) ** gamma * log_p).mean()


def hint(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared error of features, the student's through a regressor where it has other channels.

    Romero et al., "FitNets: Hints for Thin Deep Nets", 2014, https://arxiv.org/abs/1412.6550, equation 3.
    """
    return functional.mse_loss(student, teacher)


def attention(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of normalised attention maps, each the mean of squares over the channels.

    Zagoruyko and Komodakis, "Paying More Attention to Attention", 2016, https://arxiv.org/abs/1612.03928, equation 2
    with p = 2, as their own code has it.
    """
    return (_attention_map(student) - _attention_map(teacher)).pow(2).mean()


def _attention_map(features: Tensor) -> Tensor:
    return functional.normalize(features.pow(2).mean(1).flatten(1), dim=1)


def relation_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Huber's loss of the distances between the samples of a batch, each batch's divided by their mean.

    Park et al., "Relational Knowledge Distillation", 2019, https://arxiv.org/abs/1904.05068, section 3.2.1.
    """
    return functional.smooth_l1_loss(_distances(student.flatten(1)), _distances(teacher.flatten(1)))


def _distances(points: Tensor) -> Tensor:
    squares = points.pow(2).sum(1)
    squared = (squares[:, None] + squares[None, :] - 2 * points @ points.T).clamp_min(1e-12)
    others = 1 - torch.eye(len(points), dtype=points.dtype)
    distances = squared.sqrt() * others
    return distances / (distances.sum() / others.sum().clamp_min(1)).clamp_min(1e-12)


def relation_angle(student: Tensor, teacher: Tensor) -> Tensor:
    """Huber's loss of the cosines of the angles between every three samples of a batch.

    Park et al., 2019, section 3.2.2. Memory grows with the third power of the batch.
    """
    return functional.smooth_l1_loss(_cosines(student.flatten(1)), _cosines(teacher.flatten(1)))


def _cosines(points: Tensor) -> Tensor:
    differences = functional.normalize(points[None, :, :] - points[:, None, :], dim=2)
    return torch.bmm(differences, differences.transpose(1, 2))
