"""Observations made up for tests of banks: no model needed."""

from __future__ import annotations

import torch

from vidmem.values import Candidates, Entry, Guess, Observation


def observe(
    frame: int, prompted: bool = False, pred_iou: float = 0.9, score: float = 5.0, remember=None, tokens: int = 4
) -> Observation:
    """What a bank is told of a frame; its tokens hold the frame's number."""
    mask, pointer = torch.ones(2, 2), torch.full((8,), float(frame))
    guess = Guess(frame, mask, pointer, pred_iou, score, score > 0, prompted)

    def entry() -> Entry:
        return Entry(frame, torch.full((tokens, 2), float(frame)), pointer, pred_iou, score, prompted)

    candidates = Candidates(mask[None], (pred_iou,), pointer[None], torch.zeros(8), score)
    return Observation(guess, candidates, remember or entry)


def after(bank, frames: int, prompts: tuple[int, ...] = (0,)):
    """A bank's state after `frames` frames, of which those in `prompts` were prompted."""
    state = bank.start()
    for frame in range(frames):
        state = bank.write(state, observe(frame, prompted=frame in prompts))
    return state
