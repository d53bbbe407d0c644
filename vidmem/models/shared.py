"""One look at a frame for many trackers: the encoder runs once, whoever asks."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from vidmem.models import Model, ModelSpec
from vidmem.values import Candidates, Features, Frame, Guess, Question


class SharedEncoding:
    """A model that keeps the features of the latest frame, so that several trackers can ask for them.

    `seconds` is what the latest encoding took. Nothing else is remembered, so it may stand wherever its model may.
    """

    def __init__(self, model: Model):
        self.model = model
        self.seconds = 0.0
        self._latest: tuple[Frame, Features] | None = None

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
        if self._latest is None or self._latest[0] is not frame:
            began = time.perf_counter()
            self._latest = frame, self.model.encode(frame)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            self.seconds = time.perf_counter() - began
        return self._latest[1]

    def decode(self, features: Features, questions: Sequence[Question]) -> list[Candidates]:
        return self.model.decode(features, questions)

    def remember(self, features: Features, guesses: Sequence[Guess]) -> Tensor:
        return self.model.remember(features, guesses)
