"""Where which colours are: a histogram of each part of the picture. Moves with nothing, leaps at a cut.

The square roots of the shares make the cosine of two such vectors the Bhattacharyya coefficient of their histograms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidmem.errors import UsageError
from vidmem.values import Frame


@dataclass(frozen=True)
class Colour:
    levels: int = 8  # of each of red, green and blue
    parts: int = 2  # the picture is cut into so many rows and columns
    reach: int = 96  # pixels a side that are looked at, at most: an even grid of the frame's

    def __post_init__(self) -> None:
        if not 2 <= self.levels <= 32 or self.parts < 1 or self.reach < self.parts:
            raise UsageError("Colour histograms need 2 to 32 levels, a part or more, and no fewer pixels than parts.")

    def __call__(self, frame: Frame) -> np.ndarray:
        image = frame.image.cpu().numpy()
        rows, columns = (np.linspace(0, n - 1, min(n, self.reach)).astype(int) for n in image.shape[1:])
        level = image[:, rows[:, None], columns].astype(np.int32) * self.levels >> 8
        colour = (level[0] * self.levels + level[1]) * self.levels + level[2]
        part = (np.arange(len(rows)) * self.parts // len(rows))[:, None] * self.parts
        part = part + np.arange(len(columns)) * self.parts // len(columns)
        bins = self.levels**3
        counts = np.bincount((part * bins + colour).ravel(), minlength=self.parts**2 * bins)
        return np.sqrt(counts / counts.sum()).astype(np.float32)
