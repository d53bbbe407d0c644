"""The last frames, all their rows: the sliding window."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vidmem.errors import UsageError


@dataclass(frozen=True)
class FrameWindow:
    frames: int = 14  # as many as MAMBA's release takes as references (vfe.pytorch, mamba_r101_dc5_3x)
    enhanced: bool = False  # whether rows are kept as they were enhanced

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise UsageError(f"frames = {self.frames} keeps nothing. 1 is the least; the bank none keeps nothing.")

    def start(self, seed: int) -> tuple[Tensor, ...]:
        return ()

    def read(self, state: tuple[Tensor, ...]) -> Tensor | None:
        return torch.cat(state) if state else None

    def write(self, state: tuple[Tensor, ...], plain: Tensor, enhanced: Tensor, scores: Tensor) -> tuple[Tensor, ...]:
        return (*state, enhanced if self.enhanced else plain)[-self.frames :]

    def fill(self, state: tuple[Tensor, ...], rows: Tensor, scores: Tensor) -> tuple[Tensor, ...]:
        return (rows,)
