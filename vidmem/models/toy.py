"""A model small enough to read: it follows the colour of what was marked. For tests, the tutorial and new banks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vidmem.errors import UsageError
from vidmem.kernels import attend, usage
from vidmem.models import ModelSpec
from vidmem.values import Candidates, Features, Frame, Guess, Memory, Question, unpacked


@dataclass(frozen=True)
class Toy:
    """A page of memory is one token, the mean colour of the object; a candidate is what lies close to that colour."""

    grid: int = 32
    sharpness: float = 30.0

    @property
    def spec(self) -> ModelSpec:
        size = (self.grid, self.grid)
        return ModelSpec("toy", size, (1, 1), token_width=3, pointer_tokens=1, mask_size=size, memory_dtype="float32")

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def encode(self, frame: Frame) -> Features:
        small = F.adaptive_avg_pool2d(frame.image.float()[None] / 255, self.grid)
        return Features(frame.index, frame.size, (small,))

    def decode(self, features: Features, questions: Sequence[Question]) -> list[Candidates]:
        return [self._answer(features, question) for question in questions]

    def remember(self, features: Features, guesses: Sequence[Guess]) -> Tensor:
        return torch.stack([self._colour(features, guess.mask > 0)[None] for guess in guesses])

    def _answer(self, features: Features, question: Question) -> Candidates:
        if question.prompt is not None:
            mask = self._marked(features, question)
            return Candidates(mask[None], (1.0,), self._colour(features, mask > 0)[None], torch.zeros(3), 8.0)
        expected, shares = self._expected(features, question.memory)
        closeness = 1 - (features.levels[0][0] - expected[:, None, None]).norm(dim=0)  # (h, w)
        masks = torch.stack([((closeness - limit) * self.sharpness).clamp(-8, 8) for limit in (0.75, 0.85, 0.95)])
        inside = [closeness[mask > 0] for mask in masks]
        pred_iou = tuple(float(each.mean()) if len(each) else 0.01 for each in inside)
        pointers = torch.stack([self._colour(features, mask > 0) for mask in masks])
        return Candidates(masks, pred_iou, pointers, torch.zeros(3), 4.0 if len(inside[1]) else -4.0, shares)

    def _expected(self, features: Features, memory: Memory | None) -> tuple[Tensor, tuple[Tensor, ...] | None]:
        """(3,) the colour looked for: what the pages say, weighed by likeness to the picture; and how much each said,
        where that is wanted."""
        if memory is None or not memory.pages:
            return torch.full((3,), 2.0), None
        if any(page.pool > 1 for page in memory.pages):
            raise UsageError("The toy model has pages of one token, which cannot be pooled. Leave the pool out.")
        pages = [unpacked(page.entry.tokens) for page in memory.pages if page.entry.tokens is not None]
        tokens = torch.cat(pages)[None, None]
        picture = features.levels[0].flatten(2).mT[:, None]  # (1, 1, h*w, 3)
        shares = usage(picture, tokens)[0].split([len(page) for page in pages]) if memory.want_usage else None
        return attend(picture, tokens, tokens)[0, 0].mean(0), shares

    def _marked(self, features: Features, question: Question) -> Tensor:
        """(h, w) logits of what a prompt marks: a mask as it is, a box filled, a point as a small square."""
        prompt, (height, width) = question.prompt, features.size
        assert prompt is not None
        if prompt.mask is not None:
            return (F.adaptive_avg_pool2d(prompt.mask.float()[None], self.grid)[0] - 0.5) * 16
        on = torch.full((self.grid, self.grid), -8.0) if question.previous is None else question.previous.clone()
        scale = torch.tensor([self.grid / width, self.grid / height])
        if prompt.box is not None:
            x0, y0, x1, y1 = (prompt.box.view(2, 2) * scale).round().int().flatten().tolist()
            on[y0:y1, x0:x1] = 8.0
        if prompt.points is not None and prompt.labels is not None:
            for (x, y), label in zip((prompt.points * scale).int().tolist(), prompt.labels.tolist(), strict=True):
                on[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = 8.0 if label == 1 else -8.0
        return on

    def _colour(self, features: Features, on: Tensor) -> Tensor:
        """(3,) mean colour of the pixels that are on, of all when none is."""
        pixels = features.levels[0][0]
        return pixels[:, on].mean(1) if on.any() else pixels.mean((1, 2))
