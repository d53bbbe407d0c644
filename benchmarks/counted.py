"""A model that counts what it is asked: what a memory costs, whatever the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vidmem.models import Model, ModelSpec
from vidmem.values import Candidates, Features, Frame, Guess, Question


@dataclass(eq=False)
class Counted:
    """Stands wherever its model may."""

    model: Model
    decoded: int = 0  # decodings, one for each object and each past that differs
    attended: int = 0  # memory tokens they looked at, in all
    remembered: int = 0  # masks encoded into memory

    @property
    def spec(self) -> ModelSpec:
        return self.model.spec

    @property
    def backbone(self) -> str:
        return getattr(self.model, "backbone", "")

    @property
    def device(self) -> torch.device:
        return self.model.device

    def encode(self, frame: Frame) -> Features:
        return self.model.encode(frame)

    def decode(self, features: Features, questions: Sequence[Question]) -> list[Candidates]:
        self.decoded += len(questions)
        for memory in (each.memory for each in questions if each.memory):
            kept = [(each.entry.tokens, each.pool) for each in memory.pages]
            self.attended += sum(len(tokens) // side**2 for tokens, side in kept if tokens is not None)
            self.attended += self.spec.pointer_tokens * len(memory.pointers)
        return self.model.decode(features, questions)

    def remember(self, features: Features, guesses: Sequence[Guess]) -> Tensor:
        self.remembered += len(guesses)
        return self.model.remember(features, guesses)
