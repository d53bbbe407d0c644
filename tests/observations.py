"""Observations made up for tests of banks: no model needed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vidmem.values import Candidates, Entry, Guess, Observation


def observe(
    frame: int,
    prompted: bool = False,
    pred_iou: float = 0.9,
    score: float = 5.0,
    remember: Callable[..., Entry] | None = None,
    tokens: int = 4,
    *,
    masks: Tensor | None = None,
    pick: int = 0,
    size: tuple[int, int] = (2, 2),
    motion_iou: float | None = None,
) -> Observation:
    """What a bank is told of a frame; its tokens hold its number.     masks (K, h, w) logits of all candidates"""
    masks, pointer = torch.ones(1, 2, 2) if masks is None else masks, torch.full((8,), float(frame))
    guess = Guess(frame, masks[pick], pointer, pred_iou, score, score > 0, prompted)

    def entry(*, as_prompt: bool = False) -> Entry:
        content = torch.full((tokens, 2), float(frame))
        return Entry(frame, content, pointer, pred_iou, score, prompted or as_prompt)

    count = len(masks)
    candidates = Candidates(masks, (pred_iou,) * count, pointer.expand(count, -1), torch.zeros(8), score)
    return Observation(guess, candidates, pick, size, motion_iou, remember or entry)


def after(bank, frames: int, prompts: tuple[int, ...] = (0,)):
    """A bank's state after `frames` frames, of which those in `prompts` were prompted."""
    state = bank.start()
    for frame in range(frames):
        state = bank.write(state, observe(frame, prompted=frame in prompts))
    return state
