"""SAM 2's choice: the candidate of which the model believes that it overlaps the object best (2408.00714, 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from vidmem.choices import Belief
from vidmem.values import Candidates


@dataclass(frozen=True)
class Argmax:
    """The highest `pred_iou`; the first of equals."""

    def start(self) -> None:
        return None

    def judge(self, state: None, candidates: Candidates) -> Belief:
        return Belief(candidates.pred_iou)

    def learn(self, state: None, candidates: Candidates, pick: int) -> None:
        return None
