"""One past, never doubted: the choice picks, and nothing else lives on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vidmem.choices import Choice
from vidmem.searches import Branch, History
from vidmem.values import Candidates


@dataclass(frozen=True)
class Single:
    """The first history, grown by what its choice picks."""

    def select(
        self, histories: Sequence[History], offered: Sequence[Candidates], choice: Choice, present_above: float = 0.0
    ) -> Sequence[Branch]:
        belief = choice.judge(histories[0].choice, offered[0])
        return (Branch(0, belief.pick, belief),)
