"""VideoLLaMB's own cache: every segment for ever. Exact, and as long as the video."""

from __future__ import annotations

from dataclasses import dataclass

from vidmem.bridges.entry import Cache, Kept


@dataclass(frozen=True)
class Everything:
    def add(self, cache: Cache, entry: Kept) -> Cache:
        return (*cache, entry)
