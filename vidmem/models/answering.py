"""Answers to questions: who is asked together, what the decoder is given, and which of its masks are the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.models.holes import fill_holes
from vidmem.models.prompt_encoder import NOT_A_POINT
from vidmem.models.questions import groups, is_empty, mask_of, points_of
from vidmem.values import Features, Question

if TYPE_CHECKING:
    from vidmem.models.sam2 import Answers, Sam2

CLAMP = 32.0  # of an earlier answer's logits when it is corrected (sam2_video_predictor.py:274)
GIVEN_LOGIT = 10.0  # how sure of a mask that was given (sam2_base.py:420)


class Row(NamedTuple):
    """An answer whose scores are still on the device. Rows share no storage, so keeping one keeps no other alive."""

    masks: Tensor  # (K, h, w) logits
    object_pointers: Tensor  # (K, C)
    numbers: Tensor  # (4,) K predicted IoUs, zeros up to three, the object score
    usage: tuple[Tensor, ...] | None = None  # for each page of the memory (N,): how much its tokens were attended


def answer_by_looking(model: Sam2, features: Features, questions: dict[int, Question]) -> dict[int, Row]:
    """Rows for questions without a mask. Up to one point may mean several things: three candidates; else one."""
    s4, s8, s16 = features.levels
    points = {i: points_of(question.prompt, features, model.sizes.image_size) for i, question in questions.items()}
    seen = _conditioned(model, s16, questions)
    rows: dict[int, Row] = {}
    # No point and one point become equally many tokens, so tracking and a click are asked together.
    for alike in groups(questions, lambda i: (max(1, len(points[i][0])), questions[i].previous is None)):
        given, labels = _padded([points[i] for i in alike], s16.device)
        previous = [questions[i].previous for i in alike]
        answers = model.decode_masks(
            torch.stack([seen[i].image for i in alike]), s8, s4, given, labels, _started(model, previous)
        )
        picks = _single_picks(model, answers)
        for row, i in enumerate(alike):
            masks, pred_iou, pointers, score = (each[row] for each in answers)
            if len(points[i][0]) <= 1:
                rows[i] = _row(masks[1:], pointers[1:], pred_iou[1:], score)
            else:  # the pointer stays that of mask 0, whichever mask is shown
                rows[i] = _row(masks[picks[row]], pointers[:1], pred_iou[picks[row]], score)
            rows[i] = rows[i]._replace(usage=seen[i].usage)
    return rows


def answer_with_given(model: Sam2, features: Features, questions: dict[int, Question]) -> dict[int, Row]:
    """Rows for questions whose prompt is a mask: it is the answer, and the model only adds its pointer."""
    if not questions:
        return {}
    s4, s8, s16 = features.levels
    height, width = model.sizes.image_size
    prompts = [question.prompt for question in questions.values()]
    masks = torch.stack([mask_of(p, features, (height, width)) for p in prompts if p is not None]).to(s16.device)
    answers = model.decode_given_mask(s16, s8, s4, masks)
    logits = masks * (2 * GIVEN_LOGIT) - GIVEN_LOGIT
    logits = F.interpolate(logits, (height // 4, width // 4), mode="bilinear", antialias=True, align_corners=False)
    # The model may not see the object it is shown; then the pointer is the one of absence.
    pointers = torch.where(answers.object_score > 0, answers.object_pointers[:, 0], model.no_obj_ptr)
    present = masks.flatten(1).any(1)[:, None]  # a mask of a few pixels may not survive the model's grid
    score = torch.where(present, GIVEN_LOGIT, -GIVEN_LOGIT)
    sure = torch.ones_like(score)
    return {i: _row(logits[row], pointers[row, None], sure[row], score[row]) for row, i in enumerate(questions)}


class Seen(NamedTuple):
    """What a question sees of the frame after remembering."""

    image: Tensor  # (C, h, w)
    usage: tuple[Tensor, ...] | None = None


def _conditioned(model: Sam2, s16: Tensor, questions: dict[int, Question]) -> dict[int, Seen]:
    """What each question sees of the frame. All memories are attended in one batch."""
    seen: dict[int, Seen] = {}
    memories = {i: question.memory for i, question in questions.items()}
    remembered = {i: memory for i, memory in memories.items() if memory is not None and not is_empty(memory)}
    if remembered:
        for i, (image, usage) in zip(remembered, model.recall(s16, list(remembered.values())), strict=True):
            seen[i] = Seen(image[0], None if usage is None else tuple(page[0].clone() for page in usage))
    if len(remembered) < len(questions):
        fresh = Seen(model.without_memory(s16)[0])
        seen |= {i: fresh for i in questions if i not in remembered}
    return seen


def _started(model: Sam2, previous: Sequence[Tensor | None]) -> Tensor | None:
    """(B, 1, h, w) the earlier answers as the decoder is to correct them. All or none of a batch have one."""
    earlier = [logits for logits in previous if logits is not None]
    if not earlier:
        return None
    return fill_holes(torch.stack(earlier), model.options.fill_hole_area)[:, None].clamp(-CLAMP, CLAMP)


def _padded(
    prompts: Sequence[tuple[Tensor, Tensor]], device: torch.device
) -> tuple[Tensor, Tensor] | tuple[None, None]:
    """(B, P, 2) points and (B, P) labels; where others have one, a padding point stands in. Nothing for nothing."""
    if not any(len(points) for points, _ in prompts):
        return None, None
    nowhere = torch.zeros(1, 2), torch.full((1,), NOT_A_POINT)
    points, labels = zip(*(each if len(each[0]) else nowhere for each in prompts), strict=True)
    return torch.stack(points).to(device), torch.stack(labels).to(device)


def _single_picks(model: Sam2, answers: Answers) -> Tensor:
    """(B, 1) the mask to show where one is wanted: 0, or the best other where 0 is unstable and that matters."""
    options = model.options
    if not options.stability_fallback:
        return answers.pred_iou.new_zeros(len(answers.masks), 1, dtype=torch.long)
    first = answers.masks[:, 0].flatten(1)
    inner, outer = (first > options.stability_delta).sum(1), (first > -options.stability_delta).sum(1)
    stability = torch.where(outer > 0, inner / outer, 1.0)
    best = answers.pred_iou[:, 1:].argmax(1) + 1
    return torch.where(stability >= options.stability_threshold, 0, best)[:, None]


def _row(masks: Tensor, object_pointers: Tensor, pred_iou: Tensor, object_score: Tensor) -> Row:
    """masks (K, h, w)   object_pointers (K, C)   pred_iou (K,)   object_score (1,)"""
    numbers = torch.cat((F.pad(pred_iou, (0, 3 - len(pred_iou))), object_score))
    return Row(masks.clone(), object_pointers.clone(), numbers.float())
