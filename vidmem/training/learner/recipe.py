"""A recipe of a trained coding: everything that decides what its training does, read from a card of configs/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vidmem.errors import UsageError
from vidmem.training.recipe import Data, Optimiser
from vidmem.training.recipe import build as built


@dataclass(frozen=True)
class LearnerRecipe:
    """What is trained, on whose features, on what, and for how long.

    [S] LWL (arXiv 2003.11540; pytracking 7eb9e74b, ltr/train_settings/lwl): one frame to learn from and three to
    answer, 5 steps of the solver at first and 2 behind each answer, the backbone frozen. [C] Everything else.
    """

    name: str
    model: str = "nano"  # whose features; a name of `vidmem models list` or a checkpoint
    seed: int = 0
    steps: int = 1000
    clips: int = 4  # a step
    frames: int = 4  # a clip: one that is learned from, the others are answered
    start_steps: int = 5  # of the solver, on the first frame
    update_steps: int = 2  # of the solver, behind each answer
    judge_every: int = 250  # steps from one judgement on the held-out sequences to the next
    width: int = 64  # sizes of the network; see vidmem/targets/codings/network.py
    labels: int = 16
    masks: tuple[int, ...] = (16, 32)
    decoder: tuple[int, ...] = (16, 32, 32)
    data: Data = field(default_factory=Data)
    optimiser: Optimiser = field(default_factory=Optimiser)

    def __post_init__(self) -> None:
        if self.frames < 2 or min(self.steps, self.clips, self.start_steps, self.judge_every) < 1:
            raise UsageError(
                f"{self.name}: frames must be 2 or more, steps, clips, start_steps and judge_every 1 or more; got "
                f"{self.frames}, {self.steps}, {self.clips}, {self.start_steps}, {self.judge_every}."
            )


def build(card: Mapping[str, Any], where: str) -> LearnerRecipe:
    """A recipe from a card with kind = "learner". Raises UsageError for an entry it does not know."""
    return built(LearnerRecipe, {name: each for name, each in card.items() if name != "kind"}, where)
