"""A few frames evenly spread over all that was seen, their rows as they are: what SELSA aggregates over.

SELSA (Wu et al., ICCV 2019) takes its references from the whole sequence, which an endless stream has not. So one frame
in so many is kept, and whenever there are more than may be kept every other of them goes, and from then on half as many
come: at any time what is kept is spread evenly over the past.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from vidmem.errors import UsageError


@dataclass(frozen=True, eq=False)
class SpreadState:
    kept: tuple[Tensor, ...] = ()  # rows of a frame each (N, C)
    seen: int = 0  # frames
    step: int = 1  # one frame in so many is kept
    latest: Tensor | None = None  # of the frame just before, which is always shown
    references: Tensor | None = field(default=None)  # given beforehand; then nothing else is kept


@dataclass(frozen=True)
class Spread:
    frames: int = 14  # references in tests (vfe.pytorch, as for MAMBA, so that both know as much)

    def __post_init__(self) -> None:
        if self.frames < 2:
            raise UsageError(f"frames = {self.frames} cannot be spread. 2 is the least.")

    def start(self, seed: int) -> SpreadState:
        return SpreadState()

    def read(self, state: SpreadState) -> Tensor | None:
        if state.references is not None:
            return state.references
        shown = state.kept
        if state.latest is not None and not any(each is state.latest for each in shown):
            shown = (*shown, state.latest)
        return torch.cat(shown) if shown else None

    def write(self, state: SpreadState, plain: Tensor, enhanced: Tensor, scores: Tensor) -> SpreadState:
        if state.references is not None:
            return state
        kept, step = state.kept, state.step
        if state.seen % step == 0:
            kept = (*kept, plain)
            if len(kept) > self.frames:
                kept, step = kept[::2], 2 * step
        return replace(state, kept=kept, step=step, seen=state.seen + 1, latest=plain)

    def fill(self, state: SpreadState, rows: Tensor, scores: Tensor) -> SpreadState:
        return replace(state, references=rows)
