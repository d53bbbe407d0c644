"""Gathers what banks wish to remember of a frame, and encodes it in one batch."""

from __future__ import annotations

import torch

from vidmem.models import Model
from vidmem.values import Entry, Features, Guess


class Remembering:
    """Hands out entries at once and fills their tokens when the step ends. A guess asked for twice is encoded once."""

    def __init__(self, model: Model, features: Features):
        self.model, self.features = model, features
        self._asked: dict[int, tuple[Guess, Entry]] = {}

    def of(self, guess: Guess) -> Entry:
        """The entry of `guess`; its tokens are blank until `fill`."""
        if id(guess) not in self._asked:
            spec = self.model.spec
            height, width = spec.memory_grid
            tokens = torch.empty(
                height * width,
                spec.token_width,
                dtype=getattr(torch, spec.memory_dtype),
                device=self.features.levels[-1].device,
            )
            entry = Entry(
                guess.frame,
                tokens,
                guess.object_pointer.clone(),
                guess.pred_iou,
                guess.object_score_logit,
                guess.prompted,
            )
            self._asked[id(guess)] = (guess, entry)
        return self._asked[id(guess)][1]

    def fill(self) -> None:
        if not self._asked:
            return
        tokens = self.model.remember(self.features, [guess for guess, _ in self._asked.values()])
        for (_, entry), made in zip(self._asked.values(), tokens, strict=True):
            assert entry.tokens is not None
            entry.tokens.copy_(made)
