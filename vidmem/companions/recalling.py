"""The embedded companion: the student of the recall task. It knows eight objects, four places and an order, no more."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vidmem.bridges import CachePolicy
from vidmem.bridges.merge import Merge
from vidmem.companions import Remembered
from vidmem.recall.embedded import load_student
from vidmem.recall.questions import ANSWERS, KINDS, NOTHING, understood
from vidmem.recall.world import LOOKS, ORDER
from vidmem.values import Frame


class Recalling:
    """cache: what its bridge keeps; a bounded policy by default, for a video of any length"""

    looks = LOOKS

    def __init__(self, cache: CachePolicy = Merge(16)):  # noqa: B008 (frozen)
        self._student = load_student(cache)

    @torch.inference_mode()
    def see(self, frame: Frame) -> Tensor:
        return self._student.eye(frame.image[None])[0]

    def start(self) -> Remembered:
        return Remembered(self._student.bridge.start())

    @torch.inference_mode()
    def remember(self, state: Remembered, frames: Sequence[Tensor]) -> Remembered:
        frames = (list(frames) * LOOKS)[:LOOKS]  # it was taught with two looks at every scene
        bridge, _ = self._student.bridge.step(state.bridge, torch.cat(frames))
        return Remembered(bridge)

    def answer(self, state: Remembered, question: str) -> str:
        """One of its answers: an object, a place, or "nothing"."""
        asked = understood(question)
        return ANSWERS[self._answers(state)[asked]]

    def describe(self, before: Remembered, after: Remembered) -> str:
        """What the memory holds behind the scene and did not hold before."""
        new = [each for each in self.facts(after) if each not in self.facts(before)]
        return "; ".join(f"{thing}, {place}" for thing, place in new) if new else "nothing new"

    def facts(self, state: Remembered) -> list[tuple[str, str]]:
        """(object, place) of all that it believes to have seen, in order."""
        said, found = self._answers(state), []
        for index in range(len(ORDER)):
            thing = said[KINDS["when"][index]]
            if thing != NOTHING and thing < len(KINDS["where"]):
                found.append((ANSWERS[thing], ANSWERS[said[KINDS["where"][thing]]]))
        return found

    @torch.inference_mode()
    def _answers(self, state: Remembered) -> list[int]:
        if state.bridge.memory is None:
            return [NOTHING] * (KINDS["when"].stop)
        return self._student.answer(state.bridge.memory)[0].argmax(-1).tolist()
