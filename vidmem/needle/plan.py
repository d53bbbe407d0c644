"""The cells of the test: how long the haystack is, and how deep in it the needle lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidmem.errors import UsageError


@dataclass(frozen=True)
class Cell:
    """One trial."""

    length: int  # seconds of hay
    depth: int  # per cent of it that come before the needle

    @property
    def second(self) -> int:
        """Where the needle is put."""
        return self.length * self.depth // 100


@dataclass(frozen=True)
class Grid:
    """The published grid, 480 cells; fewer of both for a shorter test of the same range."""

    longest: int = 320  # seconds
    lengths: int = 40  # values, evenly from 1 to the longest
    depths: int = 12  # values, evenly from 0 to 100 per cent

    def __post_init__(self) -> None:
        if self.longest < 1 or self.lengths < 1 or self.depths < 1:
            raise UsageError("A needle test has a second of hay or more, and a length and a depth or more.")

    def cells(self) -> list[Cell]:
        """Every length with every depth, the shortest and shallowest first; none twice."""
        lengths = sorted({round(each) for each in np.linspace(1, self.longest, self.lengths).tolist()})
        depths = sorted({round(each) for each in np.linspace(0, 100, self.depths).tolist()})
        return [Cell(length, depth) for length in lengths for depth in depths]
