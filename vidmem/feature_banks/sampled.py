"""MAMBA's memory: a large store of single rows, of which each frame is shown a few, and which random rows leave.

MAMBA (Sun et al., AAAI 2021), section 3, as its authors released it (vfe.pytorch, memory_bank). While less is kept than
may be, all of a frame's rows are added, so that the store may end a little above `capacity`; from then on as many rows
drawn at random leave as come, one by one and whatever frame they are of. The frame after `fill` is shown all rows and
writes none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from vidmem.errors import UsageError

Choice = Literal["random", "ranked", "frequency"]


@dataclass(frozen=True, eq=False)
class Store:
    seed: int
    frames: int = 0  # seen; together with the seed it decides what is drawn
    rows: Tensor | None = None  # (L, C)
    scores: Tensor | None = None  # (L,)
    first: bool = False  # filled from references, and no frame seen since

    def __len__(self) -> int:
        return 0 if self.rows is None else len(self.rows)


@dataclass(frozen=True)
class Sampled:
    capacity: int = 20000  # vfe.pytorch: rows
    keys: int = 2000  # MAMBA, section 4: N_k, rows shown to a frame
    choice: Choice = "random"  # the paper's default; the other two are those it compares with
    enhanced: bool = True  # rows are kept as they were enhanced
    half: bool = False  # kept in 16 bits, which is half the bytes

    def __post_init__(self) -> None:
        if self.choice not in ("random", "ranked", "frequency"):
            raise UsageError(f"choice = {self.choice!r} is not known. It is random, ranked or frequency.")
        if self.capacity < 1 or self.keys < 1:
            raise UsageError(f"capacity = {self.capacity} and keys = {self.keys}: both are 1 or more.")

    def start(self, seed: int) -> Store:
        return Store(seed)

    def read(self, state: Store) -> Tensor | None:
        if state.rows is None or not len(state.rows):
            return None
        if state.first or len(state) < self.keys:
            return state.rows
        assert state.scores is not None
        if self.choice == "ranked":
            shown = state.scores.topk(self.keys).indices
        elif self.choice == "frequency":
            shares = state.scores.double().softmax(0).cpu()
            shown = torch.multinomial(shares, self.keys, generator=_dice(state, 1))
        else:
            shown = torch.randperm(len(state), generator=_dice(state, 1))[: self.keys]
        return state.rows[shown.to(state.rows.device)]

    def write(self, state: Store, plain: Tensor, enhanced: Tensor, scores: Tensor) -> Store:
        after = replace(state, frames=state.frames + 1, first=False)
        if state.first:
            return after
        return self._put(after, enhanced if self.enhanced else plain, scores)

    def fill(self, state: Store, rows: Tensor, scores: Tensor) -> Store:
        return replace(self._put(replace(state, rows=None, scores=None), rows, scores), first=True)

    def _put(self, state: Store, rows: Tensor, scores: Tensor) -> Store:
        rows = rows.detach().to(torch.float16) if self.half else rows.detach()
        scores = scores.detach().float()
        if state.rows is None or state.scores is None:
            return replace(state, rows=rows.clone(), scores=scores.clone())  # not a view of the frame's features
        if len(state) < self.capacity:
            return replace(state, rows=torch.cat([state.rows, rows]), scores=torch.cat([state.scores, scores]))
        leave = torch.randperm(len(state), generator=_dice(state, 2))[: len(rows)].to(rows.device)
        come = len(leave)  # all, unless a frame has more rows than are kept
        return replace(
            state,
            rows=state.rows.index_copy(0, leave, rows[:come].to(state.rows.dtype)),
            scores=state.scores.index_copy(0, leave, scores[:come]),
        )


def _dice(state: Store, use: int) -> torch.Generator:
    """Chance for one use of one frame. Numbers are mixed, so that streams of near seeds have nothing in common."""
    mixed = (state.seed * 1_000_003 + state.frames * 8_191 + use) * 2_654_435_761
    return torch.Generator().manual_seed(mixed % (1 << 63))
