"""When the cache is full, the entry that the others could best have foretold goes.

An entry's surprise is one minus its greatest likeness to any other entry. The newest is never the one that goes, for
the next segment begins where it ended.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from vidmem.bridges.bound import check_keep, check_one_video, check_same_length
from vidmem.bridges.entry import Cache, Kept


@dataclass(frozen=True)
class Surprise:
    keep: int = 16

    def __post_init__(self) -> None:
        check_keep(self.keep, least=2)

    def add(self, cache: Cache, entry: Kept) -> Cache:
        check_one_video(entry, "surprise")
        cache = (*cache, entry)
        check_same_length(cache, "surprise")
        while len(cache) > self.keep:
            held = surprises(cache)[:-1]
            place = min(range(len(held)), key=held.__getitem__)  # of equals the oldest
            cache = (*cache[:place], *cache[place + 1 :])
        return cache


def surprises(cache: Cache) -> list[float]:
    """How little each entry of one video is like the one most like it: 0 (told already) .. 2. Alone: 2."""
    directions = F.normalize(torch.cat([each.tokens.detach().float() for each in cache]), dim=-1)  # (S, T, C)
    alike = torch.einsum("stc,utc->su", directions, directions) / directions.shape[1]
    alike.fill_diagonal_(-1)
    return (1 - alike.amax(1)).tolist()
