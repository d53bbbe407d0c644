"""How far off a boundary may be: the tolerances of DAVIS and of MOSE v2, and the disk each of them stands for."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from vidmem.metrics.bits import Rows

Radius = Callable[[tuple[int, int], int], float]
"""From a frame's (H, W) and an object's true area, both in pixels, to the tolerance in pixels."""

TOLERANCE = 0.008  # of the frame's diagonal (DAVIS)
ADAPTIVE = 0.1  # of the square root of the object's area (MOSE v2)


def davis(size: tuple[int, int], area: int = 0) -> float:
    """The same for every object: a share of the diagonal, rounded up. 8 pixels at 854 x 480."""
    return math.ceil(_limit(size))


def adaptive(size: tuple[int, int], area: int) -> float:
    """MOSE v2's for Ḟ: small objects are measured more finely, and none more coarsely than DAVIS would.

    Where the frame's limit takes effect it is not rounded, so that the disk is the lopsided one of `disk`.
    """
    length = math.sqrt(area) if area else float(np.linalg.norm(size))
    return min(_limit(size), math.ceil(ADAPTIVE * length))


def mose(size: tuple[int, int], area: int) -> float:
    """By which MOSE v2's tool gives the classic F: that of DAVIS, but not rounded for objects so big that Ḟ = F."""
    return davis(size) if adaptive(size, area) < _limit(size) else _limit(size)


def _limit(size: tuple[int, int]) -> float:
    return float(TOLERANCE * np.linalg.norm(size))


@lru_cache(maxsize=256)
def disk(radius: float) -> Rows:
    """The disk of scikit-image about the anchor of OpenCV, row by row.

    It is sampled from -radius in whole steps. So a radius that is no whole number gives a disk whose middle lies
    beside the anchor, as in the tools that pass one.
    """
    steps = np.arange(-radius, radius + 1)
    inside = steps[:, None] ** 2 + steps[None] ** 2 <= radius**2
    anchor = len(steps) // 2
    rows = []
    for row, line in enumerate(inside):
        columns = np.flatnonzero(line)
        if len(columns):
            rows.append((row - anchor, int(columns[0]) - anchor, int(columns[-1]) - anchor))
    return tuple(rows) or ((-anchor, -anchor, -anchor),)  # of an empty one OpenCV takes the top left corner
