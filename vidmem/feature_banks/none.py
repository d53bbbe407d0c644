"""Nothing is kept: the single-frame detector, against which every memory is measured."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Nothing:
    def start(self, seed: int) -> tuple[()]:
        return ()

    def read(self, state: tuple[()]) -> Tensor | None:
        return None

    def write(self, state: tuple[()], plain: Tensor, enhanced: Tensor, scores: Tensor) -> tuple[()]:
        return state

    def fill(self, state: tuple[()], rows: Tensor, scores: Tensor) -> tuple[()]:
        return state
