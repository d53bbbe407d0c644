"""From whole pages to a few tokens: which are worth keeping, what they become, and which are let go.

The long-term memory of XMem (arXiv 2207.07115, 3.3) as pure functions: the most used tokens of old frames become
prototypes, each made surer by what is like it ("potentiation"); of the prototypes the least used are forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Used:
    """Tokens, the place each came from, and how much they were attended."""

    tokens: Tensor  # (N, C)
    cells: Tensor  # (N,) int, row by row over the memory grid
    usage: Tensor  # (N,) float32, the attention each got, added up over the frames in which it was measured
    life: Tensor  # (N,) float32, how many frames these are

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def worth(self) -> Tensor:
        """(N,) attention a frame; 0 where none was measured yet."""
        return self.usage / self.life.clamp(min=1)

    def attended(self, usage: Tensor) -> Used:
        """With one more measurement of all of them.     usage (N,)"""
        return Used(self.tokens, self.cells, self.usage + usage, self.life + 1)

    def rows(self, index: Tensor) -> Used:
        """Those in the rows `index`, in its order."""
        return Used(self.tokens[index], self.cells[index], self.usage[index], self.life[index])


def joined(parts: Sequence[Used]) -> Used:
    """One after the other."""
    return Used(
        torch.cat([each.tokens for each in parts]),
        torch.cat([each.cells for each in parts]),
        torch.cat([each.usage for each in parts]),
        torch.cat([each.life for each in parts]),
    )


def most_used(known: Used, count: int) -> Tensor:
    """(min(count, N),) the rows of the tokens of most worth, in their old order; of equal worth, the latest rows."""
    latest_first = known.worth.flip(0).argsort(descending=True, stable=True)[:count]
    return (len(known) - 1 - latest_first).sort().values


def consolidate(old: Used, count: int, sharpness: float = 1.0) -> Used:
    """The `count` most used tokens, each the mean of all, weighed by likeness to it. They keep their places.

    Likeness is XMem's, the negative squared distance over the root of the width, with a shrinkage and a selection of 1;
    `sharpness` multiplies it. A new token begins with the worth that made it a prototype, as if measured once; in XMem
    with none, so that one not measured in time would be the first to be forgotten.
    """
    picked = old.rows(most_used(old, count))
    tokens, prototypes = old.tokens.float(), picked.tokens.float()
    # Taken apart into products, a small distance between large tokens would drown in rounding.
    distances = torch.cdist(prototypes, tokens, compute_mode="donot_use_mm_for_euclid_dist")
    likeness = -distances.square() * (sharpness / tokens.shape[1] ** 0.5)
    potentiated = likeness.softmax(1) @ tokens
    return Used(potentiated.to(old.tokens.dtype), picked.cells, picked.worth, torch.ones_like(picked.life))


def make_room(known: Used, coming: int, most: int, buffer: int) -> Used:
    """What is left so that `coming` more fit into `most`: all, or without the least used ones.

    Then `buffer` more are let go than need be, so that it is seldom done (Cutie: arXiv 2310.12982, buffer_tokens).
    """
    if len(known) + coming <= most:
        return known
    return known.rows(most_used(known, most - coming - buffer))
