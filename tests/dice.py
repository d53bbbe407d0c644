"""A model that sees nothing and guesses by dice, for tests of what is made of many answers.

The dice are loaded by the frame and by all that is attended, so equal memories get equal answers, different ones
different answers. Its candidates are as wild as it gets: sure, unsure, absent, rated high and low.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

from vidmem.models import ModelSpec
from vidmem.values import Candidates, Entry, Features, Frame, Guess, Memory, Prompt, Question

SIDE = 4


@dataclass(eq=False)
class Dice:
    """doubt: how many frames of ten are unsure of presence and absence"""

    seed: int = 0
    doubt: int = 5
    questions: list[int] = field(default_factory=list)  # asked at each call
    guesses: list[int] = field(default_factory=list)  # remembered at each call

    @property
    def spec(self) -> ModelSpec:
        size = (SIDE, SIDE)
        return ModelSpec("dice", size, (1, 1), token_width=2, pointer_tokens=1, mask_size=size, memory_dtype="float32")

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def encode(self, frame: Frame) -> Features:
        return Features(frame.index, frame.size, (torch.zeros(1),))

    def decode(self, features: Features, questions: Sequence[Question]) -> list[Candidates]:
        self.questions.append(len(questions))
        return [self._throw(features, question) for question in questions]

    def remember(self, features: Features, guesses: Sequence[Guess]) -> Tensor:
        self.guesses.append(len(guesses))
        pages = [(float(crc32(guess.mask.numpy().tobytes()) % 9973), float(guess.visible)) for guess in guesses]
        return torch.tensor(pages)[:, None]

    def _throw(self, features: Features, question: Question) -> Candidates:
        prompted = question.prompt is not None
        seed = [self.seed, features.frame, crc32(repr(seen_of(question.memory)).encode()), prompted]
        dice = np.random.default_rng(seed)
        count = 1 if prompted else 3
        mean = 8.0 if prompted else (dice.random() * 4 - 2 if self.unsure(features.frame) else dice.choice([5.0, -5.0]))
        masks = torch.from_numpy(dice.standard_normal((count, SIDE, SIDE), dtype=np.float32))
        pointers = torch.from_numpy(dice.standard_normal((count, 2), dtype=np.float32))
        ratings = tuple(dice.choice([dice.random(), 0.9 + dice.random() / 100]) for _ in range(count))
        return Candidates(masks, tuple(map(float, ratings)), pointers, torch.zeros(2), float(mean))

    def unsure(self, frame: int) -> bool:
        return int(np.random.default_rng([self.seed, frame]).integers(10)) < self.doubt


def seen_of(memory: Memory | None) -> tuple:
    """All that a memory lets a model see, as numbers."""
    if memory is None:
        return ()
    pages = [(tokens_of(p.entry), p.slot, p.key_scale) for p in memory.pages]
    pointers = [(p.entry.object_pointer.tolist(), p.position, p.key_scale) for p in memory.pointers]
    return pages, pointers, memory.pointer_span


def tokens_of(entry: Entry) -> list:
    assert isinstance(entry.tokens, Tensor)
    return entry.tokens.tolist()


def blank(index: int) -> Frame:
    return Frame(index, torch.zeros(3, SIDE, SIDE, dtype=torch.uint8), index / 10)


def mark(object_id: int = 1) -> Prompt:
    return Prompt(object_id, box=torch.tensor([1.0, 1, 3, 3]))
