"""The latest segments: what is older lives on only in the memory tokens themselves."""

from __future__ import annotations

from dataclasses import dataclass

from vidmem.bridges.bound import check_keep
from vidmem.bridges.entry import Cache, Kept


@dataclass(frozen=True)
class Fifo:
    keep: int = 16  # segments: as many as the published model was trained with frames

    def __post_init__(self) -> None:
        check_keep(self.keep)

    def add(self, cache: Cache, entry: Kept) -> Cache:
        return (*cache, entry)[-self.keep :]
