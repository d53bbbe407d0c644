"""What a wrong answer costs (Ravi et al. 2024, appendix D.2): focal 20, dice 1, predicted IoU 1, object score 1.

Of the three masks of an unclear answer the best is taught; mask 0, the one for a clear prompt, is taught in every
answer, so that boxes need not learn it alone. All predicted IoUs are taught. Masks of absent objects cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.training.rollout import Seen


@dataclass(frozen=True)
class Weights:
    """How much each part counts."""

    focal: float = 20.0
    dice: float = 1.0
    iou: float = 1.0
    object: float = 1.0
    # Share of class-balanced cross-entropy in place of focal. Without it, what starts from nothing settles on "all
    # background":
    balanced: float = 0.0  # in frames that were remembered into
    opening: float = 0.0  # in the answers to boxes and clicks


def focal(logits: Tensor, truth: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Lin et al. 2017, the mean over pixels.     logits, truth (..., h, w)   ->   (...)"""
    cross = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    wrong = torch.where(truth > 0.5, 1 - logits.sigmoid(), logits.sigmoid())
    weight = alpha * truth + (1 - alpha) * (1 - truth)
    return (weight * wrong**gamma * cross).mean((-2, -1))


def dice(logits: Tensor, truth: Tensor) -> Tensor:
    """One minus twice the shared over the summed area, with one pixel of grace.     (..., h, w)   ->   (...)"""
    chance = logits.sigmoid()
    shared = (chance * truth).sum((-2, -1))
    return 1 - (2 * shared + 1) / (chance.sum((-2, -1)) + truth.sum((-2, -1)) + 1)


def balanced(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy where object and background count the same.     (..., h, w)   ->   (...)"""
    cross = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    on = (cross * truth).sum((-2, -1)) / truth.sum((-2, -1)).clamp(min=1)
    off = (cross * (1 - truth)).sum((-2, -1)) / (1 - truth).sum((-2, -1)).clamp(min=1)
    return 0.5 * (on + off)


def overlap(answer: Tensor, truth: Tensor) -> Tensor:
    """Intersection over union, 1 when both are empty.     bool (..., h, w)   ->   (...)"""
    joint = (answer | truth).sum((-2, -1)).float()
    return torch.where(joint > 0, (answer & truth).sum((-2, -1)) / joint.clamp(min=1), torch.ones_like(joint))


def total(seen: Iterable[Seen], masks: Tensor, weights: Weights) -> tuple[Tensor, dict[str, float]]:
    """The loss of a clip and its parts.     masks (N, T, S, S) bool, the truth in the frames that `seen` names

    Masks are compared at half the picture's size.
    """
    parts: dict[str, list[Tensor]] = {"mask": [], "iou": [], "object": [], "J": []}
    for each in seen:
        truth = masks[:, each.frame]
        present = truth.flatten(1).any(1)
        parts["object"].append(F.binary_cross_entropy_with_logits(each.object_score[:, 0], present.float()))
        if each.masks.shape[1] == 0 or not present.any():
            continue
        small = F.avg_pool2d(truth[present, None].float(), 2) >= 0.5
        logits = F.interpolate(each.masks[present].float(), small.shape[-2:], mode="bilinear", align_corners=False)
        target = small.float().expand_as(logits)
        blunt = weights.focal * focal(logits, target)
        share = weights.balanced if each.frame else weights.opening
        if share:
            blunt = (1 - share) * blunt + share * balanced(logits, target)
        cost = blunt + weights.dice * dice(logits, target)
        best = cost[:, 1:].min(1).values  # has the gradient of the least alone
        parts["mask"].append(0.5 * (best + cost[:, 0]).mean())
        true_iou = overlap(logits.detach() > 0, small.expand_as(logits))
        parts["iou"].append((each.pred_iou[present] - true_iou).abs().mean())
        believed = each.pred_iou[present, 1:].argmax(1, keepdim=True) + 1
        if not each.several:
            believed = torch.zeros_like(believed)
        parts["J"].append(true_iou.gather(1, believed).mean())
    mean = {name: torch.stack(values).mean() for name, values in parts.items() if values}
    loss = weights.object * mean["object"]
    if "mask" in mean:
        loss = loss + mean["mask"] + weights.iou * mean["iou"]
    return loss, {name: float(value.detach()) for name, value in mean.items()} | {"loss": float(loss.detach())}
