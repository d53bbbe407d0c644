"""Who learns the recall task: an eye that is trained first and then frozen, a bridge, and a reader that is asked.

Only the bridge carries anything from scene to scene, so what is answered about the past went through its memory.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.bridges import CachePolicy
from vidmem.bridges.bridge import Bridged, BridgeSizes, RecurrentBridge
from vidmem.bridges.everything import Everything
from vidmem.bridges.layers import Attending
from vidmem.errors import UsageError
from vidmem.recall.questions import ANSWERS, QUESTIONS
from vidmem.recall.world import OBJECTS, SIDE

WIDTH = 64
GRID = 4  # tokens a side of a frame
SIZES = BridgeSizes(WIDTH, heads=4, hidden=128, memory_tokens=8, language_width=WIDTH, dropout=0.0, eps=1e-5)
Memory = Literal["retrieval", "recurrence", "none"]  # all of it; without retrieval; every scene for itself


class Eye(nn.Module):
    """Three convolutions: a frame becomes 4 x 4 tokens that know where they lie."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *[nn.Conv2d(3, 16, 3, 2, 1), nn.GELU(), nn.Conv2d(16, 32, 3, 2, 1), nn.GELU(), nn.Conv2d(32, WIDTH, 2, 2)]
        )
        self.norm = nn.LayerNorm(WIDTH)
        # As strong as what is seen: the bridge has no position code of its own, so a token must say where it lies.
        self.place = nn.Parameter(torch.randn(GRID * GRID, WIDTH))
        self.shown = nn.Linear(WIDTH, len(OBJECTS) + 1)  # what is in each cell: only to teach the eye

    def forward(self, pictures: Tensor) -> Tensor:
        """pictures (T, 3, H, W) uint8   ->   (T, 16, C)"""
        pixels = pictures.float() / 127.5 - 1
        if pixels.shape[-2:] != (SIDE, SIDE):
            pixels = F.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)
        return self.norm(self.layers(pixels).flatten(2).transpose(1, 2)) + self.place


class Reader(nn.Module):
    """Answers every question from the memory tokens, as a language model would have to."""

    def __init__(self, depth: int = 2) -> None:
        super().__init__()
        self.question = nn.Parameter(torch.randn(len(QUESTIONS), WIDTH))
        self.layers = nn.ModuleList(Attending(WIDTH, 4, 0.0, 1e-5) for _ in range(depth))
        self.head = nn.Sequential(nn.Linear(WIDTH, 128), nn.GELU(), nn.Linear(128, len(ANSWERS)))

    def forward(self, given: Tensor) -> Tensor:
        """given (B, N, D)   ->   (B, Q, answers) logits"""
        asked = self.question.expand(len(given), -1, -1)
        for layer in self.layers:
            asked = layer(asked, given)
        return self.head(asked)


class Student(nn.Module):
    """memory: what it may use of the past   cache: what its bridge keeps (a policy of `vidmem.bridges`)"""

    def __init__(self, memory: Memory = "retrieval", cache: CachePolicy = Everything()):  # noqa: B008 (frozen)
        super().__init__()
        if memory not in ("retrieval", "recurrence", "none"):
            raise UsageError(f"A student's memory is 'retrieval', 'recurrence' or 'none', not {memory!r}.")
        self.memory: Memory = memory
        self.eye = Eye()
        self.bridge = RecurrentBridge(SIZES, cache, retrieval=memory == "retrieval")
        self.reader = Reader()

    def watch(self, scenes: Tensor) -> list[Bridged]:
        """scenes (B, S, N, C) what the eye made of each   ->   what became of each, in order"""
        state, seen = self.bridge.start(), []
        for scene in scenes.unbind(1):
            state, bridged = self.bridge.step(self.bridge.start() if self.memory == "none" else state, scene)
            seen.append(bridged)
        return seen

    def answer(self, memory: Tensor) -> Tensor:
        """memory (B, M, C) as retrieved behind a scene   ->   (B, Q, answers) logits; nothing else is read."""
        return self.reader(self.bridge.to_language(memory))
