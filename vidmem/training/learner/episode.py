"""A clip as a target model meets it: learned from its first frame, answered and learned on in the others.

Gradients of the answers reach the label encoder through the steps of the solver. Answers that are learned from are
taken as they are, so that gradients do not run through what was answered before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.models.sam2 import Sam2
from vidmem.targets.codings import Seen
from vidmem.targets.codings.network import STRIDE, Learner
from vidmem.targets.filter import OnlineFilter
from vidmem.targets.solver import Problem, descend, respond
from vidmem.training.losses import dice
from vidmem.training.rollout import normalise
from vidmem.values import Features, Guess

GIVEN = 10.0  # logit of a mask that was given, as in SAM 2


@dataclass(frozen=True)
class Steps:
    """Of the solver."""

    start: int  # on the first frame
    update: int  # behind each answer


@torch.no_grad()
def look(model: Sam2, images: Tensor) -> list[Features]:
    """What a frozen model makes of the frames (T, 3, S, S) uint8 of a clip."""
    levels = model.encode_image(normalise(images))
    size = (images.shape[2], images.shape[3])
    return [Features(t, size, tuple(level[t, None] for level in levels)) for t in range(len(images))]


def answers(learner: Learner, frames: Sequence[Seen], first: Tensor, steps: Steps) -> Tensor:
    """(T - 1, h', w') logits of every frame but the first, whose mask (h', w') of 0..1 is given."""
    grid = frames[0].deep.shape[1], frames[0].deep.shape[2]
    label, weight = learner.encode(first, grid)
    features, labels, weights = [frames[0].deep], [label], [weight]
    filter = label.new_zeros(len(label), len(frames[0].deep), 3, 3)
    due, said = steps.start, []
    for number, seen in enumerate(frames[1:], 2):
        if due:
            share = len(features) ** -0.5  # [S] LWL, where no weights are given
            problem = Problem(
                torch.stack(features), torch.stack(labels), share * torch.stack(weights), decay=learner.decay
            )
            filter = descend(problem, filter, due).filter
        logits = learner.decode(respond(seen.deep[None], filter)[0], seen)
        said.append(logits)
        due = steps.update
        if due and number < len(frames):
            label, weight = learner.encode(logits.detach().sigmoid(), grid)
            features, labels, weights = [*features, seen.deep], [*labels, label], [*weights, weight]
    return torch.stack(said)


def small(masks: Tensor) -> Tensor:
    """(T, h', w') 0..1: masks (T, S, S) bool at the stride of the answers."""
    return F.avg_pool2d(masks[:, None].float(), STRIDE)[:, 0]


def loss_of(logits: Tensor, truth: Tensor) -> Tensor:
    """What answers cost, a number: cross-entropy and dice, at half the size of the pictures. [C] LWL: Lovász.

    logits (T, h', w')   truth (T, S, S) bool
    """
    fine = F.interpolate(logits[:, None], scale_factor=STRIDE / 2, mode="bilinear", align_corners=False)[:, 0]
    wanted = (F.avg_pool2d(truth[:, None].float(), 2)[:, 0] >= 0.5).float()
    return F.binary_cross_entropy_with_logits(fine, wanted) + dice(fine, wanted).mean()


@torch.no_grad()
def follow_alone(target: OnlineFilter, model: Sam2, images: Sequence[Tensor], first: Tensor) -> list[Tensor]:
    """Follow one object through a video by a target model and nothing else.

    images: each (3, H, W) uint8   first (H, W) bool, the object in the first of them
    ->   for each further frame its mask (H, W) bool
    """
    side = model.sizes.image_size
    state, out = target.start(), []
    for number, image in enumerate(images):
        shrunk = F.interpolate(image[None].float(), side, mode="bilinear", antialias=True, align_corners=False)
        (features,) = look(model, shrunk)
        seen = target.prepare(features)
        if number:
            state, logits = target.look(state, seen, number)
            assert logits is not None
            large = F.interpolate(logits[None, None], first.shape, mode="bilinear", align_corners=False)[0, 0]
            out.append(large > 0)
        else:
            given = F.interpolate(first[None, None].float(), side, mode="bilinear", antialias=True)
            logits = (2 * small(given[:, 0])[0] - 1) * GIVEN
        visible = bool((logits > 0).any())
        state = target.learn(state, seen, Guess(number, logits, logits.new_zeros(1), 1.0, 10.0, visible, number == 0))
    return out
