"""When the cache is full, the two neighbours most alike become one, by the mean (MA-LMM, arXiv 2404.05726, 3.2).

Nothing is thrown away, only drawn together: a long dull scene ends up as one entry, a lively minute keeps many.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from vidmem.bridges.bound import check_keep, check_one_video, check_same_length
from vidmem.bridges.entry import Cache, Kept, likeness


@dataclass(frozen=True)
class Merge:
    keep: int = 16
    weighted: bool = True  # by how many segments each stands for; False is the paper's plain mean

    def __post_init__(self) -> None:
        check_keep(self.keep)

    def add(self, cache: Cache, entry: Kept) -> Cache:
        check_one_video(entry, "merge")
        cache = (*cache, entry)
        check_same_length(cache, "merge")
        while len(cache) > self.keep:
            alike = [likeness(one, other) for one, other in pairwise(cache)]
            place = max(range(len(alike)), key=alike.__getitem__)  # of equals the oldest pair
            cache = (*cache[:place], self._join(cache[place], cache[place + 1]), *cache[place + 2 :])
        return cache

    def _join(self, one: Kept, other: Kept) -> Kept:
        share = one.count / (one.count + other.count) if self.weighted else 0.5

        def mean(a: Tensor, b: Tensor) -> Tensor:
            return share * a + (1 - share) * b

        return Kept(
            mean(one.tokens, other.tokens),
            mean(one.retrieved, other.retrieved),
            one.first,
            other.last,
            one.count + other.count,
        )
