"""A model over a clip, with gradients: prompted in the first frame, remembering its own answers in the others.

The memory is SAM 2's: the prompt, the six frames before, and the object pointers (Ravi et al. 2024, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.models.sam2 import Answers, Sam2
from vidmem.training.prompts import Asked, Kind, ask, correct

SPAN = 15.0  # frames that count as 1 in the pointers' temporal code, as on an endless stream
POINTERS = 16  # at most so many are attended
SURE = 32.0  # an earlier answer is fed back with logits cut off here (SAM 2, interactive prompts)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Views(Protocol):
    """The features of some frames: strides 4, 8 and 16."""

    def __getitem__(self, index: int) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Seen:
    """The answer for one frame, to be compared with the truth."""

    frame: int
    masks: Tensor  # (N, 4, h, w) logits, not blanked; (N, 0, h, w) when the prompt was a mask
    pred_iou: Tensor  # (N, 4)
    object_score: Tensor  # (N, 1) logit
    several: bool = True  # the answer is the best of masks 1 to 3, not mask 0


@dataclass
class Past:
    """What is remembered of the objects of a batch. It grows in place: one training step owns it."""

    prompt: Tensor  # (N, h w, Cm)
    pages: list[Tensor] = field(default_factory=list)  # oldest first, each (N, h w, Cm)
    pointers: list[Tensor] = field(default_factory=list)  # the prompt's first, each (N, C)
    times: list[int] = field(default_factory=list)  # of the pointers


def normalise(images: Tensor) -> Tensor:
    """(B, 3, S, S) uint8 or 0..255 -> what the image encoder expects."""
    pixels = images.float().contiguous(memory_format=torch.channels_last) / 255
    return (pixels - pixels.new_tensor(MEAN)[:, None, None]) / pixels.new_tensor(DEVIATION)[:, None, None]


def follow(
    model: Sam2,
    images: Tensor,
    masks: Tensor,
    clip_of: Tensor,
    asked: Asked,
    *,
    others: Sequence[Asked] = (),
    gap: int = 0,
    blind: int = 0,
    told: bool = False,
    corrections: int = 0,
    chance: np.random.Generator | None = None,
) -> list[Seen]:
    """Every answer that is to be learned from.

    images (B, T, 3, S, S) uint8   masks (N, T, S, S) bool   clip_of (N,) which clip an object lives in
    others: what else is asked of the first frame, each for itself: its answers are learned from and not remembered
    gap: frames that passed unseen between the prompt and the next frame
    blind: frames behind the prompt that are followed without gradients, so that later ones meet a worn memory
    told: remember absence as it truly is, not as believed
    corrections: clicks added one by one to the first frame, where the answer is wrong
    """
    frames = images.shape[1]
    chance = chance or np.random.default_rng(0)
    learned = [0, *range(1 + blind, frames)]
    views = _encode(model, images[:, learned])
    hidden = None
    if blind:
        with torch.no_grad():
            hidden = _encode(model, images[:, 1 : 1 + blind])
    present = masks.flatten(2).any(2)  # (N, T)

    def view(frame: int) -> tuple[Tensor, Tensor, Tensor]:
        if hidden is not None and 1 <= frame <= blind:
            source, count, at = hidden, blind, frame - 1
        else:
            source, count, at = views, len(learned), learned.index(frame)
        s4, s8, s16 = (level[clip_of * count + at] for level in source)
        return s4, s8, s16

    seen: list[Seen] = []
    for other in others:
        seen += opening(model, view(0), other, corrections, chance).seen
    if frames == 1:
        return seen + opening(model, view(0), asked, corrections, chance).seen
    binary = bool(chance.random() < 0.25)
    more, past = prompted(model, view(0), asked, corrections, chance, binary)
    seen += more
    for frame in range(1, frames):
        truth = present[:, frame] if told else None
        last = frame == frames - 1
        if frame <= blind:
            with torch.no_grad():
                advance(model, view(frame), past, gap + frame, truth)
        else:
            answers = advance(model, view(frame), past, gap + frame, truth, keep=not last)
            seen.append(Seen(frame, answers.masks, answers.pred_iou, answers.object_score))
    return seen


def _encode(model: Sam2, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return model.encode_image(normalise(images.flatten(0, 1)))


class Opening(NamedTuple):
    """What is made of a prompt."""

    seen: list[Seen]
    chosen: Tensor  # (N, 1, h, w) logits of the mask that is believed
    pointer: Tensor  # (N, C)


def opening(
    model: Sam2, view: tuple[Tensor, Tensor, Tensor], asked: Asked, corrections: int, chance: np.random.Generator
) -> Opening:
    """The answers for the prompted frame, one for the prompt and one for each correcting click after it."""
    s4, s8, s16 = view
    side = 16 * s16.shape[2]
    if asked.kind == "mask":
        given = asked.masks[:, None].float()
        answers = model.decode_given_mask(s16, s8, s4, given)
        chosen = F.interpolate(20 * given - 10, s4.shape[2:], mode="bilinear", antialias=True, align_corners=False)
        seen = [Seen(0, answers.masks[:, :0], answers.pred_iou[:, :0], answers.object_score)]
        pointer = answers.object_pointers[:, 0]
        # The object is there, for it was shown; a model that doubts it would keep the pointer of absence.
    else:
        fresh = model.without_memory(s16)
        seen = []
        previous = chosen = pointer = None
        for turn in range(corrections + 1):
            answers = model.decode_masks(fresh, s8, s4, asked.points, asked.labels, previous)
            several = asked.points.shape[1] == 1
            seen.append(Seen(0, answers.masks, answers.pred_iou, answers.object_score, several))
            chosen, pointer = _chosen(answers, several)
            if turn < corrections:
                previous = chosen.detach().clamp(-SURE, SURE)
                answer = F.interpolate(previous, (side, side), mode="bilinear", align_corners=False)[:, 0] > 0
                asked = correct(chance, asked, answer)
    assert chosen is not None and pointer is not None
    return Opening(seen, chosen, pointer)


def prompted(
    model: Sam2,
    view: tuple[Tensor, Tensor, Tensor],
    asked: Asked,
    corrections: int,
    chance: np.random.Generator,
    binary: bool = False,
) -> tuple[list[Seen], Past]:
    """The answers for the prompted frame, and the past that begins with it. `binary`: it is remembered as 0 and 1."""
    seen, chosen, pointer = opening(model, view, asked, corrections, chance)
    s16 = view[2]
    side = 16 * s16.shape[2]
    mask = F.interpolate(chosen, (side, side), mode="bilinear", align_corners=False)
    mask = (mask > 0).float() if binary else mask.sigmoid()
    page = model.encode_memory(s16, mask, torch.ones(len(mask), dtype=torch.bool, device=mask.device))
    return seen, Past(page, [], [pointer], [0])


def advance(
    model: Sam2,
    view: tuple[Tensor, Tensor, Tensor],
    past: Past,
    time: int,
    present: Tensor | None = None,
    keep: bool = True,
) -> Answers:
    """The answers for the next frame, which is then remembered in `past`.

    time: frames since the prompt   present (N,) bool the truth, or None to remember what the model believes
    """
    s4, s8, s16 = view
    recent = past.pages[-6:]
    count, device = len(past.prompt), s16.device
    slots = torch.tensor([6, *reversed(range(len(recent)))], device=device).expand(count, -1)
    ages = torch.tensor([(time - each) / SPAN for each in past.times], device=device).expand(count, -1)
    image = model.condition(s16, [past.prompt, *recent], slots, torch.stack(past.pointers, 1), ages)
    answers = model.decode_masks(image, s8, s4)
    if not keep:
        return answers
    chosen, pointer = _chosen(answers, several=True)
    visible = answers.object_score[:, 0] > 0 if present is None else present
    side = 16 * s16.shape[2]
    mask = F.interpolate(chosen, (side, side), mode="bilinear", align_corners=False).sigmoid()
    mask = mask * visible[:, None, None, None]
    past.pages.append(model.encode_memory(s16, mask, visible))
    past.pointers.append(torch.where(visible[:, None], pointer, model.no_obj_ptr))
    past.times.append(time)
    del past.pages[:-6]
    if len(past.pointers) > POINTERS:
        del past.pointers[1], past.times[1]
    return answers


def _chosen(answers: Answers, several: bool) -> tuple[Tensor, Tensor]:
    """The mask (N, 1, h, w) and pointer (N, C) that are believed: of masks 1 to 3 the surest, or mask 0."""
    best = answers.pred_iou[:, 1:].argmax(1) + 1
    if not several:
        best = torch.zeros_like(best)
    rows = torch.arange(len(best), device=best.device)
    return answers.masks[rows, best][:, None], answers.object_pointers[rows, best]


@torch.no_grad()
def watch(model: Sam2, images: Sequence[Tensor], first: Tensor, kind: Kind = "mask") -> list[Tensor]:
    """Follow one object through a whole video as the published tracker does.

    images: each (3, H, W) uint8   first (H, W) bool, the object in the first of them
    ->   for each further frame its mask (H, W) bool
    """
    height, width = first.shape
    asked = _asked(model, first, kind)
    _, past = prompted(model, _view(model, images[0]), asked, 0, np.random.default_rng(0))
    out = []
    for time, image in enumerate(images[1:], 1):
        answers = advance(model, _view(model, image), past, time)
        best = int(answers.pred_iou[0, 1:].argmax()) + 1
        logits = F.interpolate(answers.masks[:, best, None], (height, width), mode="bilinear", align_corners=False)
        out.append(((logits[0, 0] > 0) & (answers.object_score[0, 0] > 0)).cpu())
    return out


@torch.no_grad()
def point_out(model: Sam2, image: Tensor, truth: Tensor, kind: Kind) -> Tensor:
    """What one box or click in a picture is taken for.     image (3, H, W) uint8   truth (H, W) bool -> (H, W) bool"""
    asked = _asked(model, truth, kind)
    chosen = opening(model, _view(model, image), asked, 0, np.random.default_rng(0)).chosen
    return F.interpolate(chosen, tuple(truth.shape), mode="bilinear", align_corners=False)[0, 0].cpu() > 0


def _asked(model: Sam2, truth: Tensor, kind: Kind) -> Asked:
    asked = ask(np.random.default_rng(0), kind, _squeezed(model, truth[None]) >= 0.5)
    return asked.to(model.no_obj_ptr.device)


def _squeezed(model: Sam2, planes: Tensor) -> Tensor:
    """(C, H, W) -> (C, S, S) float"""
    side = model.sizes.image_size
    return F.interpolate(planes[None].float(), side, mode="bilinear", antialias=True, align_corners=False)[0]


def _view(model: Sam2, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return model.encode_image(normalise(_squeezed(model, image)[None].to(model.no_obj_ptr.device)))
