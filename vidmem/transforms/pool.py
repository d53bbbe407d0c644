"""EfficientTAM's coarse attention (arXiv 2411.18933): tokens that lie side by side are attended as one.

Keys and values are averaged over squares after their projection and rotation, and each mean counts as many as it
stands for: log 4 is added to the logit of four. Where the tokens of a square are equal this is exact; elsewhere it is
near, and the cross-attention has a quarter of the keys. It is done while attending, in each layer anew, because rotated
keys cannot be averaged before they are rotated; what is kept stays whole.

This is the reference's first variant without its matrix of scores. Its second adds log 4 to every channel of a key,
which is another function, right only for weights trained with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from vidmem.values import Memory, Page

T = TypeVar("T")


@dataclass(frozen=True)
class Pool:
    """Squares of side `side` attended as one. Object pointers and tokens picked from their pages stay as they are."""

    side: int = 2  # EfficientTAM: 2 x 2
    newest_whole: int = 0  # so many of the latest tracked pages stay whole; EfficientTAM pools all
    prompts_whole: bool = False  # whether prompted pages stay whole; EfficientTAM pools them too

    def __post_init__(self) -> None:
        if self.side < 1 or self.newest_whole < 0:
            raise ValueError(
                f"pool.side must be 1 or more and newest_whole 0 or more; got {self.side}, {self.newest_whole}."
            )

    def keep(self, blank: T) -> T:
        return blank

    def show(self, memory: Memory) -> Memory:
        if len(memory.pages) < 2:  # EfficientTAM: a single page is attended whole
            return memory
        whole = self._whole(memory.pages)
        pages = (page if id(page) in whole else replace(page, pool=self.side) for page in memory.pages)
        return replace(memory, pages=tuple(pages))

    def _whole(self, pages: Sequence[Page]) -> set[int]:
        """The pages that are not pooled, by id."""
        picked = [page for page in pages if page.entry.cells is not None]
        prompted = [page for page in pages if page.entry.prompted and self.prompts_whole]
        tracked = [page for page in pages if not page.entry.prompted and page.entry.cells is None]
        newest = sorted(tracked, key=lambda page: -page.entry.step)[: self.newest_whole]
        return {id(page) for page in (*picked, *prompted, *newest)}
