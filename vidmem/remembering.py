"""Gathers what banks wish to remember of a frame, and encodes it in one batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from vidmem.models import Model
from vidmem.values import Candidates, Entry, Features, Guess, Packed


class Remembering:
    """Hands out entries at once and fills their tokens when the step ends. What is asked for twice is encoded once."""

    def __init__(self, model: Model, features: Features, keep: Callable[[Tensor], Tensor | Packed]):
        """keep: where a page is kept that the model would fill into the given blank."""
        self.model, self.features, self.keep = model, features, keep
        self._asked: dict[tuple[int, int, bool], tuple[Guess, Tensor | Packed, Tensor]] = {}
        self._offers: list[Candidates] = []

    def of(self, candidates: Candidates, pick: int, guess: Guess, as_prompt: bool = False) -> Entry:
        """The entry of the guess made of candidate `pick`; its tokens are blank until `fill`.

        An absent object looks the same whichever candidate was picked, so all of them share one page. as_prompt: the
        page is encoded as that of a prompt, whatever it is.
        """
        guess = replace(guess, prompted=True) if as_prompt else guess
        key = (id(candidates), pick if guess.visible else -1, guess.prompted)
        if key not in self._asked:
            self._offers.append(candidates)  # kept alive, or another could take its id
            self._asked[key] = (guess, self.keep(self._blank()), guess.object_pointer.clone())
        _, tokens, pointer = self._asked[key]
        return Entry(guess.frame, tokens, pointer, guess.pred_iou, guess.object_score_logit, guess.prompted)

    def fill(self) -> None:
        if not self._asked:
            return
        made = self.model.remember(self.features, [guess for guess, _, _ in self._asked.values()])
        for (_, tokens, _), page in zip(self._asked.values(), made, strict=True):
            if isinstance(tokens, Tensor):
                tokens.copy_(page)
            else:
                tokens.fill(page)

    def _blank(self) -> Tensor:
        """(N, C) of one page."""
        spec = self.model.spec
        height, width = spec.memory_grid
        dtype, device = getattr(torch, spec.memory_dtype), self.features.levels[-1].device
        return torch.empty(height * width, spec.token_width, dtype=dtype, device=device)
