"""F, the boundary accuracy of DAVIS (Perazzi et al. 2016, 4), and Ḟ of MOSE v2, whose tolerance follows the object."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vidmem.metrics.bits import Rows

TOLERANCE = 0.008  # of the frame's diagonal, DAVIS
ADAPTIVE = 0.1  # of the square root of the object's area, MOSE v2


def diagonal(size: tuple[int, int]) -> float:
    """Of a frame (H, W), in pixels."""
    return float(np.linalg.norm(size))


def davis_radius(size: tuple[int, int]) -> float:
    """How far off a boundary may be, in whole pixels: 8 at 854 x 480."""
    return math.ceil(TOLERANCE * diagonal(size))


def adaptive_radius(size: tuple[int, int], area: int) -> float:
    """The tolerance of MOSE v2, in pixels: small objects are measured more finely. `area`: true pixels of the object.

    Where the frame's limit takes effect it is not a whole number, and the disk is the lopsided one of `disk`.
    """
    length = math.sqrt(area) if area else diagonal(size)
    return min(TOLERANCE * diagonal(size), math.ceil(ADAPTIVE * length))


def mose_radius(size: tuple[int, int], area: int) -> float:
    """The tolerance by which MOSE v2's tool gives the classic F: that of DAVIS, unrounded where Ḟ meets its limit."""
    limit = TOLERANCE * diagonal(size)
    return math.ceil(limit) if adaptive_radius(size, area) < limit else limit


@lru_cache(maxsize=256)
def disk(radius: float) -> Rows:
    """The disk of scikit-image about the anchor of OpenCV, row by row.

    It is sampled from -radius in whole steps. So a radius that is no whole number gives a disk whose middle lies beside
    the anchor, as in the tools that pass one.
    """
    steps = np.arange(-radius, radius + 1)
    inside = steps[:, None] ** 2 + steps[None] ** 2 <= radius**2
    anchor = len(steps) // 2
    rows = []
    for row, line in enumerate(inside):
        columns = np.flatnonzero(line)
        if len(columns):
            rows.append((row - anchor, int(columns[0]) - anchor, int(columns[-1]) - anchor))
    return tuple(rows)


@dataclass(frozen=True)
class Matches:
    """How many boundary pixels there are, and how many of them lie within reach of the other mask's boundary."""

    truth: int
    truth_matched: int
    answer: int
    answer_matched: int

    def f(self) -> float:
        """The harmonic mean of precision and recall. 1 when neither mask has a boundary, 0 when one alone has none."""
        if self.truth == 0 or self.answer == 0:
            return float(self.truth == self.answer)
        precision, recall = self.answer_matched / self.answer, self.truth_matched / self.truth
        return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def matches(truth: int, answer: int, reached_by_truth: int, reached_by_answer: int) -> Matches:
    """Count boundaries against what the other's dilation reaches. All four as the integers of `bits`."""
    return Matches(
        truth.bit_count(),
        (truth & reached_by_answer).bit_count(),
        answer.bit_count(),
        (answer & reached_by_truth).bit_count(),
    )
